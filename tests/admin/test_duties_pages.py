"""Pages of publication duties: the register, one duty, planning its runs, certificates, the list of a quarter."""

import datetime
import re

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.models import Schedule
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import now
from haichieu.locale import Message
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
    assert "Danh sách hộ nghèo" in viewer.get(f"/duties?quarter={quarter}").text
    assert "Danh sách hộ nghèo" not in viewer.get("/duties?quarter=2021-1").text
    strings, sheets = words_of_workbook(viewer.get(f"/duties?as=xlsx&quarter={quarter}").data)
    assert "Danh sách hộ nghèo" in strings
    assert "12/QĐ-UBND" in strings
    assert "<f>" not in sheets
    for odd in ("2026-5", "9999-1", "x", "%00"):
        assert viewer.get(f"/duties?quarter={odd}").status_code == 200
        assert viewer.get(f"/duties?as=xlsx&quarter={odd}").status_code == 200
