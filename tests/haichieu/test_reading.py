"""Reading rules for Vietnamese official text: pairs of what is written and what is said, and what never comes out."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haichieu.speech.reading import read_aloud, written_out
from tests.examples import examples

SAID = {
    # borrowed words, letters, addresses
    "Cài đặt VNeID, quét mã QR": "cài đặt vi en i ai đi, quét mã kiu a",
    "USB, AI, ATM, mã OTP": "u ét bê, ây ai, a tê em, mã ô tê pê",
    "hỏi ai, HỎI AI CŨNG BIẾT": "hỏi ai, hỏi ai cũng biết",
    "mạng 4G, COVID-19": "mạng bốn gờ, cô vít mười chín",
    "www.baolac.gov.vn": "trang bao lac chấm gờ ô vê chấm vê nờ",
    "https://dichvucong.gov.vn/p/home?id=5": "trang dich vu cong chấm gờ ô vê chấm vê nờ",
    "email ubnd.baolac@caobang.gov.vn": "i meo u bê nờ đê chấm bao lac a còng cao bang chấm gờ ô vê chấm vê nờ",
    "Nước <b>dâng</b>.<br/>Cấp 3 &nbsp;": "nước dâng. cấp ba",
    # telephone numbers
    "gọi 0912345678": "gọi không chín một hai ba bốn năm sáu bảy tám",
    "gọi 0206.3870.123": "gọi không hai không sáu ba tám bảy không một hai ba",
    "gọi 02063 870 123": "gọi không hai không sáu ba tám bảy không một hai ba",
    "gọi +84 912 345 678": "gọi không chín một hai ba bốn năm sáu bảy tám",
    "1900 1234, gọi 113": "một chín không không một hai ba bốn, gọi một một ba",
    "113.000 đồng": "một trăm mười ba nghìn đồng",
    # Roman numerals
    "Báo động III, BĐ2, BĐ II": "báo động ba, báo động hai, báo động hai",
    "BÁO ĐỘNG III": "báo động ba",
    "cấp II, loại I, Phụ lục III": "cấp hai, loại một, phụ lục ba",
    "cấp I, II và III; cấp I-III": "cấp một, hai và ba, cấp một đến ba",
    "thế kỷ XXI, khóa XV, quý IV": "thế kỷ hai mươi mốt, khóa mười lăm, quý bốn",
    "Đại hội lần thứ XIV": "đại hội lần thứ mười bốn",
    "VI PHẠM, XI MĂNG, vitamin C": "vi phạm, xi măng, vitamin xê",
    # dates
    "ngày 1-5/6": "ngày một đến năm tháng sáu",
    "ngày 20-22/11": "ngày hai mươi đến hai mươi hai tháng mười một",
    "20–22/11": "ngày hai mươi đến hai mươi hai tháng mười một",
    "từ 20/11-22/11": "từ ngày hai mươi tháng mười một đến ngày hai mươi hai tháng mười một",
    "nghỉ 30/4 - 1/5": "nghỉ ngày ba mươi tháng tư đến ngày một tháng năm",
    "sáng 25/11": "sáng ngày hai mươi lăm tháng mười một",
    "tháng 10-12": "tháng mười đến tháng mười hai",
    "thứ 2 - thứ 6": "thứ hai đến thứ sáu",
    "Bước 1/3": "bước một trên ba",
    "vòng 1/8, nhà 12/3": "vòng một trên tám, nhà mười hai trên ba",
    "từ ngày 5.11 đến 7.11": "từ ngày năm tháng mười một đến ngày bảy tháng mười một",
    "tối 5.11, ngày 2.5 lít": "tối ngày năm tháng mười một, ngày hai phẩy năm lít",
    "mưa ≥ 50 mm, ≥ 100 hộ dân": "mưa từ năm mươi mi li mét trở lên, từ một trăm hộ dân trở lên",
    "nhiệm kỳ 2026-2031": "nhiệm kỳ hai nghìn không trăm hai mươi sáu đến hai nghìn không trăm ba mươi mốt",
    # times
    "7h30": "bảy giờ ba mươi phút",
    "05:30": "năm giờ ba mươi phút",
    "19h00": "mười chín giờ",
    "7h30-11h": "bảy giờ ba mươi phút đến mười một giờ",
    "05:30 - 06:00": "năm giờ ba mươi phút đến sáu giờ",
    "LÚC 19H30": "lúc mười chín giờ ba mươi phút",
    # ranges and units
    "mưa 50-100mm": "mưa năm mươi đến một trăm mi li mét",
    "gió cấp 8-9": "gió cấp tám đến chín",
    "cấp 8 - cấp 9": "cấp tám đến cấp chín",
    "10.000-20.000 đồng": "mười nghìn đến hai mươi nghìn đồng",
    "tăng 3,5%, 10-15%": "tăng ba phẩy năm phần trăm, mười đến mười lăm phần trăm",
    "15-20°C": "mười lăm đến hai mươi độ xê",
    "60 km/h": "sáu mươi ki lô mét trên giờ",
    "thắng 2-1": "thắng hai một",
    # abbreviations
    "UBND, HĐND, TTCP": "ủy ban nhân dân, hội đồng nhân dân, thanh tra chính phủ",
    "QĐ-UBND": "quyết định của ủy ban nhân dân",
    "Nghị quyết số 05-NQ/TU": "nghị quyết số không năm của tỉnh ủy",
    "Nghị định 49/2024/NĐ-CP": "nghị định bốn mươi chín năm hai nghìn không trăm hai mươi bốn của chính phủ",
    "TU SỬA ĐƯỜNG": "tu sửa đường",
    "QL34, ĐT.202": "quốc lộ ba mươi bốn, đường tỉnh hai trăm lẻ hai",
    "phát triển KT-XH": "phát triển kinh tế, xã hội",
}

SIGNS = (
    "I",
    "V",
    "X",
    "IV",
    "/",
    "-",
    ":",
    ".",
    ",",
    "@",
    "<en>",
    "</en>",
    "<",
    ">",
    "&lt;",
    "&",
    "h",
    "°",
    "%",
    "²",
    "٣",
)
WORDS = ("0", "00", "31", "12/", "2026", "ngày ", "cấp ", "số ", "\n", " ", "QĐ-", "UBND", "+84", "vn", "www.")
PARTS = st.sampled_from([*SAID, *SIGNS, *WORDS])
TEXTS = st.lists(st.one_of(PARTS, st.text(max_size=4)), max_size=20).map("".join)


@pytest.mark.parametrize(("text", "said"), SAID.items())
def test_official_text_is_read_as_a_person_reads_it(text: str, said: str) -> None:
    assert read_aloud(text, "vi") == said


@pytest.mark.parametrize("text", SAID)
def test_what_was_read_is_read_the_same_again(text: str) -> None:
    once = written_out(text)
    assert written_out(once) == once


@pytest.mark.parametrize("text", SAID.values())
def test_words_alone_are_not_changed(text: str) -> None:
    assert written_out(text) == text


@given(TEXTS)
@settings(max_examples=examples(400), deadline=None)
def test_neither_markup_nor_figures_ever_come_out(text: str) -> None:
    said = read_aloud(text, "vi")
    assert not re.search(r"[<>\d]|\ben [a-z] en\b", said)


@given(TEXTS)
@settings(max_examples=examples(200), deadline=None)
def test_words_before_any_notation_are_kept(text: str) -> None:
    assert read_aloud(f"Thông báo. {text}", "vi").startswith("thông báo")


@given(st.integers(1, 31), st.integers(1, 31), st.integers(1, 12), st.sampled_from(["-", " - ", "–"]))
def test_days_of_one_month_are_a_range_only_in_order(first: int, last: int, month: int, dash: str) -> None:
    said = written_out(f"ngày {first}{dash}{last}/{month}")
    assert (said == f"ngày {first} đến {last} tháng {'tư' if month == 4 else month}") == (first < last)


@given(st.integers(1, 39))
def test_roman_numerals_after_their_words_are_numbers(number: int) -> None:
    tens, ones = divmod(number, 10)
    roman = "X" * tens + ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")[ones]
    assert written_out(f"khóa {roman}") == f"khóa {number}"


@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from(["h", "g", ":", "H"]))
def test_every_time_of_day_is_read_as_a_time(hour: int, minute: int, sign: str) -> None:
    minutes = f" {minute} phút" if minute else ""
    assert written_out(f"lúc {hour}{sign}{minute:02}") == f"lúc {hour} giờ{minutes}"
