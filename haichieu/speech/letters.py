"""Names of single letters and figures in Vietnamese."""

import unicodedata

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            *("a", "bê", "xê", "đê", "e", "ép", "gờ", "hát", "i", "gi", "ca", "lờ", "mờ"),
            *("nờ", "o", "pê", "quy", "rờ", "ét", "tê", "u", "vê", "vê kép", "ích", "i dài", "dét"),
        ),
        strict=True,
    )
) | {"đ": "đê"}


def by_digits(number: str) -> str:
    """Return the figures of a number one by one, in words."""
    return " ".join(DIGITS[unicodedata.digit(figure)] for figure in number if figure.isdigit())


def spelled(letters: str) -> str:
    """Return the names of Latin letters; anything else stays as it is."""
    return " ".join(_LETTERS.get(letter, letter) for letter in letters.lower())
