"""Numbers on pages: routes that overlap are refused with what was typed, and the preview is what a caller would get."""

import datetime
import re
from zoneinfo import ZoneInfo

import pytest

from haichieu.audit import AuditEntry
from haichieu.locale import render
from ivr.calls.number_routes import Route
from ivr.calls.reception import destination_of
from ivr.calls.routing import Number, routes_of, units_routed_to
from tests.builders.house import Browser, House

BASE = {"number": "1022", "flow": "hotline", "unit": "COMMUNE", "duty_phone": "0206 3000001"}
NIGHT = ("working", "17:00", "07:30", "duty-desk", "")
DAY_OFF = ("off", "", "", "official-line", "")


def at(moment: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))


def fields(*routes: tuple[str, str, str, str, str], **more: str) -> dict[str, object]:
    names = ("route_days", "route_from", "route_to", "route_flow", "route_phone")
    rows = [*routes, ("every", "", "", "", "")]
    return {**BASE, **{name: [row[at] for row in rows] for at, name in enumerate(names)}, **more}


def only(house: House) -> Number:
    with house.database.session() as session:
        return session.query(Number).one()


def mark(browser: Browser, row: Number) -> str:
    found = re.search(r'name="began_with" value="([^"]+)"', browser.get(f"/numbers/{row.id}/edit").text)
    assert found
    return found[1]


def test_a_number_is_added_looked_at_changed_and_retired(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    added = browser.post("/numbers/0/edit", "/account", **fields(NIGHT, missed_call_back="yes"))
    assert added.status_code == 303
    row = only(house)
    assert [render(route.in_words(), "vi") for route in routes_of(row)] == ["ngày làm việc 17:00-07:30"]
    assert (row.duty_phone, row.missed_call_back) == ("+842063000001", True)
    night = browser.get(f"/numbers/{row.id}?day=2026-11-25&hour=20:00").text
    assert "Thứ Tư 25/11/2026, 20:00, ai gọi 1022 sẽ gặp:" in night
    assert re.search(r'class="loud">[^<]*<span dir="auto">Nối ngay đến máy trực', night)
    holiday = browser.get(f"/numbers/{row.id}?day=2026-09-02&hour=20:00").text
    assert "ngày lễ: Quốc khánh" in holiday
    assert re.search(r'class="loud">[^<]*<span dir="auto">Đường dây của bà con', holiday)
    assert browser.get(f"/numbers/{row.id}?day=x&hour=99").status_code == 200
    changed = fields(NIGHT, DAY_OFF, began_with=mark(browser, row))
    assert browser.post(f"/numbers/{row.id}/edit", "/account", **changed).status_code == 303
    with house.database.session() as session:
        assert [route.flow for route in routes_of(session.get_one(Number, row.id))] == ["duty-desk", "official-line"]
        told = session.query(AuditEntry).filter_by(action="number.change").one()
        assert told.detail["fields"] == "missed_call_back, routes"
    assert "tôi" in browser.post(f"/numbers/{row.id}/retire", "/account").text.lower()
    assert browser.post(f"/numbers/{row.id}/retire", "/account", sure="yes").status_code == 303
    assert browser.get(f"/numbers/{row.id}").status_code == 404


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("routes", "more", "said"),
    [
        ([NIGHT, ("every", "06:00", "08:00", "hotline", "")], {}, "trùng nhau"),
        ([("every", "06:00", "", "hotline", "")], {}, "21:30-05:00"),
        ([("every", "06:00", "07:00", "", "")], {}, "chưa chọn nơi dẫn đến"),
        ([("every", "06:00", "07:00", "khong-co", "")], {}, "không có menu “khong-co”"),
        ([("every", "06:00", "07:00", "hotline", "12x")], {}, "không phải số điện thoại"),
        ([NIGHT], {"duty_phone": ""}, "duty-desk cần số máy trực"),
        ([("every", f"{hour:02}:00", f"{hour:02}:30", "hotline", "") for hour in range(13)], {}, "12"),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(
    house: House, routes: list[tuple[str, str, str, str, str]], more: dict[str, str], said: str
) -> None:
    browser = house.signed_in("admin@x.example")
    answer = browser.post("/numbers/0/edit", "/account", **fields(*routes, **more))
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="06:00"' in answer.text or routes[0][1] != "06:00"
    with house.database.session() as session:
        assert session.query(Number).count() == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_second_editor_is_warned_and_the_switchboard_routes_by_time(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    assert browser.post("/numbers/0/edit", "/account", **fields()).status_code == 303
    row = only(house)
    began = mark(browser, row)
    assert browser.post(f"/numbers/{row.id}/edit", "/account", **fields(NIGHT, began_with=began)).status_code == 303
    second = browser.post(f"/numbers/{row.id}/edit", "/account", **fields(DAY_OFF, began_with=began))
    assert second.status_code == 422
    assert "hiện là: working 17:00-07:30 duty-desk" in second.text
    assert '<option value="official-line" selected>' in second.text
    with house.database.session() as session:
        found = destination_of(session, ["1022"], at("2026-11-25T20:00"))
        assert found is not None
        assert found.flow == "duty-desk"
        day = destination_of(session, ["1022"], at("2026-11-25T10:00"))
        assert day is not None
        assert day.flow == "hotline"


def test_a_flow_concerns_the_units_whose_numbers_lead_to_it_at_any_time(house: House) -> None:
    night = Route("duty-desk", hours="22:00-05:00").as_row()
    with house.database.session() as session:
        session.add(Number(number="1", flow="hotline", unit_id=house.units["village"]))
        session.add(Number(number="2", flow="hotline", unit_id=house.units["other"], routes=[night]))
        session.flush()
        assert units_routed_to(session, "hotline") == {house.units["village"], house.units["other"]}
        assert units_routed_to(session, "duty-desk") == {house.units["other"]}
        assert units_routed_to(session, "official-line") == set()


def test_numbers_of_other_units_are_not_listed(house: House) -> None:
    with house.database.session() as session:
        for unit in ("village", "other"):
            session.add(Number(number=f"99-{unit}", flow="gone", unit_id=house.units[unit]))
    shown = house.signed_in("admin@x.example").get("/numbers").text
    assert "99-village" in shown
    assert "99-other" not in shown
    assert "không còn menu này" in shown
