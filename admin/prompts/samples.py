"""Example values in prompts that are played on a page instead of in a call."""

from collections.abc import Mapping

_SAMPLES: Mapping[str, tuple[str, str]] = {
    "cases": ("2", "2"),
    "category": ("Điện, nước", "Power and water"),
    "code": ("12", "12"),
    "first": ("2026", "2026"),
    "heard": ("11", "11"),
    "key": ("1", "1"),
    "more": ("3", "3"),
    "name": ("Cốc Pàng", "Cốc Pàng"),
    "names": ("Cốc Pàng, Cô Ba", "Cốc Pàng, Cô Ba"),
    "number": ("12", "12"),
    "official": ("Nông Văn Hải", "Nông Văn Hải"),
    "on_air": ("Bản tin sáng", "The morning news"),
    "reachable": ("11", "11"),
    "reason": ("mất điện", "power failure"),
    "second": ("0042", "0042"),
    "seconds": ("30", "30"),
    "speakers": ("12", "12"),
    "title": ("Bản tin sáng", "The morning news"),
    "total": ("12", "12"),
    "unit": ("xã Cốc Pàng", "Cốc Pàng"),
    "when": ("hôm qua, 17 giờ 30", "yesterday at 17:30"),
    "zone": ("Xã Cốc Pàng", "Cốc Pàng"),
}


def samples(names: frozenset[str], language: str) -> dict[str, str]:
    """Return an example for each name."""
    return {name: _SAMPLES.get(name, (name, name))[language == "en"] for name in names}
