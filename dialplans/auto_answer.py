"""Headers that make a device answer by itself, by the make of the device.

`docs/loudspeakers.md` says what each maker's manual states, and what was tried. A device follows one `Alert-Info` value
or none, and some give it precedence over `Call-Info`, so a call never carries two of them.
"""

from collections.abc import Mapping

FOR_EVERY_MAKE = {
    # RFC 3261 §20.9 with the parameter that most makers read.
    "Call-Info": "<sip:haichieu.invalid>;answer-after=0",
    "Answer-Mode": "Auto",  # RFC 5373 §4
    "P-Auto-Answer": "normal",
}
_COMMON_ALERT = "<http://haichieu.invalid>;info=alert-autoanswer;delay=0"

_ALERTS: Mapping[str, str] = {
    "": _COMMON_ALERT,
    # Horns and paging adapters answer by a setting of the device; an Alert-Info could only choose a ring tone.
    **dict.fromkeys(("algo", "axis", "2n", "cyberdata", "barix"), ""),
    **dict.fromkeys(("grandstream", "yealink", "snom", "fanvil"), _COMMON_ALERT),
    # The phone compares the text with voIpProt.SIP.alertInfo.1.value.
    "poly": "Ring Answer",
}

MAKES = tuple(sorted(make for make in _ALERTS if make))
"""Makes that a speaker may name; any other make gets what most devices understand."""

EMERGENCY = {"Priority": "emergency", "Priv-Answer-Mode": "Auto"}
"""RFC 3261 §20.26 and RFC 5373 §4: a device in another call, or in do-not-disturb, may take this one instead."""


def alert_info(make: str = "") -> str:
    """Return the value of Alert-Info for a device of this make; empty means that the header is left out."""
    return _ALERTS.get(make, _COMMON_ALERT)


def auto_answer_headers(make: str = "") -> dict[str, str]:
    """Return the headers for a device of this make; an empty one means any other."""
    alert = alert_info(make)
    return {**FOR_EVERY_MAKE, **({"Alert-Info": alert} if alert else {})}
