"""Numbers of official documents in words: `12/2025/NQ-HĐND`, `27-NQ/TW`, `678/UBND-VX`, `31/2024/QH15`."""

import re

from haichieu.speech.letters import by_digits

KINDS = {
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
    "QC": "Quy chế",
    "PA": "Phương án",
    "ĐA": "Đề án",
    "CTr": "Chương trình",
    "NQLT": "Nghị quyết liên tịch",
}
BODIES = {
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
    "BTGTW": "Ban Tuyên giáo Trung ương",
    "BTGDVTW": "Ban Tuyên giáo và Dân vận Trung ương",
    "BTCTW": "Ban Tổ chức Trung ương",
    "VPTW": "Văn phòng Trung ương",
    "UBKTTW": "Ủy ban Kiểm tra Trung ương",
    "MTTQ": "Mặt trận Tổ quốc",
    "UBTWMTTQVN": "Ủy ban Trung ương Mặt trận Tổ quốc Việt Nam",
    "UBBC": "Ủy ban bầu cử",
    "HĐBCQG": "Hội đồng Bầu cử quốc gia",
    "BDTTG": "Bộ Dân tộc và Tôn giáo",
    "NHNN": "Ngân hàng Nhà nước",
    "TANDTC": "Tòa án nhân dân tối cao",
    "VKSNDTC": "Viện kiểm sát nhân dân tối cao",
    "BHXH": "Bảo hiểm xã hội",
    "CAT": "Công an tỉnh",
    "SNN": "Sở Nông nghiệp",
    "SNNMT": "Sở Nông nghiệp và Môi trường",
    "STC": "Sở Tài chính",
    "SYT": "Sở Y tế",
    "SNV": "Sở Nội vụ",
    "STP": "Sở Tư pháp",
    "SXD": "Sở Xây dựng",
    "SCT": "Sở Công Thương",
    "SGDĐT": "Sở Giáo dục và Đào tạo",
    "SKHCN": "Sở Khoa học và Công nghệ",
    "SVHTTDL": "Sở Văn hóa, Thể thao và Du lịch",
}
_PARTY_BODIES = {"TU": "Tỉnh ủy", "HU": "Huyện ủy", "ĐU": "Đảng ủy", "CB": "Chi bộ", "TW": "Trung ương"}
"""Alone and in capitals, the first three may be words."""
_COMMITTEES = {"BCĐ": "Ban Chỉ đạo", "BCH": "Ban Chỉ huy", "HĐ": "Hội đồng"}
_CHARGES = {
    "PCTT": "phòng chống thiên tai",
    "PTDS": "phòng thủ dân sự",
    "PCTTTKCN": "phòng chống thiên tai và tìm kiếm cứu nạn",
    "QS": "Quân sự",
    "NVQS": "Nghĩa vụ quân sự",
    "TĐKT": "Thi đua, Khen thưởng",
}

_KIND = r"TTr|CTr|[A-ZĐ]{2,4}"
_BODY = r"[A-ZĐ][A-Za-zĐ]{1,11}\d*"
_BOTH = rf"{_BODY}(?:-{_BODY})*"
_DOCUMENT = re.compile(rf"(?<![\w/])(\d+)/(?:(\d{{4}})/)?({_KIND})-({_BOTH})(?!\w)")
_PARTY_DOCUMENT = re.compile(rf"(?<![\w/])(\d+)()-({_KIND})/({_BODY})(?!\w)")
_LAW = re.compile(r"(?<![\w/])(\d+)/(\d{4})/()((?:QH|UBTVQH)\d+)(?!\w)")
_LETTER = re.compile(r"(?<![\w/])(\d+)()/()([A-ZĐ]{2,8})((?:-[A-ZĐ]{1,8})*)(?![\w/])")
_KIND_AND_BODY = re.compile(rf"\b({_KIND})-({_BODY})\b")
_KIND_BEFORE = re.compile(rf"(?<![\w/-])({_KIND})(?= (?:số )?\d+[-/])")
_ISSUER_FOLLOWS = re.compile(r"(?:,? ngày (?:\d[\d/.-]+\d|\d+ tháng \d+ năm \d+))?,? của (?=[A-ZĐ])")
"""Who issued the document is said once."""


def document_numbers_in_words(text: str) -> str:
    """Return Vietnamese text whose numbers of documents are said with the issuer's name; numbers stay in figures."""
    text = _KIND_BEFORE.sub(lambda found: KINDS.get(found[1], found[1]), text)
    for pattern in (_DOCUMENT, _PARTY_DOCUMENT, _LAW):
        text = pattern.sub(_document, text)
    text = _LETTER.sub(_letter, text)
    return _KIND_AND_BODY.sub(_kind_and_body, text)


def body_name(body: str) -> str | None:
    """Return the name of the body that an abbreviation in a number means; None if it is not known."""
    if found := re.fullmatch(r"(QH|UBTVQH)(\d+)", body):
        return f"{BODIES[found[1]]} khóa {found[2]}"
    body = body.rstrip("0123456789")
    if name := BODIES.get(body) or _PARTY_BODIES.get(body):
        return name
    for prefix in ("BCĐ", "BCH", "HĐ"):
        rest = body.removeprefix(prefix)
        if rest != body and rest in _CHARGES:
            return f"{_COMMITTEES[prefix]} {_CHARGES[rest]}"
    return None


def _document(found: re.Match[str]) -> str:
    number, year, kind, body = found.groups()
    names = [body_name(one) for one in body.split("-")]
    if (kind and kind not in KINDS) or not names[0]:
        return found[0]
    when = f" năm {year}" if year else ""
    # "Thông tư số 39/2020/TT-BTTTT": the kind is usually named before, and is not repeated.
    before = found.string[: found.start()].lower().rstrip()
    said = not kind or before.removesuffix("số").rstrip().endswith(KINDS[kind].lower())
    issuer = "" if _issuer_follows(found) else f" của {', '.join(name for name in names if name)}"
    number = by_digits(number) if number.startswith("0") else number
    return f"{number}{when}{'' if said else f', {KINDS[kind]}'}{issuer}"


def _letter(found: re.Match[str]) -> str:
    """Return the number of a letter, which names its issuer and the section that wrote it."""
    name = body_name(found[4])
    if not name or (found[4] in ("CP", "CT") and not found[5]):
        return found[0]
    return found[1] if _issuer_follows(found) else f"{found[1]} của {name}"


def _issuer_follows(found: re.Match[str]) -> bool:
    return bool(_ISSUER_FOLLOWS.match(found.string, found.end()))


def _kind_and_body(found: re.Match[str]) -> str:
    kind, body = found.groups()
    if kind not in KINDS or body not in BODIES:
        return found[0]
    return f"{KINDS[kind]} của {BODIES[body]}"
