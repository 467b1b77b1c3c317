"""Notations of Vietnamese official text in words: addresses, telephone numbers, times, dates, ranges, Roman numerals.

What stays in figures is read by the normaliser. Every rule leaves alone what it does not understand for certain.
"""

import html
import re
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
)
_PUNCTUATION = {".": "chấm", "/": "gạch chéo", "@": "a còng", "-": "gạch ngang", "_": "gạch dưới"}

_DASH = r"\s*[-–—]\s*"
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_ENDING = "vn|com|net|org|edu|gov|info"
_ADDRESS = re.compile(
    rf"(?:https?://)?((?:[\w.+-]+@)?(?:[\w-]+\.)+(?:{_ENDING})(?![\w-])(?:/[\w./-]*\w)?)/?(?:[?#]\S*)?", re.IGNORECASE
)
_PHONE = re.compile(r"(?<![\w.,/+-])(?:\+84[ .-]?(?=[1-9])|(?=0\d))\d(?:[ .-]?\d){7,10}(?![\w/]|[.,]\d)")
_SERVICE = re.compile(r"(?<![\w.,/+-])(1[89]00)[ .-]?(\d{2,3})[ .-]?(\d{2,3})(?![\w/]|[.,]\d)")
_SHORT_NUMBER = re.compile(
    r"((?:gọi|số|số máy|tổng đài|đường dây nóng|hotline):? )(11[1-5])(?![\w.,/-]*\d)", re.IGNORECASE
)

_HOURS = r"(?:2[0-4]|[01]?\d)"
_TIME = rf"{_HOURS}(?:[hg][0-5]\d|h(?!\w)|:[0-5]\d)"
_TIMES = re.compile(rf"(?<![\w:.,/])({_TIME}){_DASH}({_TIME})(?![\w:])", re.IGNORECASE)
_ONE_TIME = re.compile(rf"(?<![\w:.,/])({_HOURS})(?:[hg:]([0-5]\d)|h)(?![\w:])", re.IGNORECASE)
_RATIO = re.compile(r"t[ỷỉ] (?:lệ|số):? $", re.IGNORECASE)

_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_FREE, _DONE = r"(?<![\w/.,-])", r"(?![\w/-]|[.,]\d)"
_BETWEEN_DATES = re.compile(
    rf"(?:ngày )?{_FREE}({_DAY})/({_MONTH})(?:/({_YEAR}))?{_DASH}(?:ngày )?({_DAY})/({_MONTH})(?:/({_YEAR}))?{_DONE}",
    re.IGNORECASE,
)
_BETWEEN_DAYS = re.compile(
    rf"((?:ngày|mùng|mồng) )?{_FREE}({_DAY}){_DASH}({_DAY})/({_MONTH})(?:/({_YEAR}))?{_DONE}", re.IGNORECASE
)
_BETWEEN_MONTHS = re.compile(rf"(tháng ){_FREE}({_MONTH}){_DASH}({_MONTH})(?:/({_YEAR}))?{_DONE}", re.IGNORECASE)
_DATE_WORDS = (
    "hôm|sáng|trưa|chiều|tối|đêm|dịp|lễ|từ|đến|hết|trước|sau|thứ hai|thứ ba|thứ tư|thứ năm|thứ sáu|thứ bảy|chủ nhật"
)
_DATE = re.compile(rf"(\b(?:{_DATE_WORDS}),? \(?){_FREE}({_DAY})/({_MONTH})(?:/({_YEAR}))?{_DONE}", re.IGNORECASE)
_NUMBER = r"\d+(?:[.,]\d+)*"
_RANGE = re.compile(rf"(?<![\w/.,+-])({_NUMBER}){_DASH}({_NUMBER})(?![\d/]|[.,]\d|{_DASH}\d)")

_NAMED_RANGE = re.compile(rf"((?<!\w)(?P<word>\w+) \d+){_DASH}(?=(?i:(?P=word)) \d|chủ nhật)")

_ROMAN = r"X{0,3}(?:IX|IV|V?I{0,3})"
_NUMBERED = (
    "báo động|cấp|loại|hạng|bậc|nhóm|vùng|khu vực|phụ lục|chương|phần|mục|điều|tập|quý|kỳ|kỳ họp|khóa|khoá|đại hội|"
    "thế kỷ|giai đoạn|đợt|lần|quân khu|trung ương|pha|tuyến"
)
_AFTER_WORD = re.compile(
    rf"(?<!\w)((?i:{_NUMBERED})(?i: lần)?(?i: thứ| số)? )"
    rf"((?=[IVX]){_ROMAN}\b(?:(?:{_DASH}|/|, | và | hoặc | đến )(?=[IVX]){_ROMAN}\b)*)(?!\w)"
)
_ALARM = re.compile(r"(?<!\w)BĐ[ .]?(?=[1-3](?!\w)|I{1,3}(?!\w))")
_HEADING = re.compile(rf"(?m)^(\s*)((?=[IVX]){_ROMAN})(?=[.)] )")
_ALONE = re.compile(rf"(?<![\w.-])(?=[IVX]{{2}})(?!(?:VI|XI)(?!\w))({_ROMAN})(?![\w-])")
"""`VI` and `XI` also begin words in capitals, as in "VI PHẠM" and "XI MĂNG"."""


def without_markup(text: str) -> str:
    """Return a text without tags and entities of HTML or XML, whose accents are single characters."""
    return unicodedata.normalize("NFC", _TAG.sub(" ", html.unescape(text)))


def addresses_in_words(text: str) -> str:
    """Return a text whose web and e-mail addresses are read as in Vietnam, without scheme and query."""
    return _ADDRESS.sub(lambda found: _spelled_address(found[1]), text)


def in_words(text: str) -> str:
    """Return Vietnamese text whose notations the normaliser reads as a person would."""
    text = _PHONE.sub(lambda found: by_digits(found[0].replace("+84", "0")), text)
    text = _SERVICE.sub(lambda found: by_digits("".join(found.groups())), text)
    text = _SHORT_NUMBER.sub(lambda found: found[1] + by_digits(found[2]), text)
    text = _TIMES.sub(r"\1 đến \2", text)
    text = _ONE_TIME.sub(_time, text)
    text = _BETWEEN_DATES.sub(lambda found: f"{_date(*found.groups()[:3])} đến {_date(*found.groups()[3:])}", text)
    text = _BETWEEN_DAYS.sub(_days, text)
    text = _BETWEEN_MONTHS.sub(
        lambda found: f"{found[1]}{_month(found[2])} đến tháng {_month(found[3])}{_year(found[4])}", text
    )
    text = _DATE.sub(lambda found: found[1] + _date(*found.groups()[1:]), text)
    text = _NAMED_RANGE.sub(r"\1 đến ", _romans(text))
    return _RANGE.sub(_range, text)


def by_digits(number: str) -> str:
    """Return the figures of a number one by one, in words."""
    return " ".join(DIGITS[unicodedata.digit(figure)] for figure in number if figure.isdigit())


def spelled(letters: str) -> str:
    """Return the names of Latin letters; anything else stays as it is."""
    return " ".join(_LETTERS.get(letter, letter) for letter in letters.lower())


def _spelled_address(address: str) -> str:
    parts = re.split(r"([./@_-])", address.lower())
    return " ".join(_PUNCTUATION.get(part) or _label(part) for part in parts if part)


def _label(label: str) -> str:
    """Return a part of an address: what has no vowel, and the short names of domains, are spelled."""
    pronounceable = re.search("[aeiouy]", label) and label not in ("gov", "edu", "ubnd")
    words = label if pronounceable else spelled(label)
    return re.sub(r"\d", lambda found: f" {by_digits(found[0])} ", words).strip()


def _time(found: re.Match[str]) -> str:
    if ":" in found[0] and _RATIO.search(found.string[: found.start()]):
        return found[0]
    minutes = int(found[2] or 0)
    return f"{int(found[1])} giờ" + (f" {minutes} phút" if minutes else "")


def _date(day: str, month: str, year: str | None) -> str:
    return f"ngày {int(day)} tháng {_month(month)}{_year(year)}"


def _month(month: str) -> str:
    return "tư" if int(month) == 4 else str(int(month))


def _year(year: str | None) -> str:
    return f" năm {year}" if year else ""


def _days(found: re.Match[str]) -> str:
    before, first, last, month, year = found.groups()
    if int(first) >= int(last):
        return found[0]
    return f"{before or 'ngày '}{int(first)} đến {int(last)} tháng {_month(month)}{_year(year)}"


def _range(found: re.Match[str]) -> str:
    first, last = (float(number.replace(".", "").replace(",", ".", 1).replace(",", "")) for number in found.groups())
    zeros = any(len(number) > 1 and number[0] == "0" and number[1].isdigit() for number in found.groups())
    return found[0] if first >= last or zeros else f"{found[1]} đến {found[2]}"


def _romans(text: str) -> str:
    text = _ALARM.sub("báo động ", text)
    text = _HEADING.sub(lambda found: f"{found[1]}{_value(found[2])}", text)
    text = _AFTER_WORD.sub(lambda found: found[1] + re.sub(r"[IVX]+", lambda one: str(_value(one[0])), found[2]), text)
    return _ALONE.sub(lambda found: str(_value(found[1])), text)


def _value(roman: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in roman]
    return sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )
