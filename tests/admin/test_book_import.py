"""Import of tables of the station book, and the files that it reads again."""

import datetime
import io
import re
import zipfile

import pytest
import xlsxwriter
from lxml import html
from werkzeug.test import TestResponse

from broadcast_bridge.station_book.book_tables import TABLES
from broadcast_bridge.station_book.models import BookBudget, BookDevice
from tests.admin.book import DEVICE, LINE, keeper, rows
from tests.builders.house import House
from tests.builders.in_unit import device


def send_table(house: House, table: str, text: str, **more: str) -> TestResponse:
    return keeper(house).post(f"/book/{table}/import", table=text, **more)


BUDGET = (
    "sep=;\nSổ kinh phí\nSTT;Nguồn vốn;Mục đích chi;Năm;Xã;Dự toán;Đã chi\n"
    "1;Ngân sách Trung ương (chương trình mục tiêu);Thiết lập, nâng cấp, chuyển đổi đài;2027;Đơn vị commune;"
    "1.234.567;1,234,567.00\n2;tài trợ, đóng góp;đào tạo, tập huấn;2027;COMMUNE;150000000;0\n"
)


def test_import_of_vietnamese_table_is_previewed_then_stored(house: House) -> None:
    tried = send_table(house, "budget", BUDGET)
    assert "Sẽ thêm 2, sửa 0, giữ nguyên 0" in tried.text
    assert rows(house, BookBudget) == []
    assert send_table(house, "budget", BUDGET, confirmed="yes").status_code == 303
    first, second = rows(house, BookBudget)
    assert (first.planned, first.spent, first.fund) == (1234567, 1234567, "central")
    assert (second.planned, second.fund, second.purpose) == (150000000, "donors", "training")
    assert "Sẽ thêm 0, sửa 0, giữ nguyên 2" in send_table(house, "budget", BUDGET).text
    changed = BUDGET.replace("150000000", "160000000")
    assert "Sẽ thêm 0, sửa 1, giữ nguyên 1" in send_table(house, "budget", changed).text


def test_preview_says_which_unit_a_name_with_other_accents_means(house: House) -> None:
    shown = send_table(house, "budget", BUDGET.replace("Đơn vị commune", "Đơn vi commune")).text
    assert re.search(r"Dòng 4</strong>: <span[^>]*>“Đơn vi commune” được hiểu là Đơn vị commune", shown)
    assert "được hiểu là" not in send_table(house, "budget", BUDGET).text


def test_import_page_says_how_lines_are_read(house: House) -> None:
    browser = keeper(house)
    shown = browser.get("/book/budget/import").text
    assert "Nguồn kinh phí, Mục đích chi, Chương trình, nhà tài trợ, Năm, Đơn vị" in shown
    for words in ("mục cũ vẫn còn", "Cột không có trong tệp", "Tài trợ, đóng góp · ", "Phải có", "Kiểm tra tệp"):
        assert words in shown, words
    assert not re.search(r"allocated|purpose|tệp cấu hình", shown)
    assert "LOP-01" in browser.get("/book/courses/import").text
    assert "DTT-01" in browser.get("/book/stations/0").text
    assert "Nhập vào sổ" in send_table(house, "budget", BUDGET).text
    assert "bấm “Kiểm tra tệp”" in send_table(house, "budget", BUDGET + "3;x").text


@pytest.mark.parametrize("table", TABLES)
def test_template_of_a_table_has_its_heads_and_is_read_again(house: House, table: str) -> None:
    browser = keeper(house)
    answer = browser.get(f"/book/{table}/import?as=xlsx")
    assert re.search(r'filename="so-dai-[a-z-]+-mau.xlsx"', answer.headers["Content-Disposition"])
    assert not re.search(rf"{table}\b", answer.headers["Content-Disposition"])
    sent = {"csrf_token": browser.any_token(), "file": (io.BytesIO(answer.data), "mau.xlsx")}
    shown = browser.client.post(f"/book/{table}/import", data=sent, headers={"Accept": "text/html"}).text
    assert "Sẽ thêm 0, sửa 0, giữ nguyên 0" in shown


def test_import_names_every_wrong_line_and_stores_nothing(house: House) -> None:
    wrong = BUDGET + "3;Nguồn lạ;Chi khác;2027;COMMUNE;1.234;\n4;central;other;27;OTHER;-5;\n"
    answer = send_table(house, "budget", wrong, confirmed="yes")
    assert answer.status_code == 422
    found = re.findall(r"<strong>Dòng (\d+), cột (\w) ", answer.text)
    assert found == [("6", "B"), ("6", "F"), ("7", "D"), ("7", "E"), ("7", "F")]
    assert rows(house, BookBudget) == []
    assert "xuất hiện hai lần" in send_table(house, "budget", BUDGET + BUDGET.splitlines()[3]).text
    assert send_table(house, "budget", "a;b\n1;2").status_code == 422
    assert send_table(house, "budget", "").status_code == 422


def test_excel_file_keeps_zeros_and_reads_dates(house: House) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        for column, head in enumerate(("Mã thiết bị", "Tên", "Đơn vị", "Loại thiết bị", "Tình trạng", "S/N", "SIM",
                                       "SIM hết hạn", "Bảo hành đến", "IMEI")):  # fmt: skip
            sheet.write(0, column, head)
        sheet.write_row(1, 0, ["0007", "Loa", "COMMUNE", "Loa nén", "Tốt", "00042", "0912345678"])
        sheet.write_datetime(1, 7, datetime.datetime(2098, 2, 1), day)
        sheet.write_string(1, 8, "05/09/2098")
        sheet.write_number(1, 9, 350123456789012)
    browser = keeper(house)
    sent = {"csrf_token": browser.any_token(), "file": (io.BytesIO(file.getvalue()), "so.xlsx")}
    shown = browser.client.post("/book/devices/import", data=sent, headers={"Accept": "text/html"})
    assert "Sẽ thêm 1" in shown.text
    table = html.fromstring(shown.text).xpath("//textarea[@hidden]/text()")[0]
    assert browser.post("/book/devices/import", table=table, confirmed="yes").status_code == 303
    [made] = rows(house, BookDevice)
    assert (made.code, made.serial, made.sim_number, made.imei) == ("0007", "00042", "0912345678", "350123456789012")
    assert (made.sim_until, made.warranty_until) == (datetime.date(2098, 2, 1), datetime.date(2098, 9, 5))


def test_rounded_number_of_excel_is_refused(house: House) -> None:
    head = "Mã;Tên;Đơn vị;Loại thiết bị;Tình trạng;IMEI;Số SIM"
    answer = send_table(house, "devices", f"{head}\n1;Loa;COMMUNE;horn;good;3.50123E+14;912345678")
    assert "Excel đã làm tròn" in answer.text
    assert "Thiếu số 0 ở đầu" in answer.text


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_exported_table_is_imported_unchanged(house: House, form: str) -> None:
    browser = keeper(house)
    typed = {**DEVICE, "unit": "VILLAGE", "code": "0001", "serial": "007", "note": "=1+1", "sim_until": "2099-01-02"}
    browser.post("/book/devices/0", **{**typed, "speaker": "loa-village"})
    browser.post("/book/budget/0", **LINE, planned="5000000")
    for table in ("devices", "budget"):
        answer = browser.get(f"/book/{table}?as={form}")
        if form == "xlsx":
            with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
                assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        sent = {"csrf_token": browser.any_token(), "file": (io.BytesIO(answer.data), f"so.{form}")}
        shown = browser.client.post(f"/book/{table}/import", data=sent, headers={"Accept": "text/html"}).text
        assert "Sẽ thêm 0, sửa 0, giữ nguyên 1" in shown


def test_import_cannot_reach_another_unit(house: House) -> None:
    device(house, "other", code="TB-X")
    head = "Mã;Tên;Đơn vị;Loại thiết bị;Tình trạng\n"
    assert send_table(house, "devices", f"{head}TB-X;Loa;COMMUNE;horn;good", confirmed="yes").status_code == 422
    assert send_table(house, "devices", f"{head}TB-Y;Loa;OTHER;horn;good", confirmed="yes").status_code == 422
    assert [row.name for row in rows(house, BookDevice)] == ["Cụm loa"]
    shown = send_table(house, "devices", f"{head}TB-X;Loa;COMMUNE;horn;good").text
    assert re.search(r"Dòng 2, cột A .*Mã này đã có trong sổ, ở đơn vị của bạn hoặc đơn vị khác", shown, re.DOTALL)
