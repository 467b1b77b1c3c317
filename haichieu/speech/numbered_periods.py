"""Years and numbered periods of Vietnamese official text in words: `2026/2027`, `quý 1,2/2026`, `thôn 1,2,3`.

Runs before dates are read, which take `2/2026` for a month and `1,2` for a decimal.
"""

import re

_CENTURY_YEAR = r"(?:19|20)\d\d"
_YEARS = re.compile(rf"(?<![\w/.,-])({_CENTURY_YEAR}) ?/ ?({_CENTURY_YEAR}|\d\d)(?![\w/-]|[.,]\d)")
_MOST_YEARS = 10
"""Longer ones are no school year, season, or term."""

_NUMBER = r"(?:[IVX]{1,5}|\d{1,2})"
_PERIOD = r"quý|học kỳ|kỳ|tháng|đợt|tuần|số"
_PERIODS = re.compile(
    rf"(?<!\w)(?i:(?P<word>{_PERIOD}) )(?P<numbers>{_NUMBER}(?:(?:\s*[,;–-]\s*|(?: và | đến ))"
    rf"(?:(?i:(?P=word)) )?{_NUMBER})+)(?:\s?/\s?|(?=\s+năm\s+\d))(?P<year>{_CENTURY_YEAR})?(?![\d/-])"
)
_BETWEEN = re.compile(r"\s*([,;–-]| và | đến )\s*")

_COUNTED = "thôn|tổ|xóm|bản|ấp|khu|cụm|đội|điểm|lớp|khối|điều|khoản|mục|bài|tiểu khu|phòng|bàn|mũi|khóa|thứ"
_WEEKDAYS = re.compile(
    r"(?<!\w)([Tt]hứ )([2-7](?:(?:\s*,\s*| và )[2-7])+)(?=\s*[.;:)!?]|\s*$| (?:hằng|hàng|mỗi|trong|của|từ|tại|các) )"
)
_MANY = re.compile(rf"(?<!\w)((?i:{_COUNTED}|{_PERIOD}) )(\d{{1,2}}(?:,\d{{1,2}}){{2,}})(?![\w/%-]|[.,]\d)")
_LIST = re.compile(
    rf"(?<!\w)(?<!mỗi )(?<!một )(?<!hàng )(?<!hằng )((?i:{_COUNTED}|{_PERIOD}) )"
    r"(\d{1,2}(?:,\d{1,2})+)(?![\w/%-]|[.,]\d)"
    r"(?=\s*[.;:,)!?]|\s*$| (?:và|của|xã|phường|thị trấn|từ|tại|ở|có|được|bị|ngày|tháng|năm|lúc|đến|mất|cần|phải|họp"
    r"|tổ chức|nghỉ|sẽ|đã|thì|để|cùng|chưa|còn|là|Luật|Nghị|Thông))"
)


def periods_in_words(text: str) -> str:
    """Return a text whose pairs of years are ranges and whose numbered periods are said one by one."""
    text = _YEARS.sub(_years, text)
    text = _PERIODS.sub(_periods, text)
    text = _WEEKDAYS.sub(lambda found: found[1] + re.sub(r"(?<=[, ])(?=[2-7])", found[1].lower(), found[2]), text)
    for pattern in (_MANY, _LIST):
        text = pattern.sub(lambda found: found[1] + found[2].replace(",", ", "), text)
    return text


def _years(found: re.Match[str]) -> str:
    first, last = found.groups()
    last = last if len(last) == 4 else first[:2] + last
    return f"{first} đến {last}" if 0 < int(last) - int(first) <= _MOST_YEARS else found[0]


def _periods(found: re.Match[str]) -> str:
    """Return every period with its word, as in "quý 1, quý 2 năm 2026"."""
    word = found["word"]
    parts = _BETWEEN.split(re.sub(rf"(?i:{word}) ", "", found["numbers"]))
    if word.lower() == "tháng":
        parts = ["tư" if part in ("4", "04") else part for part in parts]
    joined = parts[0]
    for sign, number in zip(parts[1::2], parts[2::2], strict=True):
        between = " đến" if sign in "–-" else sign if sign in ",;" else sign.rstrip()
        joined += f"{between} {word.lower()} {number}"
    return f"{word} {joined}" + (f" năm {found['year']}" if found["year"] else "")
