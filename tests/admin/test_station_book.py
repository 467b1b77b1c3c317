"""Pages of the station book: lists, forms, files, the page of a speaker and the yearly report."""

import datetime
import io
import re
import zipfile
from typing import Any

import pytest
import sqlalchemy as sa
import xlsxwriter
from lxml import html

from broadcast_bridge.models import Speaker
from broadcast_bridge.station_book.book_tables import TABLES
from broadcast_bridge.station_book.models import BookAttendance, BookBudget, BookCourse, BookDevice, BookInspection
from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import now
from tests.admin.forms import field
from tests.builders.house import Browser, House
from tests.builders.in_unit import device

KEEPER, VIEWER = "editor@x.example", "viewer@x.example"
DAY = datetime.date(2027, 2, 5)
DEVICE = {"code": "TB-01", "name": "Cụm Nà Sài", "unit": "COMMUNE", "device_kind": "ict_cluster", "condition": "good"}
LINE = {"fund": "central", "purpose": "stations", "year": "2027", "unit": "COMMUNE"}


def rows(house: House, model: Any) -> list[Any]:
    with house.database.session() as session:
        return list(session.scalars(sa.select(model).order_by(model.id)))


def keeper(house: House) -> Browser:
    return house.signed_in(KEEPER)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_opens_empty_and_offers_a_form_and_an_import(house: House, table: str) -> None:
    browser = keeper(house)
    shown = browser.get(f"/book/{table}").text
    assert "Chưa có mục nào" in shown
    assert f"/book/{table}/0" in shown
    for path in (f"/book/{table}/0", f"/book/{table}/import", f"/book/{table}?as=csv", f"/book/{table}?as=xlsx"):
        assert browser.get(path).status_code == 200, path
    assert browser.get("/book/khong-co").status_code == 404
    assert browser.get(f"/book/{table}/77").status_code == 404


def test_form_adds_and_changes_a_device_with_audit(house: House) -> None:
    browser = keeper(house)
    typed = {**DEVICE, "serial": "000123", "sim_number": "0912 345 678", "sim_until": "2099-03-05"}
    assert browser.post("/book/devices/0", **typed).status_code == 303
    [made] = rows(house, BookDevice)
    assert (made.serial, made.sim_number, made.unit_id) == ("000123", "0912345678", house.units["commune"])
    page = browser.get(f"/book/devices/{made.id}").text
    assert 'value="2099-03-05"' in page
    changed = {**typed, "condition": "broken", "began_with": field(page, "began_with")}
    assert browser.post(f"/book/devices/{made.id}", **changed).status_code == 303
    assert rows(house, BookDevice)[0].condition == "broken"
    said = [row.action for row in rows(house, AuditEntry) if row.action.startswith("book.")]
    assert said == ["book.devices.add", "book.devices.change"]
    conflict = browser.post(f"/book/devices/{made.id}", **{**changed, "condition": "worn", "note": "x"})
    assert (conflict.status_code, "hiện là: Hỏng" in conflict.text) == (409, True)


@pytest.mark.parametrize(
    ("table", "typed", "wrong", "said"),
    [
        ("devices", {"name": ""}, "name", "Ô này phải có"),
        ("devices", {"imei": "12"}, "imei", "14 đến 16"),
        ("devices", {"sim_number": "912345678"}, "sim_number", "0912345678"),
        ("devices", {"warranty_until": "30/02/2027"}, "warranty_until", "không phải là ngày"),
        ("devices", {"speaker": "loa-other"}, "speaker", "Không có mã này"),
        ("devices", {"unit": "OTHER"}, "unit", "Không có đơn vị này"),
        ("devices", {"condition": "fine"}, "condition", "Chọn một trong"),
        ("budget", {"planned": "1.234"}, "planned", "1234 hay 1 đồng"),
        ("budget", {"year": "27"}, "year", "bốn chữ số"),
        ("courses", {"code": "L1", "name": "Biên tập", "starts_on": "2027-05-02", "ends_on": "2027-05-01"}, "ends_on",
         "trước ngày bắt đầu"),
    ],
)  # fmt: skip
def test_bad_value_gets_an_error_beside_its_field(
    house: House, table: str, typed: dict[str, str], wrong: str, said: str
) -> None:
    start = DEVICE if table == "devices" else {**LINE, "unit": "COMMUNE"}
    answer = keeper(house).post(f"/book/{table}/0", **{**start, **typed})
    assert answer.status_code == 422
    assert said in answer.text.split(f'id="hint-{wrong}"')[1].split("</div>")[0]
    assert rows(house, TABLES[table].model) == []


def test_one_key_is_stored_once(house: House) -> None:
    browser = keeper(house)
    for table, typed in (("devices", DEVICE), ("budget", LINE)):
        assert browser.post(f"/book/{table}/0", **typed).status_code == 303
        assert browser.post(f"/book/{table}/0", **typed, note="x").status_code == 422
        assert len(rows(house, TABLES[table].model)) == 1


def test_deleting_asks_and_keeps_what_others_refer_to(house: House) -> None:
    browser, number = keeper(house), device(house, "commune", code="TB-9")
    seen = {"inspected_on": "2027-01-05", "unit": "COMMUNE", "device": "tb-9", "finding": "passed"}
    assert browser.post("/book/inspections/0", **seen).status_code == 303
    assert browser.post(f"/book/devices/{number}", do="delete").status_code == 422
    assert "Chưa xóa được" in browser.post(f"/book/devices/{number}", do="delete", sure="yes").text
    [inspection] = rows(house, BookInspection)
    assert browser.post(f"/book/inspections/{inspection.id}", do="delete", sure="yes").status_code == 303
    assert browser.post(f"/book/devices/{number}", do="delete", sure="yes").status_code == 303
    assert rows(house, BookDevice) == []


def test_list_is_limited_to_own_units_and_filtered(house: House) -> None:
    for unit, name in (("commune", "Loa Nà Sài"), ("village", "Loa Nà Lùng"), ("other", "Loa xã khác")):
        browser = house.signed_in("admin@district.example")
        browser.post("/book/devices/0", **{**DEVICE, "code": unit, "name": name, "unit": unit.upper()})
    browser = keeper(house)
    assert "Loa xã khác" not in browser.get("/book/devices").text
    assert "Loa xã khác" in house.signed_in("viewer@district.example").get("/book/devices").text
    found = browser.get("/book/devices?q=na lung").text
    assert "Loa Nà Lùng" in found
    assert "Loa Nà Sài" not in found
    assert "Loa Nà Sài" not in browser.get("/book/devices?unit=VILLAGE").text
    assert "Không tìm thấy mục nào" in browser.get("/book/devices?condition=broken").text
    assert browser.get("/book/devices?condition=x&year=y&after=-5&unit=%00").status_code == 200


def test_personal_data_is_shown_only_to_users_who_keep_the_book(house: House) -> None:
    with house.database.session() as session:
        course = BookCourse(code="L1", name="Biên tập", unit_id=house.units["commune"], starts_on=DAY)
        session.add(course)
    keeper(house).post(
        "/book/attendance/0", course="L1", person="Nông Văn Páo", unit="COMMUNE", attended="present", job_title="Phó"
    )
    number = device(house, "commune", sim_owner="Lý A Sình", sim_number="0912345678")
    viewer = house.signed_in(VIEWER)
    for path in ("/book/attendance", "/book/attendance?as=csv", "/book/attendance?q=pao", f"/book/devices/{number}"):
        shown = viewer.get(path)
        assert shown.status_code == 200
        assert not re.search("Páo|Sình|0912345678", shown.text), path
    assert "Nông Văn Páo" in keeper(house).get("/book/attendance?q=pao").text
    [person] = rows(house, BookAttendance)
    assert keeper(house).post(f"/book/attendance/{person.id}", do="delete", sure="yes").status_code == 303
    assert rows(house, BookAttendance) == []
    assert "Páo" not in str([row.detail for row in rows(house, AuditEntry)])


def test_people_attend_courses_of_units_above_but_not_beside(house: House) -> None:
    admin = house.signed_in("admin@district.example")
    for unit in ("DISTRICT", "OTHER"):
        admin.post("/book/courses/0", code=unit, name="Biên tập", unit=unit, starts_on="2027-05-04")
    typed = {"person": "Páo", "unit": "COMMUNE", "attended": "certified"}
    assert keeper(house).post("/book/attendance/0", **typed, course="OTHER").status_code == 422
    assert keeper(house).post("/book/attendance/0", **typed, course="district").status_code == 303
    assert "DISTRICT · Biên tập" in keeper(house).get("/book/attendance").text
    assert "1 lớp; 1 lượt người đã dự" in keeper(house).get("/book?year=2027").text


@pytest.mark.parametrize("path", ["/book/devices/0", "/book/devices/import"])
def test_viewers_cannot_change_the_book(house: House, path: str) -> None:
    viewer = house.signed_in(VIEWER)
    assert viewer.get(path).status_code == 403
    assert viewer.post(path, **DEVICE).status_code == 403


def send_table(house: House, table: str, text: str, **more: str):  # type: ignore[no-untyped-def]
    return keeper(house).post(f"/book/{table}/import", table=text, **more)


BUDGET = (
    "sep=;\nSổ kinh phí\nSTT;Nguồn vốn;Mục đích chi;Năm;Xã;Dự toán;Đã chi\n"
    "1;Ngân sách Trung ương (chương trình mục tiêu);Thiết lập, nâng cấp, chuyển đổi đài;2027;Đơn vị commune;"
    "1.234.567;1,234,567.50\n2;tài trợ, đóng góp;đào tạo, tập huấn;2027;COMMUNE;150000000;0\n"
)


def test_import_of_vietnamese_table_is_previewed_then_stored(house: House) -> None:
    tried = send_table(house, "budget", BUDGET)
    assert "Sẽ thêm 2, sửa 0" in tried.text
    assert rows(house, BookBudget) == []
    assert send_table(house, "budget", BUDGET, confirmed="yes").status_code == 303
    first, second = rows(house, BookBudget)
    assert (first.planned, first.spent, first.fund) == (1234567, 1234568, "central")
    assert (second.planned, second.fund, second.purpose) == (150000000, "donors", "training")
    assert "Sẽ thêm 0, sửa 2" in send_table(house, "budget", BUDGET).text


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
        assert "Sẽ thêm 0, sửa 1" in shown


def test_import_cannot_reach_another_unit(house: House) -> None:
    device(house, "other", code="TB-X")
    head = "Mã;Tên;Đơn vị;Loại thiết bị;Tình trạng\n"
    assert send_table(house, "devices", f"{head}TB-X;Loa;COMMUNE;horn;good", confirmed="yes").status_code == 422
    assert send_table(house, "devices", f"{head}TB-Y;Loa;OTHER;horn;good", confirmed="yes").status_code == 422
    assert [row.name for row in rows(house, BookDevice)] == ["Cụm loa"]


def test_page_of_a_speaker_shows_its_book(house: House) -> None:
    with house.database.session() as session:
        speaker = session.scalars(sa.select(Speaker).where(Speaker.code == "loa-commune")).one()
    browser = keeper(house)
    assert "chưa có trong sổ đài" in browser.get(f"/speakers/{speaker.id}").text
    number = device(house, "commune", code="TB-5", speaker_id=speaker.id, serial="007", warranty_until=DAY)
    seen = {"inspected_on": "2027-01-05", "unit": "COMMUNE", "device": "TB-5", "finding": "repair_needed"}
    browser.post("/book/inspections/0", **seen, note="Ốc lỏng")
    shown = browser.get(f"/speakers/{speaker.id}").text
    for words in (f"/book/devices/{number}", "007", "05/02/2027", "Cần sửa chữa", "Ốc lỏng", "Ghi lần kiểm tra"):
        assert words in shown
    start = browser.get("/book/inspections/0?device=TB-5&unit=COMMUNE").text
    assert 'value="TB-5"' in start


def test_expiring_sim_raises_an_alarm_for_the_unit(house: House) -> None:
    soon = (now() + datetime.timedelta(days=5)).date()
    admin = house.signed_in("admin@x.example")
    admin.post("/book/devices/0", **DEVICE, sim_until=soon.isoformat())
    assert "SIM của thiết bị Cụm Nà Sài (TB-01) hết hạn" in admin.get("/").text
    with house.database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["sim_expires"]


def test_yearly_report_has_the_figures_of_the_plan(house: House) -> None:
    browser = keeper(house)
    assert "Năm này chưa ghi kinh phí" in browser.get("/book?year=2027").text
    browser.post("/book/stations/0", code="D1", name="Đài xã", unit="COMMUNE", technology="fm", condition="broken")
    browser.post("/book/plans/0", work="Chuyển đài xã", year="2027", unit="COMMUNE", plan_kind="convert",
                 plan_state="done", station="D1", cost="500000000", fund="central")  # fmt: skip
    browser.post("/book/budget/0", **LINE, planned="600000000", allocated="500000000", spent="450000000")
    shown = browser.get("/book?year=2027").text
    assert "1 đài, 1 hỏng" in shown
    assert "Hoàn thành 1/1 mục; kinh phí dự kiến 500.000.000 đồng" in shown
    assert "đã chi 450.000.000 đồng" in shown
    above = house.signed_in("viewer@district.example")
    assert "1/2 xã, phường chưa có đài" in above.get("/book?year=2027").text
    assert "Đơn vị other" in above.get("/book?year=2027").text.split("chưa có đài</h3>")[1]
    assert "0 đài" in above.get("/book?year=2027&unit=OTHER").text
    answer = above.get("/book?year=2027&as=xlsx")
    assert answer.content_type.endswith("spreadsheetml.sheet")
    assert above.get("/book?year=99999999&unit=%00").status_code == 200
