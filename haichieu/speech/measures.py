"""Units, money and rates of Vietnamese text in words: what follows a number, and what it is divided by."""

import re

_UNITS = {
    "kg": "ki lô gam", "g": "gam", "mg": "mi li gam", "ml": "mi li lít", "l": "lít", "lít": "lít", "mm": "mi li mét",
    "cm": "xăng ti mét", "m": "mét", "km": "ki lô mét", "m2": "mét vuông", "m3": "mét khối", "km2": "ki lô mét vuông",
    "cm2": "xăng ti mét vuông", "cm3": "xăng ti mét khối", "ha": "héc ta", "kwh": "ki lô oát giờ", "kw": "ki lô oát",
    "mw": "mê ga oát", "w": "oát", "v": "vôn", "kv": "ki lô vôn", "kva": "ki lô vôn am pe",
    "mmhg": "mi li mét thủy ngân",
    "hz": "héc", "khz": "ki lô héc", "mhz": "mê ga héc", "ghz": "ghi ga héc", "mb": "mê ga bai", "gb": "ghi ga bai",
    "mbps": "mê ga bít trên giây", "db": "đề xi ben", "s": "giây", "h": "giờ", "usd": "đô la Mỹ", "đ": "đồng",
    "vnđ": "đồng", "vnd": "đồng",
}  # fmt: skip
_LONG = "|".join(sorted((unit for unit in _UNITS if len(unit) > 1), key=len, reverse=True))
_AFTER_NUMBER = rf"(?i:{_LONG})|[gmlđVW]"
_MEASURED = re.compile(rf"(?<=\d) ?({_AFTER_NUMBER})(?!\w)(?!/\d)")
_TECHNICAL = re.compile(r"(?:l|lít|mg|g|kg|ml|km|m|m3|người|μg)")
_PHYSICAL_BELOW = {"h", "s", "l", "lít", "m3", "km2", "giây", "giờ"}
_RATE = re.compile(
    r"(?P<unit>(?<=[\d ])(?:[^\W\d_]+[23]?|%)|(?<=\d)%)(?P<rest>(?:/[^\W\d_]+[23]?(?!\w))+)(?!/)", re.IGNORECASE
)
_COUNTED = re.compile(r"(?:\d|triệu|tỷ|tỉ|nghìn|ngàn|trăm)\s?$", re.IGNORECASE)
_MONEY_WORDS = {"đồng", "đ", "vnd", "vnđ", "usd"}
_OR = re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])")
"""Between words, a stroke is a pause."""

_DONG = re.compile(r"((?:triệu|tỷ|tỉ|nghìn|ngàn) )(?:đ|vnđ|vnd)(?!\w)", re.IGNORECASE)
_MILLIONS = re.compile(r"(?<=\d) ?(?:trđ|tr\.đ|tr đ)(?!\w)", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<=\d)k(?!\w)")
_DOLLARS = re.compile(r"(?<![\w])USD(?!\w)")
_DOLLAR_BEFORE, _DOLLAR_AFTER = re.compile(r"(?:US ?)?\$ ?(\d[\d.,]*\d|\d)"), re.compile(r"(?<=\d) ?\$")
_EUROS = re.compile(r"€ ?(\d[\d.,]*\d|\d)")
_MINUTES = re.compile(r"(?<=\d) ?['′’](?!\w)")
_POINT = re.compile(
    rf"(?<![\d.,])(\d{{1,3}})\.(\d{{1,2}})"
    rf"(?= ?(?:độ|°|º|%|triệu|tỷ|tỉ|tấn|tạ|yến|lần|giờ|điểm|(?:{_AFTER_NUMBER})(?!\w)))"
)
_ABOVE = re.compile(
    r"(?:≥|>=) ?(\d[\d.,]*\d|\d)([^\s,.;:]*)"
    rf"( tháng tuổi| tuổi| độ C| hộ dân| hộ| người| cấp| thôn| xã| (?:{_AFTER_NUMBER})(?!\w))?"
)
_MORE, _LESS, _MOST = re.compile(r"> ?(?=\d)"), re.compile(r"< ?(?=\d)"), re.compile(r"(?:≤|<=) ?(?=\d)")
_ABOUT = re.compile(r"[~≈] ?(?=\d)")
_TIMES = re.compile(r"(?<=[\dmg]) ?[x×] ?(?=\d)")
_DEGREES = re.compile(r"(?<=\d) ?[oº˚°] ?C(?!\w)")
_POSITION = re.compile(r"(?<=\d)°(?:(\d{1,2}) ?['′’])? ?([NE])(?!\w)")
_BETWEEN_POSITIONS = re.compile(r"(?<=độ Bắc)\s*[-–—/;]\s*(?=\d)|(?<=phút Bắc)\s*[-–—/;]\s*(?=\d)")
_WITHIN = re.compile(r"(?<=\dmm)/(?=\d{1,2} ?(?:h|giờ)(?!\w))")
_FROM_TO = re.compile(rf"(?<=\d) ?(°C|°|%|{_AFTER_NUMBER})\s*[-–—]\s*(?=\d[\d.,]* ?\1)")
_THOUSANDS_BY_COMMA = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?= ?(?:đồng|đ|vnđ|vnd)(?!\w))", re.IGNORECASE)
_DECIMAL = re.compile(r"(?<![\d.,])(\d{1,3}(?:\.\d{3})+|\d+),(\d{1,3})(?!\d|[.,]\d)")
_WHOLES = (
    "diện tích|dân số|tổng|số|chiều|quân|thời gian|khẩu phần|giá|nguồn|sản lượng|ngày|giờ|tháng|quả|bát|thìa"
    "|viên|gói|lít|kg|cốc"
)
_FRACTION = re.compile(rf"(?<![\w/.,-])([1-9])/([2-9]|10)(?= (?:{_WHOLES})\b)")


def measures_in_words(text: str) -> str:
    """Return Vietnamese text whose units, money, rates and comparisons are words; numbers stay in figures."""
    text = text.replace("²", "2").replace("³", "3")
    text = _ABOVE.sub(r"từ \1\2\3 trở lên", text)
    text = _MOST.sub("không quá ", text)
    text = _MORE.sub("trên ", text)
    text = _LESS.sub("dưới ", text)
    text = _ABOUT.sub("khoảng ", text)
    text = _TIMES.sub(" nhân ", text)
    text = _WITHIN.sub(" trong ", text)
    text = _DEGREES.sub("°C", text)
    text = _BETWEEN_POSITIONS.sub(", ", _POSITION.sub(_position, text))
    text = _DOLLAR_AFTER.sub(" đô la Mỹ", _DOLLAR_BEFORE.sub(r"\1 đô la Mỹ", text))
    text = _EUROS.sub(r"\1 euro", text)
    text = _FROM_TO.sub(r" \1 đến ", text)
    text = _FRACTION.sub(r"\1 phần \2", text)
    text = _POINT.sub(r"\1,\2", text)
    text = _THOUSANDS_BY_COMMA.sub(lambda found: found[1].replace(",", "."), text)
    text = _MILLIONS.sub(" triệu đồng", text)
    text = _RATE.sub(_rate, text)
    text = _DONG.sub(r"\1đồng", text)
    text = _THOUSANDS.sub(" nghìn", text)
    text = _MINUTES.sub(" phút", text)
    text = _MEASURED.sub(lambda found: f" {_UNITS[found[1].lower()]}", text)
    text = _DOLLARS.sub("đô la Mỹ", text)
    text = _DECIMAL.sub(r"\1 phẩy \2", text)
    return _OR.sub(", ", text)


def _position(found: re.Match[str]) -> str:
    minutes = f" {found[1]} phút" if found[1] else ""
    return f" độ{minutes} {'Bắc' if found[2] == 'N' else 'Đông'}"


def _rate(found: re.Match[str]) -> str:
    """Return a rate in words: "một" divides what is counted or paid, "trên" what is measured."""
    unit, below = found["unit"], found["rest"][1:].split("/")
    if not _COUNTED.search(found.string[: found.start()]) and unit.lower() not in _MONEY_WORDS:
        return found[0]
    physical = bool(_TECHNICAL.fullmatch(unit)) and below[0].lower() in _PHYSICAL_BELOW
    between = "trên" if physical else "một"
    words = [_UNITS.get(one.lower(), one) for one in below]
    space = "" if found.string[found.start() - 1 : found.start()] in (" ", "") or unit == "%" else " "
    said = _UNITS.get(unit.lower(), unit)
    return f"{space}{said} {between} " + f" {between} ".join(words)
