"""Abbreviations of Vietnamese official text and numbers of documents, written out."""

import re

_KINDS = {
    "TT": "Thông tư",
    "TTLT": "Thông tư liên tịch",
    "NĐ": "Nghị định",
    "QĐ": "Quyết định",
    "NQ": "Nghị quyết",
    "CT": "Chỉ thị",
    "CV": "Công văn",
    "CĐ": "Công điện",
    "KH": "Kế hoạch",
    "KL": "Kết luận",
    "HD": "Hướng dẫn",
    "TB": "Thông báo",
    "TTr": "Tờ trình",
    "BC": "Báo cáo",
    "BB": "Biên bản",
    "GM": "Giấy mời",
}
_BODIES = {
    "BTTTT": "Bộ Thông tin và Truyền thông",
    "BVHTTDL": "Bộ Văn hóa, Thể thao và Du lịch",
    "BKHCN": "Bộ Khoa học và Công nghệ",
    "BNN": "Bộ Nông nghiệp",
    "BNNPTNT": "Bộ Nông nghiệp và Phát triển nông thôn",
    "BNNMT": "Bộ Nông nghiệp và Môi trường",
    "BTNMT": "Bộ Tài nguyên và Môi trường",
    "BYT": "Bộ Y tế",
    "BGDĐT": "Bộ Giáo dục và Đào tạo",
    "BCA": "Bộ Công an",
    "BQP": "Bộ Quốc phòng",
    "BTC": "Bộ Tài chính",
    "BNV": "Bộ Nội vụ",
    "BTP": "Bộ Tư pháp",
    "BCT": "Bộ Công Thương",
    "BXD": "Bộ Xây dựng",
    "CP": "Chính phủ",
    "TTCP": "Thanh tra Chính phủ",
    "VPCP": "Văn phòng Chính phủ",
    "TTg": "Thủ tướng Chính phủ",
    "QH": "Quốc hội",
    "UBTVQH": "Ủy ban Thường vụ Quốc hội",
    "UBND": "Ủy ban nhân dân",
    "HĐND": "Hội đồng nhân dân",
    "UBMTTQ": "Ủy ban Mặt trận Tổ quốc",
    "BCH": "Ban Chấp hành",
    "BCĐ": "Ban Chỉ đạo",
    "BTV": "Ban Thường vụ",
    "TW": "Trung ương",
}
_PARTY_BODIES = {"TU": "Tỉnh ủy", "ĐU": "Đảng ủy", "TW": "Trung ương"}
"""Alone and in capitals, `TU` and `ĐU` may be words."""
_WORDS = {
    "TTTT": "thông tin và truyền thông",
    "PCTT": "phòng chống thiên tai",
    "TKCN": "tìm kiếm cứu nạn",
    "PCCC": "phòng cháy chữa cháy",
    "CNCH": "cứu nạn cứu hộ",
    "ATNĐ": "áp thấp nhiệt đới",
    "KTTV": "khí tượng thủy văn",
    "BHYT": "bảo hiểm y tế",
    "BHXH": "bảo hiểm xã hội",
    "BHTN": "bảo hiểm thất nghiệp",
    "THCS": "trung học cơ sở",
    "THPT": "trung học phổ thông",
    "NTM": "nông thôn mới",
    "KHHGĐ": "kế hoạch hóa gia đình",
    "ATGT": "an toàn giao thông",
    "ATTP": "an toàn thực phẩm",
    "ANTT": "an ninh trật tự",
    "DTTS": "dân tộc thiểu số",
    "CCCD": "căn cước công dân",
    "CMND": "chứng minh nhân dân",
    "GPLX": "giấy phép lái xe",
    "GCNQSDĐ": "giấy chứng nhận quyền sử dụng đất",
    "SĐT": "số điện thoại",
    "TTHC": "thủ tục hành chính",
    "NVQS": "nghĩa vụ quân sự",
    "HTX": "hợp tác xã",
    "TDP": "tổ dân phố",
    "TNHH": "trách nhiệm hữu hạn",
    "MTTQ": "Mặt trận Tổ quốc",
}
_PAIRS = {
    "KT-XH": "kinh tế, xã hội",
    "VH-XH": "văn hóa, xã hội",
    "QP-AN": "quốc phòng, an ninh",
    "KHCN-MT": "khoa học, công nghệ, môi trường",
}
_BORROWED = {
    "vneid": "vi en i ai đi",
    "qr": "kiu a",
    "usb": "u ét bê",
    "ai": "ây ai",
    "atm": "a tê em",
    "otp": "ô tê pê",
    "sms": "ét em ét",
    "gps": "gờ pê ét",
    "id": "ai đi",
    "pin": "pin",
    "sim": "sim",
    "tv": "ti vi",
    "pc": "pê xê",
    "wifi": "oai phai",
    "wi-fi": "oai phai",
    "email": "i meo",
    "e-mail": "i meo",
    "website": "oép sai",
    "internet": "in tơ nét",
    "facebook": "phây búc",
    "youtube": "diu túp",
    "zalo": "da lô",
    "covid": "cô vít",
}
_ALSO_WORDS = {"ai"}
"""Borrowed only in capitals, beside words that are not in capitals."""
_CAPITALS_BEFORE, _CAPITALS_AFTER = re.compile(r"[^\W\d_a-z]{2,} $"), re.compile(r" [^\W\d_a-z]{2,}(?!\w)")

_KIND = r"TTr|[A-ZĐ]{2,4}"
_BODY = r"[A-ZĐ][A-Za-zĐ]{1,7}"
_DOCUMENT = re.compile(rf"(\d+)/(?:(\d{{4}})/)?({_KIND})-({_BODY})\d*\b")
_PARTY_DOCUMENT = re.compile(rf"(\d+)()-({_KIND})/({_BODY})\b")
_KIND_AND_BODY = re.compile(rf"\b({_KIND})-({_BODY})\b")
_PAIR = re.compile(r"(?<![\w-])[A-ZĐ]{2,4}-[A-ZĐ]{2}(?![\w-])")
_ABBREVIATION = re.compile(r"(?<![\w-])[A-ZĐ][A-Za-zĐ]{1,8}(?![\w-])")
_BORROWED_WORD = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, _BORROWED))})(?!\w)", re.IGNORECASE)
_GENERATION = re.compile(r"(?<!\w)([2-6])G(?!\w)")
_COVID = re.compile(r"(?<=cô vít)-(?=19)")
_ROAD = re.compile(r"(?<!\w)(QL|TL|ĐT|ĐH)[ .]?(?=\d)")
_ROADS = {"QL": "quốc lộ ", "TL": "tỉnh lộ ", "ĐT": "đường tỉnh ", "ĐH": "đường huyện "}


def expanded(text: str) -> str:
    """Return Vietnamese text with numbers of documents, abbreviations and borrowed words written out."""
    text = _DOCUMENT.sub(_document, text)
    text = _PARTY_DOCUMENT.sub(_document, text)
    text = _KIND_AND_BODY.sub(_kind_and_body, text)
    text = _PAIR.sub(lambda found: _PAIRS.get(found[0], found[0]), text)
    text = _ROAD.sub(lambda found: _ROADS[found[1]], text)
    text = _GENERATION.sub(r"\1 gờ", text)
    text = _COVID.sub(" ", _BORROWED_WORD.sub(_borrowed, text))
    return _ABBREVIATION.sub(lambda found: _BODIES.get(found[0]) or _WORDS.get(found[0]) or found[0], text)


def _document(found: re.Match[str]) -> str:
    number, year, kind, body = found.groups()
    name = _BODIES.get(body) or _PARTY_BODIES.get(body)
    if kind not in _KINDS or not name:
        return found[0]
    when = f" năm {year}" if year else ""
    # "Thông tư số 39/2020/TT-BTTTT": the kind is usually named before, and is not repeated.
    before = found.string[: found.start()].lower().rstrip()
    said = before.removesuffix("số").rstrip().endswith(_KINDS[kind].lower())
    return f"{number}{when}{'' if said else f', {_KINDS[kind]}'} của {name}"


def _kind_and_body(found: re.Match[str]) -> str:
    kind, body = found.groups()
    if kind not in _KINDS or body not in _BODIES:
        return found[0]
    return f"{_KINDS[kind]} của {_BODIES[body]}"


def _borrowed(found: re.Match[str]) -> str:
    word = found[0].lower()
    if word in _ALSO_WORDS:
        before, after = found.string[: found.start()], found.string[found.end() :]
        if not found[0].isupper() or _in_capitals(_CAPITALS_BEFORE.search(before) or _CAPITALS_AFTER.match(after)):
            return word  # the normaliser would spell it
    return _BORROWED[word]


def _in_capitals(found: re.Match[str] | None) -> bool:
    return bool(found and found[0].isupper())
