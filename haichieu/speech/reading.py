"""Normalisation of official Vietnamese text for speech: document numbers, abbreviations, dates, numbers, units.

A small dictionary of the state's abbreviations comes first, then the sea-g2p normaliser for everything else.
Other languages are left to the synthesiser.
"""

import re
import textwrap

from sea_g2p import Normalizer

_KINDS = {
    "TT": "Thông tư",
    "TTLT": "Thông tư liên tịch",
    "NĐ": "Nghị định",
    "QĐ": "Quyết định",
    "NQ": "Nghị quyết",
    "CT": "Chỉ thị",
    "CV": "Công văn",
    "KH": "Kế hoạch",
    "TB": "Thông báo",
    "BC": "Báo cáo",
    "GM": "Giấy mời",
}
_BODIES = {
    "BTTTT": "Bộ Thông tin và Truyền thông",
    "BVHTTDL": "Bộ Văn hóa, Thể thao và Du lịch",
    "BNN": "Bộ Nông nghiệp",
    "BNNPTNT": "Bộ Nông nghiệp và Phát triển nông thôn",
    "BYT": "Bộ Y tế",
    "BGDĐT": "Bộ Giáo dục và Đào tạo",
    "BCA": "Bộ Công an",
    "BQP": "Bộ Quốc phòng",
    "BTC": "Bộ Tài chính",
    "CP": "Chính phủ",
    "TTg": "Thủ tướng Chính phủ",
    "QH": "Quốc hội",
    "UBND": "Ủy ban nhân dân",
    "HĐND": "Hội đồng nhân dân",
    "UBMTTQ": "Ủy ban Mặt trận Tổ quốc",
    "BCH": "Ban Chấp hành",
    "BCĐ": "Ban Chỉ đạo",
}
_WORDS = {
    "TTTT": "thông tin và truyền thông",
    "PCTT": "phòng chống thiên tai",
    "TKCN": "tìm kiếm cứu nạn",
    "PCCC": "phòng cháy chữa cháy",
    "BHYT": "bảo hiểm y tế",
    "BHXH": "bảo hiểm xã hội",
    "THCS": "trung học cơ sở",
    "THPT": "trung học phổ thông",
    "NTM": "nông thôn mới",
    "KHHGĐ": "kế hoạch hóa gia đình",
    "ATGT": "an toàn giao thông",
    "DTTS": "dân tộc thiểu số",
    "CCCD": "căn cước công dân",
    "MTTQ": "Mặt trận Tổ quốc",
}

_DOCUMENT = re.compile(r"(\d+)/(?:(\d{4})/)?([A-ZĐ]{2,4})-([A-Za-zĐ]{2,8})\b")
_KIND_AND_BODY = re.compile(r"\b([A-ZĐ]{2,4})-([A-Za-zĐ]{2,8})\b")
_ABBREVIATION = re.compile(r"(?<![\w-])[A-ZĐ][A-Za-zĐ]{1,8}(?![\w-])")

_PIECE = 180
"""The normaliser's expressions give up, with a panic, on long strings of figures."""

_normalizer = Normalizer()


def read_aloud(text: str, language: str) -> str:
    """Return the text with everything written out that a synthesiser would spell or stumble over."""
    if language != "vi":
        return text
    return " ".join(_normalised(piece) for piece in textwrap.wrap(written_out(text), _PIECE))


def _normalised(piece: str) -> str:
    try:
        return str(_normalizer.normalize(piece))
    except BaseException as problem:
        # A panic of its Rust part is not an Exception; text that it cannot normalise stays unchanged.
        if type(problem).__name__ != "PanicException":
            raise
        return piece


def written_out(text: str) -> str:
    """Return Vietnamese text with document numbers and the state's abbreviations written out."""
    text = _DOCUMENT.sub(_document, text)
    text = _KIND_AND_BODY.sub(_kind_and_body, text)
    return _ABBREVIATION.sub(lambda found: _BODIES.get(found[0]) or _WORDS.get(found[0]) or found[0], text)


def _document(found: re.Match[str]) -> str:
    number, year, kind, body = found.groups()
    if kind not in _KINDS or body not in _BODIES:
        return found[0]
    when = f" năm {year}" if year else ""
    # "Thông tư số 39/2020/TT-BTTTT": the kind is usually named before, and is not repeated.
    before = found.string[: found.start()].lower()
    said = f"{_KINDS[kind].lower()} số" in before[-30:]
    return f"{number}{when}{'' if said else f', {_KINDS[kind]}'} của {_BODIES[body]}"


def _kind_and_body(found: re.Match[str]) -> str:
    kind, body = found.groups()
    if kind not in _KINDS or body not in _BODIES:
        return found[0]
    return f"{_KINDS[kind]} của {_BODIES[body]}"
