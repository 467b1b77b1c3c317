"""Pages of publication duties: the register, one duty, planning its runs, certificates, the list of a quarter."""

import datetime
import re

import pytest
import sqlalchemy as sa

from broadcast_bridge.duties.models import Duty
from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.models import Schedule
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import now
from haichieu.locale import Message
from haichieu.people import Level, Unit
from tests.builders.duties import heard_everywhere
from tests.builders.house import House
from tests.builders.in_unit import ZONES
from tests.builders.programmes import ready
from tests.builders.workbooks import words_of_workbook

EDITOR, VIEWER = "editor@x.example", "viewer@x.example"
TODAY = now().astimezone(datetime.timezone(datetime.timedelta(hours=7))).date()


def entry(house: House, unit: str = "commune", **more: object) -> dict[str, object]:
    """The fields of the form of an entry."""
    with house.database.session() as session:
        zone = session.scalars(sa.select(Zone.id).where(Zone.code == ZONES[unit])).one()
    return {
        "title": "Danh sách hộ nghèo", "rule": "publication", "decision": "12/QĐ-UBND", "decided_on": TODAY,
        "run_time": "05:30", "programme": ready(house, unit), "unit": house.units[unit], "zone": zone, **more,
    }  # fmt: skip


def added(house: House, unit: str = "commune", **more: object) -> int:
    """Add an entry on the page, and return its number."""
    who = EDITOR if unit in ("commune", "village") else "admin@district.example"
    answer = house.signed_in(who).post("/duties", **entry(house, unit, **more))
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rpartition("/")[2])


def test_empty_list_offers_the_first_entry(house: House) -> None:
    shown = house.signed_in(EDITOR).get("/duties").text
    assert "Quý này chưa có nội dung nào" in shown
    assert 'name="decided_on"' in shown
    assert 'href="/duties"' in shown
    assert 'name="decided_on"' not in house.signed_in(VIEWER).get("/duties").text


def test_entry_leads_to_proposed_runs_that_a_user_confirms(house: House) -> None:
    editor, number = house.signed_in(EDITOR), added(house)
    shown = editor.get(f"/duties/{number}").text
    assert "Cần phát thêm" in shown
    assert "Luật số 10/2022/QH15, Điều 11, 12, 13" in shown
    mark = re.findall(r'name="runs" value="([^"]*)"', shown)[0]
    answer = editor.post(f"/duties/{number}", do="plan", runs=mark)
    if answer.status_code == 409:  # the runs of today may meet quiet hours
        confirmed = re.findall(r'name="confirmed" value="([^"]*)"', answer.text)[0]
        answer = editor.post(f"/duties/{number}", do="plan", runs=mark, confirmed=confirmed)
    assert answer.status_code == 303, answer.text
    with house.database.session() as session:
        made = session.scalars(sa.select(Schedule)).one()
        assert (made.title, len(made.rdates)) == ("Danh sách hộ nghèo", 2)
    again = editor.get(f"/duties/{number}").text
    assert "Cần phát thêm" not in again
    assert f"/calendar/schedules/{made.id}" in again


def test_page_of_a_warning_says_that_it_goes_out_as_an_emergency(house: House) -> None:
    editor, number = house.signed_in(EDITOR), added(house, rule="disaster", event_on=TODAY)
    assert "mức khẩn cấp, cả trong giờ yên lặng" in editor.get(f"/duties/{number}").text
    assert "giờ bắt đầu phải nhắc lại, tính từ ngày quyết định" in editor.get("/duties").text
    shown = editor.get(f"/duties/{added(house)}").text
    assert "mức khẩn cấp" not in shown
    assert "rồi phát tiếp cho đủ 3 ngày liên tục" in shown


def test_page_of_a_warning_names_who_may_plan_it(house: House) -> None:
    number = added(house, rule="disaster", event_on=TODAY + datetime.timedelta(days=1))
    asked = "Xin báo người quản trị mở trang này và bấm “Đặt lịch phát”"
    shown = house.signed_in(EDITOR).get(f"/duties/{number}").text
    assert asked in shown
    assert 'name="runs"' not in shown
    for_admin = house.signed_in("admin@x.example").get(f"/duties/{number}").text
    assert asked not in for_admin
    assert 'name="runs"' in for_admin


def test_page_of_a_duty_shows_breaks_and_villages_without_a_speaker(house: House) -> None:
    number = added(house)
    heard_everywhere(house, number, 1)
    with house.database.session() as session:
        duty = session.get_one(Duty, number)
        for village in duty.villages:
            village.heard = [(TODAY - datetime.timedelta(days=3)).isoformat(), *village.heard]
        session.add(Unit(code="XA", name="Thôn Xa", level=Level.VILLAGE, parent_id=house.units["commune"]))
    shown = house.signed_in(EDITOR).get(f"/duties/{number}").text
    broken_on = TODAY - datetime.timedelta(days=2)
    assert f"Chuỗi bị đứt ngày {broken_on:%d/%m/%Y}; tính lại từ {TODAY:%d/%m/%Y}" in shown
    assert "Thôn chưa có loa, phải thông báo cách khác: <bdi>Thôn Xa (Đơn vị commune)</bdi>" in shown


def test_page_says_that_runs_are_late_before_a_programme_is_chosen(house: House) -> None:
    number = added(house, decided_on=TODAY - datetime.timedelta(days=20), programme="")
    shown = house.signed_in(EDITOR).get(f"/duties/{number}").text
    assert "chưa chọn chương trình" in shown
    assert "đã muộn so với hạn" in shown


def test_runs_that_changed_meanwhile_are_shown_again(house: House) -> None:
    editor, number = house.signed_in(EDITOR), added(house)
    answer = editor.post(f"/duties/{number}", do="plan", runs="2026-01-01T05:30 12")
    assert answer.status_code == 409
    assert "đã thay đổi" in answer.text
    with house.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Schedule)) == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"title": ""}, "Nhập tên nội dung"), ({"decided_on": "hôm qua"}, "Nhập ngày quyết định"),
     ({"run_time": "25:00"}, "Nhập giờ phát"), ({"zone": "99"}, "Chọn khu vực có loa"),
     ({"rule": "meeting"}, "Nhập ngày họp"), ({"programme": "9999"}, "Chọn một chương trình"),
     ({"rule": "x"}, "Chọn quy định")],
)  # fmt: skip
def test_wrong_entry_is_shown_again_with_what_is_wrong(house: House, wrong: dict[str, object], words: str) -> None:
    answer = house.signed_in(EDITOR).post("/duties", **entry(house, **{"decision": "Số 7", **wrong}))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Số 7"' in answer.text


def test_duties_of_other_units_are_neither_shown_nor_changed(house: House) -> None:
    number = added(house, "other")
    editor = house.signed_in(EDITOR)
    assert "Danh sách hộ nghèo" not in editor.get("/duties").text
    assert editor.get(f"/duties/{number}").status_code == 403
    assert editor.post(f"/duties/{number}", do="cancel", reason="x").status_code == 403
    assert editor.post("/duties", **entry(house, "other")).status_code == 403
    assert house.signed_in(VIEWER).post("/duties", **entry(house)).status_code == 403
    assert editor.get("/duties/99").status_code == 404


def test_duty_is_changed_and_cancelled_with_a_reason(house: House) -> None:
    editor, number = house.signed_in(EDITOR), added(house)
    fields = entry(house, title="Danh sách mới", run_time="17:00")
    assert editor.post(f"/duties/{number}", do="change", **fields).status_code == 303
    assert "Danh sách mới" in editor.get(f"/duties/{number}").text
    assert editor.post(f"/duties/{number}", do="change", **{**fields, "title": ""}).status_code == 422
    assert editor.post(f"/duties/{number}", do="cancel", reason="").status_code == 422
    assert editor.post(f"/duties/{number}", do="nothing").status_code == 422
    assert editor.post(f"/duties/{number}", do="cancel", reason="Đã thu hồi").status_code == 303
    assert "Đã thu hồi" in editor.get(f"/duties/{number}").text
    assert "Đã hủy" in editor.get("/duties").text


def test_certificate_is_issued_printed_and_verified_by_its_code(house: House) -> None:
    editor, number = house.signed_in(EDITOR), added(house)
    village = house.units["commune"]
    assert editor.post(f"/duties/{number}", do="certify", village=village).status_code == 422
    heard_everywhere(house, number)
    assert "Cấp giấy" in editor.get(f"/duties/{number}").text
    answer = editor.post(f"/duties/{number}", do="certify", village=village)
    assert answer.status_code == 303
    shown = editor.get(answer.headers["Location"]).text
    code = re.findall(r"<code[^>]*>([0-9]+-[0-9a-f]{16})</code>", shown)[0]
    for words in ("Giấy xác nhận đã phát", "Đơn vị commune", "12/QĐ-UBND", "không bị sửa", "1/1"):
        assert words in shown, words
    assert code in house.signed_in("viewer@district.example").get(f"/duties?certificate={code}").text
    wrong = editor.get(f"/duties?certificate={code[:-1]}x")
    assert wrong.status_code == 404
    assert "Không có giấy xác nhận nào" in wrong.text
    with house.database.reading() as session:
        assert audit.verify(session).broken_at is None


def test_village_without_a_speaker_is_named_as_not_covered(house: House) -> None:
    editor, number = house.signed_in(EDITOR), added(house)
    assert "hưa có loa" not in editor.get("/duties").text
    with house.database.session() as session:
        session.add(Unit(code="XA", name="Thôn Xa", level=Level.VILLAGE, parent_id=house.units["commune"]))
    assert "Chưa có loa: <bdi>Thôn Xa (Đơn vị commune)</bdi>" in editor.get("/duties").text
    strings, _ = words_of_workbook(editor.get("/duties?as=xlsx").data)
    assert "Thôn Xa (Đơn vị commune)" in strings
    assert "Chưa có loa" in strings
    heard_everywhere(house, number)
    answer = editor.post(f"/duties/{number}", do="certify", village=house.units["commune"])
    with house.database.session() as session:
        session.scalars(sa.select(Unit).where(Unit.code == "XA")).one().name = "Thôn Gần"
    shown = editor.get(answer.headers["Location"]).text
    assert 'chưa có loa</dt><dd dir="auto" class="break"><bdi>Thôn Xa (Đơn vị commune)</bdi>' in shown
    assert "không xác nhận cho các thôn đó" in shown


def test_certificate_of_another_unit_is_not_shown(house: House) -> None:
    number = added(house, "other")
    heard_everywhere(house, number)
    answer = house.signed_in("admin@district.example").post(
        f"/duties/{number}", do="certify", village=house.units["other"]
    )
    assert answer.status_code == 303
    assert house.signed_in(EDITOR).get(answer.headers["Location"]).status_code == 404


def test_alarm_of_a_duty_is_shown_in_its_units_only(house: House) -> None:
    number = added(house, "other")
    with house.database.session() as session:
        raise_alarm(session, AlarmKind.DUTY_AT_RISK, f"duty:{number}", Message.verbatim("Thôn chưa nghe"))
    assert "Thôn chưa nghe" not in house.signed_in(EDITOR).get("/").text
    assert "Thôn chưa nghe" in house.signed_in("admin@district.example").get("/").text


def test_list_of_a_quarter_is_a_page_and_a_workbook(house: House) -> None:
    added(house)
    quarter = f"{TODAY.year}-{(TODAY.month + 2) // 3}"
    viewer = house.signed_in(VIEWER)
    shown = viewer.get(f"/duties?quarter={quarter}").text
    assert "Danh sách hộ nghèo" in shown
    assert "1 nội dung phải công khai: 0 đạt đúng hạn, 0 muộn hoặc không đạt, 1 đang thực hiện" in shown
    assert "Danh sách hộ nghèo" not in viewer.get("/duties?quarter=2021-1").text
    strings, sheets = words_of_workbook(viewer.get(f"/duties?as=xlsx&quarter={quarter}").data)
    assert "Danh sách hộ nghèo" in strings
    assert "12/QĐ-UBND" in strings
    assert "<f>" not in sheets
    for odd in ("2026-5", "9999-1", "x", "%00"):
        assert viewer.get(f"/duties?quarter={odd}").status_code == 200
        assert viewer.get(f"/duties?as=xlsx&quarter={odd}").status_code == 200
