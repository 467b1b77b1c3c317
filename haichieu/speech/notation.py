"""Notations of Vietnamese official text in words: addresses, telephone numbers, times, dates, ranges, Roman numerals.

What stays in figures is read by the normaliser. Every rule leaves alone what it does not understand for certain.
"""

import html
import re
import unicodedata

from haichieu.speech.letters import by_digits, spelled

_BULLET = re.compile(r"(?m)^[ \t]*[-+•●○▪■◦*–—►▶➢➤✓✔★☆→][ \t]+(?=\S)")
_ARROW_TO, _ARROW = re.compile(r"(?<=\d) ?[→⇒] ?(?=\d)"), re.compile(r"(?<=[^\s.,;:])[ \t]*[→⇒][ \t]*(?=\w)")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])|\[/?[biu]\]")
_ITEM = re.compile(r"(?m)(^[ \t]*|[;:.] )(\d{1,2}|[a-hđ])/[ \t]+(?=[^\W\d_])")
_PER_MILLE = re.compile(r"(?<=\d) ?‰")
_ORNAMENTS = re.compile(r"[•●○▪■◦►▶➢➤✓✔★☆→⇒❖♦]|\*{2,}|[_=~-]{3,}|#+(?=\w)")
_OPEN_LINE = re.compile(r"(?<=[\w)\]\"”%])[ \t]*\r?\n\s*(?=[^\Wa-zà-ỹđ_]|[-+•*\d(])")
"""A line that ends without a sign, before one that begins a sentence or an item."""
_DASH = r"\s*[-–—]\s*"
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_PHONE = re.compile(
    r"(?<![\w.,/+-])(?!\d\d\.\d\d\.(?:19|20)\d\d(?!\d))"  # a date
    r"(?:\+84[ .-]?(?=[1-9])|(?=0\d))\d(?:[ .-]?\d){7,10}(?![\w/]|[.,]\d)"
)
_TWO_PHONES = re.compile(
    r"((?<![\w.,/+-])(?:\+84[ .-]?|0)\d(?:[ .-]?\d){7,10}) ?/ ?(?=(?:\+84|0)\d(?:[ .-]?\d){7,10}(?!\w))"
)
_ACCOUNT = re.compile(r"((?:STK|tài khoản)(?: [^\d\s]+){0,4}:? )(\d[\d ]{6,}\d)(?![\d/]|[.,]\d)", re.IGNORECASE)
_SERVICE = re.compile(r"(?<![\w.,/+-])(1[89]00)[ .-]?(\d{2,3})[ .-]?(\d{2,3})(?![\w/]|[.,]\d)")
_CALLED = (
    "gọi|số máy|số điện thoại|điện thoại|tổng đài|đường dây nóng|hotline|đầu số|liên hệ|nhắn tin|báo cháy|cấp cứu"
    "|báo tin|bấm"
)
_SHORT_NUMBER = re.compile(
    rf"(?<!\w)((?:{_CALLED})(?: [^\W\d]+){{0,12}}:? )((?:11[1-5]|10\d\d|14\d\d)(?:(?:[,;] | hoặc | và |/)11[1-5])*)"
    r"(?![\w.,/-]*\d)(?! (?:cuộc|lượt|người|hộ|trường hợp|ca|đồng|phút|giờ|ngày|năm|tin|vụ|máy)(?!\w))",
    re.IGNORECASE,
)
_YEAR_BEFORE = re.compile(r"năm $", re.IGNORECASE)
_AREA_IN_BRACKETS = re.compile(r"\((0\d{1,3})\) ?(?=\d[\d .]{5,})")
_PLATE = re.compile(r"(?<![\w-])(\d\d)([A-ZĐ])(\d?)[- ]?(\d{3})\.?(\d{2})(?!\w)")
_SCORE = re.compile(
    r"((?:tỷ số|tỉ số|thắng|thua|hòa|hoà|dẫn)(?: [^\W\d]+){0,3} )(\d{1,2})-(\d{1,2})(?![\d/])", re.IGNORECASE
)
_COUNTED_ZERO = re.compile(r"(?<![\w/.,:+-])0(\d)(?=(?: ?[-–] ?\d\d?)? [a-zà-ỹđ])")
_A_NUMBER = re.compile(r"(?:số|mẫu|đề án|mã|bước|bài) $", re.IGNORECASE)

_HOURS = r"(?:2[0-4]|[01]?\d)"
_TIME = rf"{_HOURS}(?:[hg][0-5]\d|h(?!\w)|:[0-5]\d)"
_TIMES = re.compile(rf"(?<![\w:.,/])({_TIME}){_DASH}({_TIME})(?![\w:])", re.IGNORECASE)
_TIME_AND_DATE = re.compile(rf"(?<![\w:.,/])({_HOURS}h(?:[0-5]\d)?)/(?=(?:0?[1-9]|[12]\d|3[01])/\d)", re.IGNORECASE)
"""As in bulletins of hydrology: "7h/29/11"."""
_TWELVE_HOURS = re.compile(r"(?<![\w:.,/])(1[0-2]|0?[1-9])(?::([0-5]\d))? ?([AP])\.?M(?!\w)", re.IGNORECASE)
_FULL_HOUR = re.compile(r"(?<=\d giờ) 00(?: phút)?(?!\w)")
_ONE_TIME = re.compile(
    rf"(?<![\w:.,/])({_HOURS})(?:[hg:]([0-5]\d)[p'′’]?|h|g(?= (?:sáng|trưa|chiều|tối|đêm)))(?![\w:])",
    re.IGNORECASE,
)
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
_SIGNED_DATE = re.compile(rf"{_FREE}({_DAY})([-./])({_MONTH})\2({_YEAR})(?![\w/]|[-.]\d)")
_QUARTER_YEAR = re.compile(rf"((?:quý|tháng|đợt|kỳ|số|tuần) (?:[IVX]+|\d+)) ?/ ?({_YEAR})(?![\d/])", re.IGNORECASE)
_MONTH_HYPHEN_YEAR = re.compile(rf"((?:quý|tháng) (?:[IVX]+|\d+)) ?[-–] ?({_YEAR})(?!\d)", re.IGNORECASE)
_LISTED_DAYS = re.compile(r"(?<=\d),(?=(?:\d{1,2},)*\d{1,2}/\d)")
_CLOCK_RANGE = re.compile(r"(?:(?<=\d giờ)|(?<=\d phút)) [-–] (?=\d)")
_BARE_DATE = re.compile(
    rf"{_FREE}({_DAY})/({_MONTH})(?![\w/-]|[.,]\d)(?=$|[.,;:)!?]"
    r"| (?:và|đến|tới|tại|năm|của|hàng năm|này|vừa|sẽ|là|lúc|từ|âm lịch|tổ chức|diễn ra))"
)
_POINTED_DATE = re.compile(
    rf"(?<!mỗi )(?<!một )(?<!hàng )((?:ngày|sáng|trưa|chiều|tối|đêm|hôm) ){_FREE}({_DAY})\.({_MONTH})(?![\w/-]|[.,]\d)"
    r"(?=$|[.,;:)!?]| (?:và|đến|tới|tại|năm|của|này|vừa|sẽ|là|lúc|từ|âm lịch|tổ chức|diễn ra))",
    re.IGNORECASE,
)
"""Without a year, as newspapers write it."""
_POINTED_END = re.compile(rf"(tháng (?:{_MONTH}|tư) (?:đến|tới|và) )(?:ngày )?({_DAY})\.({_MONTH})(?![\w/-]|[.,]\d)")
_NO_DATE = re.compile(
    r"(?:bước|nhà|vòng|phòng|tỷ lệ|tỉ lệ|tỷ số|tỉ số|số|số nhà|ngõ|hẻm|ngách|kiệt|"
    r"khoảng|đạt|có|chiếm|hơn|thửa|mẫu|hết|trên|trang|phần|bầu) \(?$",
    re.IGNORECASE,
)
_ALWAYS = {"24/7"}
_ALL_WEEK = re.compile(r"(?<![\w/.,-])24/7(?![\w/-]|[.,]\d)")
_NUMBER = r"\d+(?:[.,]\d+)*"
_RANGE = re.compile(rf"(?<![\w/.,+-])({_NUMBER}){_DASH}({_NUMBER})(?![\d/]|[.,]\d|{_DASH}\d)")

_SERIES = re.compile(r"(?<![\w/.,-])\d{1,2}(?:-\d{1,2}){2,}(?![\w/-]|[.,]\d)")
"""Parts of a fertiliser, as in "NPK 5-10-3"."""
_COUNTED_RANGE = re.compile(r"(?<![\w.,/-])(\d+ ([^\W\d_]+)) ?[-–] ?(?=\d+ \2(?!\w))")
"""As in "6 tháng - 36 tháng"."""
_SECONDS = re.compile(r"(?<![hg]\d\d)(?<=\d)['′’] ?(\d{1,2}(?:[.,]\d+)?)(?:[\"″”]|'')")
_QUOTED = re.compile(r"(?<![\w'′°])[\"“”„«'‘]([^\"“”„«»'‘’\n]*\d)[\"”“»'’](?!\w)")
"""The normaliser takes a mark behind a figure for inches."""
_NAMED_RANGE = re.compile(rf"((?<!\w)(?P<word>\w+(?: \w+)?) \d+){_DASH}(?=(?i:(?P=word)) \d|chủ nhật)")

_ROMAN = r"X{0,3}(?:IX|IV|V?I{0,3})"
_NUMBERED = (
    "cấp cháy rừng|cháy rừng cấp|"
    "báo động|cấp|loại|hạng|bậc|nhóm|vùng|khu vực|phụ lục|chương|phần|mục|điều|tập|quý|kỳ|kỳ họp|khóa|khoá|đại hội|"
    "thế kỷ|giai đoạn|đợt|lần|quân khu|trung ương|pha|tuyến|mức|mức độ|cấp độ|bước|số"
)
_AFTER_WORD = re.compile(
    rf"(?<!\w)((?i:{_NUMBERED})(?i: lần)?(?i: thứ| số)? )"
    rf"((?=[IVX]){_ROMAN}\b(?:(?:{_DASH}|/|, | và | hoặc | đến )(?=[IVX]){_ROMAN}\b)*)(?!\w)"
)
_ORDINAL = re.compile(
    r"(?<!\w)((?:lần|kỳ họp|kỳ|phiên|phiên họp|khóa|tuần|quý|hạng|đợt|số|năm) thứ )(I|1|IV|4)(?![\w]|[.,]\d)",
    re.IGNORECASE,
)
_FIRST_CLASS = re.compile(r"(?<!\w)((?i:hạng|loại|bậc) )1(?![\w]|[.,/-]\d)")
"""The normaliser reads them as prizes."""
_ALARM = re.compile(r"(?<!\w)BĐ[ .]?(?=[1-3](?!\w)|I{1,3}(?!\w))")
_HEADING = re.compile(rf"(?m)^(\s*)((?=[IVX]){_ROMAN})(?=[.)] )")
_ALONE = re.compile(rf"(?<![\w.-])(?=[IVX]{{2}})(?!(?:VI|XI)(?!\w))({_ROMAN})(?![\w-])")
"""`VI` and `XI` also begin words in capitals, as in "VI PHẠM" and "XI MĂNG"."""


def without_markup(text: str) -> str:
    """Return a text without tags and entities of HTML or XML, whose accents are single characters."""
    return unicodedata.normalize("NFC", _TAG.sub(" ", html.unescape(text)))


def lists_in_words(text: str) -> str:
    """Return a text without bullets and ornaments, every line of it closed as a sentence or a part of one."""
    text = _ARROW.sub(", ", _ARROW_TO.sub(" đến ", _BULLET.sub("", text)))
    text = _ITEM.sub(r"\1\2, ", _EMPHASIS.sub(r"\1", text))
    text = _ORNAMENTS.sub(" ", text)
    return _OPEN_LINE.sub(".\n", text)


def in_words(text: str) -> str:
    """Return Vietnamese text whose notations the normaliser reads as a person would."""
    text = _telephone_numbers(_QUOTED.sub(r" \1 ", _SECONDS.sub(r" phút \1 giây", text)))
    text = _PLATE.sub(
        lambda found: " ".join((found[1], spelled(found[2]), by_digits("".join(found.groups()[2:])))), text
    )
    text = _PER_MILLE.sub(" phần nghìn", _SCORE.sub(r"\1\2 \3", text))
    text = _ALL_WEEK.sub("24 trên 7", _dates(_times(text)))
    text = _ORDINAL.sub(lambda found: found[1] + ("nhất" if found[2] in "I1i" else "tư"), text)
    text = _FIRST_CLASS.sub(r"\1một", _romans(text))
    text = _SERIES.sub(lambda found: found[0].replace("-", ", "), text)
    text = _COUNTED_RANGE.sub(r"\1 đến ", _NAMED_RANGE.sub(r"\1 đến ", text))
    text = _COUNTED_ZERO.sub(
        lambda found: found[0] if _A_NUMBER.search(found.string[: found.start()]) else found[1], text
    )
    return _RANGE.sub(_range, text)


def _telephone_numbers(text: str) -> str:
    text = _TWO_PHONES.sub(r"\1, ", _AREA_IN_BRACKETS.sub(r"\1 ", text))
    text = _ACCOUNT.sub(lambda found: found[1] + by_digits(found[2].replace(" ", "")), text)
    text = _PHONE.sub(lambda found: by_digits(found[0].replace("+84", "0")), text)
    text = _SERVICE.sub(lambda found: by_digits("".join(found.groups())), text)
    return _SHORT_NUMBER.sub(_short_number, text)


def _short_number(found: re.Match[str]) -> str:
    if _YEAR_BEFORE.search(found[1]):
        return found[0]
    return found[1] + re.sub(r"\d+", lambda number: by_digits(number[0]), found[2]).replace("/", ", ")


def _times(text: str) -> str:
    text = _TIME_AND_DATE.sub(r"\1 ngày ", _TWELVE_HOURS.sub(_of_twelve, text))
    text = _TIMES.sub(r"\1 đến \2", text)
    text = _ONE_TIME.sub(_time, text)
    return _CLOCK_RANGE.sub(" đến ", _FULL_HOUR.sub("", text))


def _dates(text: str) -> str:
    text = _MONTH_HYPHEN_YEAR.sub(r"\1 năm \2", _QUARTER_YEAR.sub(r"\1 năm \2", _LISTED_DAYS.sub(", ", text)))
    text = _BETWEEN_DATES.sub(lambda found: f"{_date(*found.groups()[:3])} đến {_date(*found.groups()[3:])}", text)
    text = _BETWEEN_DAYS.sub(_days, text)
    text = _BETWEEN_MONTHS.sub(
        lambda found: f"{found[1]}{_month(found[2])} đến tháng {_month(found[3])}{_year(found[4])}", text
    )
    text = _SIGNED_DATE.sub(_signed_date, text)
    text = _POINTED_DATE.sub(_pointed_date, text)
    text = _POINTED_END.sub(lambda found: found[1] + _date(found[2], found[3], None), text)
    text = _DATE.sub(lambda found: found[1] + _date(*found.groups()[1:]), text)
    return _BARE_DATE.sub(_bare_date, text)


def _signed_date(found: re.Match[str]) -> str:
    return _after_its_word(found, _date(found[1], found[3], found[4]))


def _pointed_date(found: re.Match[str]) -> str:
    date = _date(found[2], found[3], None)
    return found[1] + (date.removeprefix("ngày ") if found[1].lower() == "ngày " else date)


def _bare_date(found: re.Match[str]) -> str:
    """Return a day and a month without a word for the day; a share, a house number or a score stays."""
    if found[0] in _ALWAYS or _NO_DATE.search(found.string[: found.start()]):
        return found[0]
    return _after_its_word(found, _date(found[1], found[2], None))


def _after_its_word(found: re.Match[str], date: str) -> str:
    """Return a date without "ngày" where the text has the word."""
    before = found.string[: found.start()].lower()
    return date.removeprefix("ngày ") if before.endswith(("ngày ", "mùng ", "mồng ", "rằm ")) else date


def _time(found: re.Match[str]) -> str:
    if ":" in found[0] and _RATIO.search(found.string[: found.start()]):
        return found[0]
    minutes = int(found[2] or 0)
    return f"{int(found[1])} giờ" + (f" {minutes} phút" if minutes else "")


def _of_twelve(found: re.Match[str]) -> str:
    hour = int(found[1]) % 12 + (12 if found[3] in "pP" else 0)
    return f"{hour}h{found[2] or ''}"


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
