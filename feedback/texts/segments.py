"""Number of SMS segments of a text (3GPP TS 23.038 §6.2): GSM 7-bit if its letters allow, else UCS-2.

One SMS has 140 octets. In a longer text each part gives 6 of them to the concatenation header (TS 23.040 §9.2.3.24.1),
which leaves 153 septets or 67 UCS-2 units. A character is never split.
"""

from collections.abc import Iterable

ONE_GSM, MORE_GSM = 160, 153
ONE_UCS2, MORE_UCS2 = 70, 67

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Letters of the extension table: an escape and the letter, two septets."""


def segments(text: str) -> int:
    """Return the number of segments; an empty text takes one."""
    if set(text) <= _BASIC | _EXTENDED:
        return _parts((2 if letter in _EXTENDED else 1 for letter in text), ONE_GSM, MORE_GSM)
    return _parts((2 if ord(letter) > 0xFFFF else 1 for letter in text), ONE_UCS2, MORE_UCS2)


def _parts(sizes: Iterable[int], one: int, more: int) -> int:
    widths = list(sizes)
    if sum(widths) <= one:
        return 1
    parts, room = 1, more
    for width in widths:
        if width > room:
            parts, room = parts + 1, more
        room -= width
    return parts
