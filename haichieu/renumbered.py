"""Vietnamese mobile numbers that went out of service in 2018, and the numbers that replaced them.

Numbers of eleven digits became numbers of ten (decision 798/QĐ-BTTTT). Address books and stickers still contain the old
ones. Area codes, which changed in 2017, are left alone: a landline number that lacks a digit looks like an old one of
another province, and a stranger would be called.
"""

MOBILE = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip
"""Prefixes of mobile numbers, without the zero; seven digits follow the old and the new one."""


def replaced_by(national: str) -> str | None:
    """Return what replaced a national number, both without the zero; None if it is not in a range that changed."""
    if len(national) == 10 and national[:3] in MOBILE:
        return MOBILE[national[:3]] + national[3:]
    return None
