"""Pages of the station book: lists, forms, files, the page of a speaker and the yearly report."""

import datetime
import io
import re
import zipfile

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.states import Fault
from broadcast_bridge.station_book.book_tables import TABLES
from broadcast_bridge.station_book.expiry_alarms import today_at
from broadcast_bridge.station_book.models import BookAttendance, BookCourse, BookDevice, BookInspection
from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import now
from tests.admin.book import DAY, DEVICE, INSPECTION, LINE, PLAN, VIEWER, keeper, rows
from tests.admin.forms import field
from tests.builders.days import local_day
from tests.builders.house import House
from tests.builders.in_unit import device
from tests.builders.repairs import repair


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
        ("budget", {"planned": "1.234"}, "planned", "1500000 (một triệu rưỡi)"),
        ("budget", {"year": "27"}, "year", "bốn chữ số"),
        ("courses", {"code": "L1", "name": "Biên tập", "starts_on": "2027-05-02", "ends_on": "2027-05-01"}, "ends_on",
         "trước ngày bắt đầu"),
        ("devices", {"since_year": "2099"}, "since_year", "Năm này chưa đến"),
        ("inspections", {"inspected_on": "2099-01-05"}, "inspected_on", "Ngày này chưa đến"),
        ("inspections", {"next_on": "2026-01-05"}, "next_on", "Phải sau ngày kiểm tra"),
        ("plans", {"plan_state": "done"}, "done_on", "phải có ngày hoàn thành"),
    ],
)  # fmt: skip
def test_bad_value_gets_an_error_beside_its_field(
    house: House, table: str, typed: dict[str, str], wrong: str, said: str
) -> None:
    start = {"devices": DEVICE, "inspections": INSPECTION, "plans": PLAN}.get(table, {**LINE, "unit": "COMMUNE"})
    answer = keeper(house).post(f"/book/{table}/0", **{**start, **typed})
    assert answer.status_code == 422
    assert said in answer.text.split(f'id="hint-{wrong}"')[1].split("</div>")[0]
    assert rows(house, TABLES[table].model) == []


@pytest.mark.parametrize(("unit", "status"), [("COMMUNE", 303), ("VILLAGE", 303), ("DISTRICT", 303), ("OTHER", 422)])
def test_device_is_inspected_by_its_unit_or_one_above_or_below(house: House, unit: str, status: int) -> None:
    device(house, "commune", code="TB-9")
    admin = house.signed_in("admin@district.example")
    sent = admin.post("/book/inspections/0", **{**INSPECTION, "unit": unit, "device": "TB-9"})
    assert sent.status_code == status
    assert ("thiết bị của đơn vị khác" in sent.text) == (status == 422)


def test_station_of_another_unit_is_refused_also_in_a_sheet(house: House) -> None:
    admin = house.signed_in("admin@district.example")
    admin.post("/book/stations/0", code="D1", name="Đài", unit="OTHER", technology="fm", condition="good")
    sent = admin.post("/book/devices/0", **DEVICE, station="D1")
    assert "đài của đơn vị khác" in sent.text.split('id="hint-station"')[1]
    head = "Mã;Tên;Đơn vị;Loại thiết bị;Tình trạng;Mã đài;Năm đưa vào sử dụng"
    shown = admin.post("/book/devices/import", table=f"{head}\nTB-1;Loa;COMMUNE;horn;good;D1;2099").text
    assert "đài của đơn vị khác" in shown
    assert "Năm này chưa đến" in shown


@pytest.mark.parametrize("table", TABLES)
def test_buttons_and_file_names_name_the_entry(house: House, table: str) -> None:
    browser = keeper(house)
    shown, form = browser.get(f"/book/{table}").text, browser.get(f"/book/{table}/0").text
    button = re.search(r"<a class=\"btn btn-primary\"[^>]*>(Thêm [^<]+)</a>", shown)
    assert button is not None
    assert button[1] != "Thêm mục"
    assert f"{button[1]}</h1>" in form
    file = browser.get(f"/book/{table}?as=csv").headers["Content-Disposition"]
    assert re.search(r'"so-dai-[a-z-]+\.csv"', file)
    assert table not in file


def test_duplicate_entry_names_the_fields_that_are_equal(house: House) -> None:
    browser = keeper(house)
    browser.post("/book/budget/0", **LINE)
    shown = browser.post("/book/budget/0", **LINE, note="x").text
    assert "trùng Nguồn kinh phí, Mục đích chi, Chương trình, nhà tài trợ, Năm, Đơn vị." in shown


def test_code_of_another_commune_is_refused_in_words_that_say_so(house: House) -> None:
    device(house, "other", code="TB-01")
    shown = keeper(house).post("/book/devices/0", **DEVICE)
    assert shown.status_code == 422
    assert "Mã này đã có trong sổ, ở đơn vị của bạn hoặc đơn vị khác" in shown.text
    assert "ví dụ CB-TB-005" in shown.text


def test_one_key_is_stored_once(house: House) -> None:
    browser = keeper(house)
    for table, typed in (("devices", DEVICE), ("budget", LINE)):
        assert browser.post(f"/book/{table}/0", **typed).status_code == 303
        assert browser.post(f"/book/{table}/0", **typed, note="x").status_code == 422
        assert len(rows(house, TABLES[table].model)) == 1


def test_deleting_asks_and_keeps_what_others_refer_to(house: House) -> None:
    browser, number = keeper(house), device(house, "commune", code="TB-9")
    seen = {"inspected_on": "2026-01-05", "unit": "COMMUNE", "device": "tb-9", "finding": "passed"}
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


def test_row_offers_to_add_what_refers_to_it(house: House) -> None:
    browser = keeper(house)
    course = {"code": "LOP-1", "name": "Biên tập", "unit": "COMMUNE", "starts_on": "2027-05-04"}
    assert browser.post("/book/courses/0", **course).status_code == 303
    assert 'href="/book/attendance/0?course=LOP-1"' in browser.get("/book/courses/1").text
    assert "/book/attendance/0" not in house.signed_in(VIEWER).get("/book/courses/1").text
    assert 'value="LOP-1"' in browser.get("/book/attendance/0?course=LOP-1").text
    assert browser.post("/book/devices/0", **DEVICE).status_code == 303
    assert 'href="/book/inspections/0?device=TB-01"' in browser.get("/book/devices/1").text


def test_new_row_begins_with_the_current_year(house: House) -> None:
    with house.database.reading() as session:
        year = str(today_at(session).year)
    for table in ("plans", "needs", "budget"):
        assert f'value="{year}"' in keeper(house).get(f"/book/{table}/0").text
    assert 'value="2020"' in keeper(house).get("/book/plans/0?year=2020").text


def test_course_of_the_province_is_listed_where_its_people_attended(house: House) -> None:
    admin, browser = house.signed_in("admin@district.example"), keeper(house)
    for code in ("LOP-TINH", "LOP-KHAC"):
        admin.post("/book/courses/0", code=code, name=f"Lớp {code}", unit="DISTRICT", starts_on="2027-05-04")
    assert "LOP-TINH" not in browser.get("/book/courses").text
    typed = {"person": "Páo", "unit": "VILLAGE", "attended": "certified", "course": "LOP-TINH"}
    assert browser.post("/book/attendance/0", **typed).status_code == 303
    for query in ("", "?unit=VILLAGE"):
        shown = browser.get(f"/book/courses{query}").text
        assert ("Lớp LOP-TINH" in shown, "Lớp LOP-KHAC" in shown) == (True, False)
        assert 'href="/book/courses/1"' not in shown
    assert "Lớp tập huấn (1)" in " ".join(browser.get("/book").text.split())
    assert "LOP-TINH" not in browser.get("/book/courses?as=csv").text
    assert 'href="/book/courses/1"' in admin.get("/book/courses").text


@pytest.mark.parametrize("path", ["/book/devices/0", "/book/devices/import"])
def test_viewers_cannot_change_the_book(house: House, path: str) -> None:
    viewer = house.signed_in(VIEWER)
    assert viewer.get(path).status_code == 403
    assert viewer.post(path, **DEVICE).status_code == 403


def test_page_of_a_speaker_shows_its_book(house: House) -> None:
    with house.database.session() as session:
        speaker = session.scalars(sa.select(Speaker).where(Speaker.code == "loa-commune")).one()
    browser = keeper(house)
    assert "chưa có trong sổ đài" in browser.get(f"/speakers/{speaker.id}").text
    sim = {"sim_number": "0912345678", "sim_owner": "Lý A Sình"}
    number = device(house, "commune", code="TB-5", speaker_id=speaker.id, serial="007", warranty_until=DAY, **sim)
    seen = {"inspected_on": "2026-01-05", "unit": "COMMUNE", "device": "TB-5", "finding": "repair_needed"}
    browser.post("/book/inspections/0", **seen, note="Ốc lỏng")
    shown = browser.get(f"/speakers/{speaker.id}").text
    for words in (
        f"/book/devices/{number}",
        "007",
        "05/02/2027",
        "Cần sửa chữa",
        "Ốc lỏng",
        "Ghi lần kiểm tra",
        *sim.values(),
    ):
        assert words in shown
    hidden = house.signed_in(VIEWER).get(f"/speakers/{speaker.id}").text
    assert not any(words in hidden for words in sim.values())
    entry = browser.get(f"/book/devices/{number}").text
    assert "<title>Thiết bị TB-5 · Cụm loa" in entry
    assert f'href="/speakers/{speaker.id}" dir="auto">Xem cụm loa loa-commune</a>' in entry
    assert "05/01/2026</a> Cần sửa chữa" in entry
    start = browser.get("/book/inspections/0?device=TB-5&unit=COMMUNE").text
    assert 'value="TB-5"' in start


def test_expiring_sim_raises_an_alarm_for_the_unit(house: House) -> None:
    soon = (now() + datetime.timedelta(days=5)).date()
    admin = house.signed_in("admin@x.example")
    admin.post("/book/devices/0", **DEVICE, sim_until=soon.isoformat())
    assert "SIM của thiết bị Cụm Nà Sài (TB-01): hạn dùng đến ngày" in admin.get("/").text
    with house.database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["sim_expires"]


def test_yearly_report_has_the_figures_of_the_plan(house: House) -> None:
    browser = keeper(house)
    assert "Năm này chưa ghi kinh phí" in browser.get("/book?year=2027").text
    browser.post("/book/stations/0", code="D1", name="Đài xã", unit="COMMUNE", technology="fm", condition="broken")
    browser.post("/book/plans/0", work="Chuyển đài xã", year="2027", unit="COMMUNE", plan_kind="convert",
                 plan_state="done", done_on="2027-03-01", station="D1", cost="500000000", fund="central")  # fmt: skip
    browser.post("/book/budget/0", **LINE, planned="600000000", allocated="500000000", spent="450000000")
    shown = browser.get("/book?year=2027").text
    assert "1 đài, 1 hỏng" in shown
    assert "Hoàn thành 1/1 mục; kinh phí dự kiến 500.000.000 đồng" in shown
    assert "đã chi 450.000.000 đồng" in shown
    above = house.signed_in("viewer@district.example")
    assert "1/2 xã, phường chưa có đài" in above.get("/book?year=2027").text
    assert "Đơn vị other" in above.get("/book?year=2027").text.split("chưa có đài</h3>")[1]
    assert "0 đài" in above.get("/book?year=2027&unit=OTHER").text
    assert "Vật tư thay thế" not in shown
    assert re.search(r"Hiện trạng đài và thiết bị \(tính đến ngày \d+/\d+/\d{4}\)", shown)
    answer = above.get("/book?year=2027&as=xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        names = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
    assert names[:4] == [
        "Đài truyền thanh theo loại",
        "Thiết bị theo loại",
        "Xã, phường chưa có đài",
        "Kết quả kiểm tra",
    ]
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) <= 31
    assert answer.content_type.endswith("spreadsheetml.sheet")
    assert above.get("/book?year=99999999&unit=%00").status_code == 200


def test_yearly_report_lists_the_spare_parts_of_repairs(house: House) -> None:
    with house.database.session() as session:
        speaker = session.scalars(sa.select(Speaker.id).where(Speaker.code == "loa-commune")).one()
        other = session.scalars(sa.select(Speaker.id).where(Speaker.code == "loa-village")).one()
        repair(session, speaker, Fault.SILENT, parts="Củ loa 30 W × 2", cost=350000, days_lost_stated=1.5)
        repair(session, other, Fault.UNSAFE, days_lost_stated=0.3)
    shown = keeper(house).get(f"/book?year={local_day(now()).year}").text
    section = shown.split('id="book_repairs"')[1].split("</section>")[0]
    assert "<h3>Vật tư thay thế</h3>" in section
    assert "Củ loa 30 W × 2" in section
    assert "không tự cộng vào kinh phí" in section
    days = re.findall(r'data-label="Số ngày mất tiếng">([^<]*)<', section)
    assert sorted(days) == ["0,3", "1,5", "1,8"]
