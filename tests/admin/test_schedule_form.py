"""The form of a schedule: opened from the calendar, presets, slots and playlists, and refusals at their field."""

import datetime
import re

import pytest

from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.models import Schedule
from haichieu.database import now
from tests.builders.accounts import EDITOR
from tests.builders.house import House
from tests.builders.programmes import drafted, ready

LOCAL = datetime.timedelta(hours=7)
TOMORROW = (now() + LOCAL + datetime.timedelta(days=1)).date()
NEW = "/calendar/schedules/0/edit"


def fields(house: House, **more: object) -> dict[str, object]:
    with house.database.session() as session:
        zone = session.query(Zone).filter_by(code="12").one().id
    return {
        "title": "Bản tin sáng", "unit": house.units["commune"], "what": "programme", "zone": zone,
        "day": TOMORROW.isoformat(), "time": "05:30", "repeat": "daily", **more,
    }  # fmt: skip


def stored(house: House) -> Schedule:
    with house.database.session() as session:
        found = session.query(Schedule).order_by(Schedule.id.desc()).first()
        assert found is not None
        assert [item.position for item in found.items] == list(range(len(found.items)))
        session.expunge_all()
        return found


def tag(page: str, name: str, value: str) -> str:
    """Return the control of the page with this name and value."""
    found = re.search(rf'<(?:input|option)[^>]*name="{name}" value="{re.escape(value)}"[^>]*>', page)
    assert found, (name, value)
    return found[0]


@pytest.mark.parametrize(
    ("repeat", "words", "rule", "days"),
    [
        ("once", "Một lần, ngày", "", "any"),
        ("daily", "Hằng ngày lúc 05:30", "FREQ=DAILY", "any"),
        ("except_sunday", "Thứ Bảy hằng tuần lúc 05:30", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA", "any"),
        ("working_days", "Hằng ngày lúc 05:30", "FREQ=DAILY", "working_days"),
        ("weekly", "Thứ Hai, Thứ Năm hằng tuần lúc 05:30", "FREQ=WEEKLY;BYDAY=MO,TH", "any"),
    ],
)
def test_each_preset_is_stored_as_its_rule_and_comes_back(
    house: House, repeat: str, words: str, rule: str, days: str
) -> None:
    editor = house.signed_in(EDITOR)
    weekdays = {"weekday": ["MO", "TH"]} if repeat == "weekly" else {}
    form = fields(house, programme=ready(house), repeat=repeat, **weekdays)
    saved = editor.post(NEW, **form)
    assert saved.status_code == 303
    assert words in editor.get(saved.headers["Location"]).text
    assert (stored(house).rrule, stored(house).days) == (rule, days)
    page = editor.get(f"{saved.headers['Location']}/edit").text
    assert "checked" in tag(page, "repeat", repeat)
    changed = {**form, "version": 1, "repeat": "daily", "weekday": []}
    assert editor.post(f"{saved.headers['Location']}/edit", **changed).status_code == 303
    assert (stored(house).rrule, stored(house).days) == ("FREQ=DAILY", "any")


def test_free_hours_to_come_lead_to_the_filled_in_form(house: House) -> None:
    editor = house.signed_in(EDITOR)
    week = editor.get(f"/calendar?day={TOMORROW}").text
    path = f"{NEW}?day={TOMORROW}&amp;time=08:00"
    assert f'href="{path}"' in week
    assert "Hôm nay" in week
    zone = fields(house)["zone"]
    assert f'href="{path}&amp;zone={zone}"' in editor.get(f"/calendar?day={TOMORROW}&zone={zone}").text
    form = editor.get(f"{path.replace('&amp;', '&')}&zone={zone}").text
    assert (f'value="{TOMORROW}"' in form, 'value="08:00"' in form) == (True, True)
    assert "checked" in tag(form, "zone", str(zone))
    last_week = editor.get(f"/calendar?day={TOMORROW - datetime.timedelta(days=8)}").text
    assert f"{NEW}?day={TOMORROW - datetime.timedelta(days=8)}" not in last_week
    assert f"{NEW}?day=" not in house.signed_in("viewer@x.example").get(f"/calendar?day={TOMORROW}").text


def test_calendar_shows_how_long_each_broadcast_takes(house: House) -> None:
    editor = house.signed_in(EDITOR)
    assert editor.post(NEW, **fields(house, programme=ready(house, seconds=1500.0))).status_code == 303
    week = editor.get(f"/calendar?day={TOMORROW}").text
    assert "05:30</time>–05:55" in week
    assert '<rect class="length-bar" width="25"' in week
    assert 'aria-label="25 phút"' in week


def test_slot_of_a_category_shows_what_it_would_play(house: House) -> None:
    editor = house.signed_in(EDITOR)
    form = fields(house, what="newest", category="Y tế", title="")
    warned = editor.post(NEW, **form)
    never = "không lần nào sắp tới được phát: chưa có chương trình nào của thể loại này được duyệt"
    assert (warned.status_code, never in warned.text) == (409, True)
    ready(house, title="Tiêm vắc-xin", category="Y tế", seconds=60.0)
    saved = editor.post(NEW, **form)
    assert saved.status_code == 303
    assert (stored(house).title, stored(house).category) == ("Y tế", "Y tế")
    assert "Tiêm vắc-xin" in editor.get(saved.headers["Location"]).text
    assert "Tiêm vắc-xin" in editor.get(f"/calendar?day={TOMORROW}").text
    with house.database.session() as session:
        session.query(Programme).one().state = "withdrawn"
    for path in (saved.headers["Location"], f"/calendar?day={TOMORROW}", "/calendar?view=list"):
        assert "chưa có chương trình nào của thể loại này được duyệt" in editor.get(path).text, path
    answer = editor.client.get("/api/v1/schedules", headers=house.token(EDITOR)).json
    assert answer is not None
    assert answer["items"][0]["what"] == "newest"


def test_playlist_is_made_in_the_form_and_says_what_it_leaves_out(house: House) -> None:
    editor = house.signed_in(EDITOR)
    first, second = ready(house, title="Nhạc hiệu", seconds=60.0), ready(house, title="Tin", seconds=240.0)
    draft = drafted(house, title="Tin nháp")
    page = editor.get(NEW).text
    assert f'<option value="Nhạc hiệu (#{first})">' in page
    items = [f"Nhạc hiệu (#{first})", "", f"Tin nháp (#{draft})", f"Tin (#{second})", f"Nhạc hiệu (#{first})"]
    form = fields(house, what="playlist", item=items, title="")
    warned = editor.post(NEW, **form)
    assert (warned.status_code, "Danh sách sẽ bỏ qua" in warned.text) == (409, True)
    assert f'value="Tin (#{second})"' in warned.text
    mark = warned.text.partition('name="confirmed" value="')[2][:64]
    saved = editor.post(NEW, confirmed=mark, **form)
    assert saved.status_code == 303
    made = stored(house)
    assert made.title == "Nhạc hiệu"
    week = editor.get(f"/calendar?day={TOMORROW}").text
    assert "05:30</time>–05:36" in week
    assert "bỏ qua 1 chương trình" in week
    assert "chương trình chưa được duyệt" in editor.get(saved.headers["Location"]).text
    again = editor.get(f"{saved.headers['Location']}/edit").text
    assert re.findall(r'name="item"[^>]*value="([^"]+)"', again) == [item for item in items if item]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"zone": 999}, "zone"),
        ({"programme": ""}, "programme"),
        ({"programme": 999}, "programme"),
        ({"what": "newest"}, "category"),
        ({"what": "playlist"}, "item"),
        ({"what": "playlist", "item": ["Không có số"]}, "item"),
        ({"what": "live"}, "official"),
        ({"title": "x" * 300}, "title"),
        ({"day": "2026-02-31"}, "day"),
        ({"repeat": "once", "day": "2020-01-01"}, "day"),
        ({"valid_until": (TOMORROW - datetime.timedelta(days=1)).isoformat()}, "valid_until"),
        ({"repeat": "lunar", "lunar_days": "31"}, "lunar_days"),
        ({"repeat": "rule", "rule": "FREQ=SECONDLY"}, "rule"),
        ({"repeat": "rule", "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "rule"),
        ({"repeat": "once", "weekday": ["MO"]}, "weekday"),
        ({"minutes": "999"}, "minutes"),
    ],
)
def test_refusal_is_shown_at_its_field_and_what_was_typed_stays(
    house: House, more: dict[str, object], field: str
) -> None:
    form = {**fields(house, programme=ready(house), title="Tên đã gõ"), **more}
    answer = house.signed_in(EDITOR).post(NEW, **form)
    assert answer.status_code == 422
    assert f'id="problem-{field}"' in answer.text, answer.text[-4000:]
    assert f'aria-describedby="problem-{field}"' in answer.text or field == "weekday"
    assert str(form["title"]) in answer.text
    assert "alert-danger" not in answer.text


def test_schedule_whose_programme_is_withdrawn_later_is_shown_so(house: House) -> None:
    editor, number = house.signed_in(EDITOR), ready(house)
    assert editor.post(NEW, **fields(house, programme=number)).status_code == 303
    week = f"/calendar?day={TOMORROW}"
    assert "sẽ không phát" not in editor.get(week).text
    with house.database.session() as session:
        session.get_one(Programme, number).state = "withdrawn"
    assert "sẽ không phát: chương trình đã bị thu hồi" in editor.get(week).text
