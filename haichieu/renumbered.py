"""Vietnamese numbers that went out of service when their ranges were renumbered, and the numbers that replaced them.

Area codes changed in 2017 (decision 2036/QĐ-BTTTT of 2016), mobile numbers of eleven digits in 2018 (decision
798/QĐ-BTTTT). Address books and stickers still contain the old ones.
"""

MOBILE = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip
"""Prefixes of mobile numbers, without the zero; seven digits follow the old and the new one."""

AREAS = {
    "20": "214", "22": "212", "25": "205", "26": "206", "27": "207", "29": "216",
    "230": "215", "231": "213", "240": "204", "241": "222", "280": "208", "281": "209",
}  # fmt: skip
"""Area codes, without the zero; seven digits follow the old and the new one.

Those that began with 3 to 8 are left out: their numbers look like mobile numbers of today, or of tomorrow.
"""


def replaced_by(national: str) -> str | None:
    """Return what replaced a national number, both without the zero; None if it is not in a range that changed."""
    if len(national) == 10 and national[:3] in MOBILE:
        return MOBILE[national[:3]] + national[3:]
    for digits in (3, 2):
        if len(national) == digits + 7 and national[:digits] in AREAS:
            return AREAS[national[:digits]] + national[digits:]
    return None
