"""Abbreviations and borrowed words of Vietnamese official text, written out."""

import re
from collections.abc import Callable

from haichieu.speech.document_numbers import BODIES, body_name, document_numbers_in_words
from haichieu.speech.letters import spelled

_WORDS = {
    "VN": "Việt Nam",
    "ĐCSVN": "Đảng Cộng sản Việt Nam",
    "CHXHCN": "Cộng hòa xã hội chủ nghĩa",
    "TTTT": "thông tin và truyền thông",
    "RRTT": "rủi ro thiên tai",
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
    "ĐBQH": "đại biểu Quốc hội",
    "LHPN": "Liên hiệp Phụ nữ",
    "CCB": "Cựu chiến binh",
    "CTĐ": "Chữ thập đỏ",
    "CLB": "câu lạc bộ",
    "TNCS": "Thanh niên Cộng sản",
    "TNXP": "thanh niên xung phong",
    "HCM": "Hồ Chí Minh",
    "NCT": "người cao tuổi",
    "NKT": "người khuyết tật",
    "HS": "học sinh",
    "GV": "giáo viên",
    "CN": "Chủ nhật",
    "CA": "Công an",
    "CSGT": "cảnh sát giao thông",
    "ANTQ": "an ninh Tổ quốc",
    "ANQP": "an ninh, quốc phòng",
    "QPAN": "quốc phòng, an ninh",
    "TTATGT": "trật tự, an toàn giao thông",
    "TTATXH": "trật tự, an toàn xã hội",
    "TNGT": "tai nạn giao thông",
    "GTVT": "giao thông vận tải",
    "GTNT": "giao thông nông thôn",
    "GPMB": "giải phóng mặt bằng",
    "QSDĐ": "quyền sử dụng đất",
    "QLDA": "quản lý dự án",
    "QLĐĐ": "quản lý đất đai",
    "XDNTM": "xây dựng nông thôn mới",
    "KCN": "khu công nghiệp",
    "SXKD": "sản xuất, kinh doanh",
    "SXNN": "sản xuất nông nghiệp",
    "CSXH": "Chính sách xã hội",
    "ĐVTN": "đoàn viên, thanh niên",
    "HVPN": "hội viên phụ nữ",
    "UVBCH": "ủy viên Ban Chấp hành",
    "BCHTW": "Ban Chấp hành Trung ương",
    "MST": "mã số thuế",
    "STK": "số tài khoản",
    "DVC": "dịch vụ công",
    "NSNN": "ngân sách nhà nước",
    "NHCSXH": "Ngân hàng Chính sách xã hội",
    "DN": "doanh nghiệp",
    "HĐLĐ": "hợp đồng lao động",
    "BVMT": "bảo vệ môi trường",
    "BVTV": "bảo vệ thực vật",
    "BVR": "bảo vệ rừng",
    "PCCCR": "phòng cháy, chữa cháy rừng",
    "BĐKH": "biến đổi khí hậu",
    "TYT": "trạm y tế",
    "TBA": "trạm biến áp",
    "NVH": "nhà văn hóa",
    "PCT": "Phó Chủ tịch",
    "TTPVHCC": "Trung tâm Phục vụ hành chính công",
    "QĐND": "Quân đội nhân dân",
    "BKS": "biển kiểm soát",
    "CTMTQG": "chương trình mục tiêu quốc gia",
    "NSTW": "ngân sách Trung ương",
    "NSĐP": "ngân sách địa phương",
    "TTYT": "trung tâm y tế",
    "BVĐK": "bệnh viện đa khoa",
    "SXH": "sốt xuất huyết",
    "TCM": "tay chân miệng",
    "TCMR": "tiêm chủng mở rộng",
    "VSATTP": "vệ sinh an toàn thực phẩm",
    "ATVSTP": "an toàn vệ sinh thực phẩm",
    "ATVSLĐ": "an toàn, vệ sinh lao động",
    "DTLCP": "dịch tả lợn châu Phi",
    "LMLM": "lở mồm long móng",
    "VDNC": "viêm da nổi cục",
    "THTX": "tổ hợp tác xã",
    "CNSĐ": "công nghệ số",
    "CNTT": "công nghệ thông tin",
    "CĐS": "chuyển đổi số",
    "CCHC": "cải cách hành chính",
    "CBCCVC": "cán bộ, công chức, viên chức",
    "TTXVN": "Thông tấn xã Việt Nam",
    "DSGĐ": "dân số, gia đình",
    "GDNN": "giáo dục nghề nghiệp",
    "GDTX": "giáo dục thường xuyên",
    "PTDTBT": "phổ thông dân tộc bán trú",
    "PTDTNT": "phổ thông dân tộc nội trú",
    "TH": "tiểu học",
    "MN": "mầm non",
    "NSND": "Nghệ sĩ nhân dân",
    "NSƯT": "Nghệ sĩ ưu tú",
    "VHTTDL": "Văn hóa, Thể thao và Du lịch",
    "STT": "số thứ tự",
    "HKTT": "hộ khẩu thường trú",
    "CBCC": "cán bộ, công chức",
    "VPHC": "vi phạm hành chính",
    "BB": "biên bản",
    "GCN": "giấy chứng nhận",
    "GKS": "giấy khai sinh",
    "GPXD": "giấy phép xây dựng",
    "KP": "khu phố",
    "PGS": "phó giáo sư",
    "GS": "giáo sư",
    "TS": "tiến sĩ",
    "ThS": "thạc sĩ",
    "BS": "bác sĩ",
    "DS": "dược sĩ",
    "KS": "kỹ sư",
    "LS": "luật sư",
    "TBCN": "tư bản chủ nghĩa",
    "CNXH": "chủ nghĩa xã hội",
    "XHCN": "xã hội chủ nghĩa",
    "OCOP": "ô cốp",
    "ASEAN": "a xê an",
    "AIDS": "ết",
    "FM": "ép mờ",
}
_ALSO_SYLLABLES = {"CA", "TH", "CN", "HS", "GV", "MN", "DN", "KP", "GS", "TS", "BS", "DS", "KS", "LS", "CP"}
"""Not written out in a line of capitals, where they may be a word, as in "CA SĨ"."""
_JOINED = {
    "GD&ĐT": "Giáo dục và Đào tạo",
    "NN&MT": "Nông nghiệp và Môi trường",
    "NN&PTNT": "Nông nghiệp và Phát triển nông thôn",
    "TN&MT": "Tài nguyên và Môi trường",
    "KH&CN": "Khoa học và Công nghệ",
    "KH&ĐT": "Kế hoạch và Đầu tư",
    "VHTT&DL": "Văn hóa, Thể thao và Du lịch",
    "VH,TT&DL": "Văn hóa, Thể thao và Du lịch",
    "VH-TT&DL": "Văn hóa, Thể thao và Du lịch",
    "TT&TT": "Thông tin và Truyền thông",
    "LĐTB&XH": "Lao động, Thương binh và Xã hội",
    "LĐ-TB&XH": "Lao động, Thương binh và Xã hội",
    "DT&TG": "Dân tộc và Tôn giáo",
    "TN&TKQ": "tiếp nhận và trả kết quả",
}
_PAIRS = {
    "KT-XH": "kinh tế, xã hội",
    "VH-XH": "văn hóa, xã hội",
    "QP-AN": "quốc phòng, an ninh",
    "KHCN-MT": "khoa học, công nghệ, môi trường",
    "DS-KHHGĐ": "dân số, kế hoạch hóa gia đình",
    "GDNN-GDTX": "giáo dục nghề nghiệp, giáo dục thường xuyên",
    "AN-QP": "an ninh, quốc phòng",
    "LĐ-TBXH": "lao động, thương binh và xã hội",
}
_WINDS = {"Đ": "Đông", "T": "Tây", "N": "Nam", "B": "Bắc"}


def _weekdays(found: re.Match[str]) -> str:
    return f"thứ {found[1]} đến " + (f"thứ {found[2]}" if found[2] else "Chủ nhật")


def _compass(found: re.Match[str]) -> str:
    return " ".join(_WINDS[letter] for letter in found[0])


def _standard(found: re.Match[str]) -> str:
    """Return a technical regulation or standard, as in "QCVN 01-1:2018/BYT"."""
    kind = "quy chuẩn Việt Nam" if found[1] else "tiêu chuẩn Việt Nam"
    part, year = f", phần {found[3]}" if found[3] else "", f" năm {found[4]}" if found[4] else ""
    issuer = body_name(found[5]) if found[5] else None
    return f"{kind} số {found[2]}{part}{year}" + (f" của {issuer}" if issuer else "")


_SHORTENED: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"(?<!\w)[Vv]/v(?!\w)", "về việc"),
        (r"(?<!\w)Đ/[Cc](?= ?:)", "địa chỉ"),
        (r"(?<!\w)[Đđ]/[Cc](?!\w)", "đồng chí"),
        (r"(?<!\w)[Kk]/[Gg](?!\w)", "kính gửi"),
        (r"(?<!\w)T\. ?Ư(?!\w)|(?<!\w)TƯ(?= Đảng| MTTQ| Đoàn)", "Trung ương"),
        (r"(?<!\w)NHNo ?& ?PTNT(?!\w)", "Ngân hàng Nông nghiệp và Phát triển nông thôn"),
        (r"((?i:vĩ độ):? ?\d+(?:[.,]\d+)?) ?[°ºo]? ?N(?!\w)", r"\1 độ Bắc"),
        (r"((?i:kinh độ):? ?\d+(?:[.,]\d+)?) ?[°ºo]? ?E(?!\w)", r"\1 độ Đông"),
        (r"(?<!\w)M ?= ?(\d)[.,](\d)(?!\d)", r"độ lớn \1,\2"),
        (r"((?i:km) ?\d+(?:\+\d+)?) ?[-–] ?(?=(?i:km) ?\d)", r"\1 đến "),
        (r"((?i:xe|tải)[^.;\d]{0,15}\d+(?:[.,]\d+)?) ?T(?!\w)", r"\1 tấn"),
        (r"(?<![\w/])(\d{1,2})T/((?:19|20)\d\d)(?!\w)", r"\1 tháng năm \2"),
        (r"(?<!\w)SN:? (?=(?:19|20)\d\d(?!\d))", "sinh năm "),
        (r"(?<=\d) ?tr(?= đồng| đ(?!\w))", " triệu"),
        (r"Ban Chấp hành(?= (?:PCTT|PTDS|Quân sự))", "Ban Chỉ huy"),
        (r"((?:[Đđ]ề án|[Nn]ghị quyết|[Nn]ghị định|[Cc]hỉ thị)(?: số)? \d+[a-c]?)/CP(?!\w)", r"\1 của Chính phủ"),
        (r"(?<!\w)(?:(QCVN)|TCVN) (\d+)(?:-(\d+))?(?::(\d{4}))?(?:/([A-ZĐ]{2,}))?(?!\w)", _standard),
        (r"(?<!\w)(?:T/M|TM\.)(?!\w)", "thay mặt"),
        (r"(?<!\w)TL\.(?= ?[A-ZĐ])", "thừa lệnh"),
        (r"(?<!\w)TUQ\.(?!\w)", "thừa ủy quyền"),
        (r"(?<!\w)KT\.(?= ?[A-ZĐ])", "ký thay"),
        (r"(?<!\w)(?:v\.v\.*|v\.\.v\.*)", "vân vân."),
        (r"(?<!\w)(?:VD|Vd|vd) ?:", "ví dụ:"),
        (r"(?<!\w)TK(?= \d{1,2}(?![\d.]))", "tiểu khu"),
        (r"(?<!\w)(?:ĐT|Đt|đt|Tel|TEL|tel)(?=\.? ?:)\.?", "điện thoại"),
        (r"(?<!\w)(?:DĐ|Dđ|dđ)(?=\.? ?:)\.?", "di động"),
        (r"(?<!\w)(?:TP|Tp|tp)\. ?(?=[A-ZĐ])", "thành phố "),
        (r"(?<!\w)(?:TX|Tx)\. ?(?=[A-ZĐ])", "thị xã "),
        (r"(?<!\w)TT\. ?(?=[A-ZĐ][a-zà-ỹ])", "thị trấn "),
        (r"(?<!\w)BCH(?= (?:Quân sự|PCTT|PTDS|Phòng))", "Ban Chỉ huy"),
        (r"(?<!\w)BCH(?= Công đoàn)", "Ban Chấp hành"),
        (r"(?<!\w)[Cc]ông ty CP(?!\w)", "công ty cổ phần"),
        (r"(?<!\w)TT (?=[A-ZĐ][a-zà-ỹ])", "thị trấn "),
        (r"(?<!\w)pH(?!\w)", "pê hát"),
        (r"(?<!\w)PM ?2[.,]5(?!\w)", "pê mờ 2,5"),
        (r"(?<!\w)SpO2(?!\w)", "ét pê ô 2"),
        (r"(?<!\w)P\. ?(?=\d{3}(?!\d))", "phòng "),
        (r"(?<!\w)PCT\.(?=[A-ZĐ]{2})", "Phó Chủ tịch "),
        (r"(?<!\w)P\. ?CT(?= (?:UBND|HĐND))", "Phó Chủ tịch"),
        (r"(?<!\w)CT\.(?=[A-ZĐ]{2})", "Chủ tịch "),
        (r"(?<=Đoàn )TN(?!\w)", "Thanh niên"),
        (r"(?<=Hội )ND(?!\w)", "Nông dân"),
        (r"(?<=[Gg]iải )KK(?!\w)", "khuyến khích"),
        (r"(?<!\w)T([2-7]) ?[-–] ?(?:T([2-7])|CN)(?!\w)", _weekdays),
        (r"(?<=[^\W\d] )x (?=\d+ lần)", "nhân "),
        (r"(?<=hướng )[ĐTNB]{2,3}(?!\w)", _compass),
        (r"(?<=phía )[ĐTNB]{2,3}(?!\w)", _compass),
        (r"(?<!\w)RON ?(\d\d)-?(?=I|V)", r"ron \1 mức "),
        (r"(?<=\d[Ss])-(?=[IV]{1,3}(?!\w))", " mức "),
        (r"(?<=[Dd]ầu )DO(?!\w)", "đê ô"),
        (r"\.?/\.(?=\s*$)", "."),
        (r"\[\d+\]|\(\*+\)", ""),
    )
)
_TITLES = {
    **{title: _WORDS[title] for title in ("PGS", "GS", "TS", "BS", "DS", "KS", "LS", "ThS")},
    "Ths": "thạc sĩ",
    "Th.S": "thạc sĩ",
    "BSCKI": "bác sĩ chuyên khoa một",
    "BSCKII": "bác sĩ chuyên khoa hai",
}
_TITLE = re.compile(rf"(?<!\w)(?:(?:{'|'.join(map(re.escape, _TITLES))})\. ?)+(?=[A-ZĐ])")
_ONE_TITLE = re.compile(r"(?:Th\.S|\w+)\. ?")
_TWICE = re.compile(r" \(([A-ZĐ&-]{2,9})\)")
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

_PAIR = re.compile(r"(?<![\w-])[A-ZĐ]{2,4}-[A-ZĐ]{2,6}(?![\w-])")
_AND = re.compile(r"(?<![\w&])[A-ZĐ,-]{2,7}&[A-ZĐ]{2,6}(?![\w&])")
_ABBREVIATION = re.compile(r"(?<![\w-])[A-ZĐ][A-Za-zĐ]{1,8}(?![\w-])")
_UNKNOWN = re.compile(r"(?<![\w-])(?!X*V?(?!\w)|VN[DĐ](?!\w))[BCDĐGHKLMNPQRSTVX]{2,7}(?![\w-])")
"""Without a vowel, and not a unit of money: its letters are said."""
_BORROWED_WORD = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, _BORROWED))})(?!\w)", re.IGNORECASE)
_GENERATION = re.compile(r"(?<!\w)([2-6])G(?!\w)")
_COVID = re.compile(r"(?<=cô vít)-(?=19)")
_ROAD = re.compile(r"(?:(?<!\w)(?i:đường) )?(?<!\w)(QL|TL|ĐT|ĐH)[ .]?(?=\d)")
_KILOMETRE = re.compile(r"(?<!\w)(?:km|Km|KM)(?: (?=\d)|(?=\d)(?!2(?!\d)))")
_ROADS = {"QL": "quốc lộ ", "TL": "tỉnh lộ ", "ĐT": "đường tỉnh ", "ĐH": "đường huyện "}


def expanded(text: str) -> str:
    """Return Vietnamese text with numbers of documents, abbreviations and borrowed words written out."""
    text = document_numbers_in_words(text)
    for pattern, said in _SHORTENED:
        text = pattern.sub(said, text)
    text = _TITLE.sub(
        lambda found: "".join(f"{_TITLES[one.strip('. ')]} " for one in _ONE_TITLE.findall(found[0])), text
    )
    text = _PAIR.sub(lambda found: _PAIRS.get(found[0], found[0]), text)
    text = _AND.sub(lambda found: _JOINED.get(found[0], found[0].replace("&", " và ")), text)
    text = _ROAD.sub(lambda found: _ROADS[found[1]], text)
    text = _KILOMETRE.sub("ki lô mét ", text)
    text = _GENERATION.sub(r"\1 gờ", text)
    text = _COVID.sub(" ", _BORROWED_WORD.sub(_borrowed, text))
    text = _TWICE.sub(_said_before, text)
    text = _ABBREVIATION.sub(_written_out, text)
    return _UNKNOWN.sub(lambda found: found[0] if _among_capitals(found) else spelled(found[0]), text)


def _written_out(found: re.Match[str]) -> str:
    if found[0] in _ALSO_SYLLABLES and _among_capitals(found):
        return found[0]
    return _meaning(found[0]) or found[0]


def _meaning(abbreviation: str) -> str | None:
    return BODIES.get(abbreviation) or _WORDS.get(abbreviation) or _JOINED.get(abbreviation)


def _said_before(found: re.Match[str]) -> str:
    """Leave out an abbreviation in brackets behind its own meaning."""
    meaning = _meaning(found[1])
    before = found.string[: found.start()].lower()
    return "" if meaning and before.endswith(meaning.lower()) else found[0]


def _borrowed(found: re.Match[str]) -> str:
    word = found[0].lower()
    if word in _ALSO_WORDS and (not found[0].isupper() or _among_capitals(found)):
        return word  # the normaliser would spell it
    return _BORROWED[word]


def _among_capitals(found: re.Match[str]) -> bool:
    before, after = found.string[: found.start()], found.string[found.end() :]
    neighbour = _CAPITALS_BEFORE.search(before) or _CAPITALS_AFTER.match(after)
    return bool(neighbour and neighbour[0].isupper() and not _is_abbreviation(neighbour[0].strip()))


def _is_abbreviation(word: str) -> bool:
    return word not in _ALSO_SYLLABLES and _meaning(word) is not None
