"""The calendar as pages: planned, in collision, moved, left out, in files; two people, other units."""

import datetime
import io
import re

from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.materialise import materialise
from broadcast_bridge.schedule.models import Occurrence, Schedule
from haichieu.database import now
from tests.builders.accounts import EDITOR
from tests.builders.house import Browser, House
from tests.builders.programmes import ready

TOMORROW = (now() + datetime.timedelta(hours=7, days=1)).date()


def fields(house: House, **more: object) -> dict[str, object]:
    with house.database.session() as session:
        zone = session.query(Zone).filter_by(code="12").one().id
    return {
        "title": "Bản tin sáng", "unit": house.units["commune"], "what": "programme", "zone": zone,
        "day": TOMORROW.isoformat(), "time": "05:30", "repeat": "daily", **more,
    }  # fmt: skip


def planned(house: House, browser: Browser, **more: object) -> int:
    number = more.pop("programme", None) or ready(house, seconds=600.0)
    made = browser.post("/calendar/schedules/0/edit", **fields(house, programme=number, **more))
    assert made.status_code == 303, made.text
    return int(made.headers["Location"].rpartition("/")[2])


def test_a_schedule_is_planned_and_seen_in_week_and_month(house: House) -> None:
    editor = house.signed_in(EDITOR)
    number = planned(house, editor, repeat="weekly", weekday=["MO", "TH"], title="Tin <script>")
    page = editor.get(f"/calendar/schedules/{number}", **{"Accept-Language": "vi"}).text
    assert "Thứ Hai, Thứ Năm hằng tuần lúc 05:30" in page
    later = TOMORROW + datetime.timedelta(days=7)
    for view in ("week", "month"):
        shown = editor.get(f"/calendar?view={view}&day={later}").text
        assert "Tin &lt;script&gt;" in shown
        assert "05:30" in shown
    assert "Tin &lt;script&gt;" in editor.get("/calendar?view=list").text
    other = house.signed_in("admin@district.example").get(f"/calendar?day={later}").text
    assert "Tin &lt;script&gt;" in other


def test_a_month_shows_four_of_a_day_and_counts_the_others(house: House) -> None:
    editor, later = house.signed_in(EDITOR), TOMORROW + datetime.timedelta(days=7)
    programme = ready(house, seconds=60.0)
    for hour in (11, 6, 9, 7, 8, 10):
        planned(house, editor, programme=programme, title=f"Tin {hour} giờ", time=f"{hour:02d}:00")
    month = editor.get(f"/calendar?view=month&day={later}").text
    (day,) = re.findall(rf"<section[^>]*>\s*<h2><a href=\"/calendar\?day={later}\".*?</section>", month, re.DOTALL)
    assert re.findall(r"Tin \d+ giờ", day) == [f"Tin {hour} giờ" for hour in (6, 7, 8, 9)]
    assert "và 2 lượt nữa" in day
    week = editor.get(f"/calendar?day={later}").text
    assert week.count("Tin 11 giờ</a>") == week.count('aria-label="Dời Tin 11 giờ') == 7


def test_days_show_lunar_dates_and_holidays(house: House) -> None:
    shown = house.signed_in(EDITOR).get("/calendar?day=2027-02-06").text
    assert "Ngày 1 tháng 1 âm lịch" in shown
    assert "Tết" in shown
    number = planned(house, house.signed_in(EDITOR), repeat="lunar", lunar_days="1, 15")
    assert "âm lịch" in house.signed_in(EDITOR).get(f"/calendar/schedules/{number}").text


def test_the_present_hour_is_marked_without_scripts(house: House) -> None:
    browser = house.signed_in(EDITOR)
    before, week = house_clock(), browser.get("/calendar").text
    (at,) = re.findall(r'has-now" data-hour="([^"]+)".*?class="now-line".*?<time>(..:..)</time>', week, re.DOTALL)
    assert before <= f"{at[0][:10]} {at[1]}" <= house_clock()
    assert "now-line" not in browser.get(f"/calendar?day={TOMORROW + datetime.timedelta(days=14)}").text


def house_clock() -> str:
    """The day and minute in the station's time zone."""
    return (now() + datetime.timedelta(hours=7)).strftime("%Y-%m-%d %H:%M")


def test_a_collision_is_shown_before_it_is_saved(house: House) -> None:
    editor, number = house.signed_in(EDITOR), ready(house, seconds=600.0)
    planned(house, editor, programme=number)
    form = fields(house, programme=number, title="Tin thứ hai", time="05:35")
    warned = editor.post("/calendar/schedules/0/edit", **form)
    assert (warned.status_code, "“Bản tin sáng” phát trước, “Tin thứ hai” đợi" in warned.text) == (409, True)
    assert 'value="Tin thứ hai"' in warned.text
    with house.database.session() as session:
        assert session.query(Schedule).count() == 1
    mark = warned.text.partition('name="confirmed" value="')[2][:64]
    assert editor.post("/calendar/schedules/0/edit", confirmed=mark, **form).status_code == 303


def test_what_cannot_be_planned_is_refused_and_stays_in_the_form(house: House) -> None:
    editor, number = house.signed_in(EDITOR), ready(house)
    for more, words in (
        ({"zone": 999}, "Không có khu vực"),
        ({"day": "2026-02-31"}, "Ngày giờ phát không đúng"),
        ({"what": "song"}, "Hãy chọn: Nội dung."),
        ({"repeat": "rule", "rule": "FREQ=SECONDLY"}, 'id="problem-rule"'),
        ({"repeat": "lunar", "lunar_days": "31"}, "Ngày âm lịch"),
        ({"what": "live"}, "Chưa chọn cán bộ."),
        ({"title": "x" * 10_000}, "tối đa 200 ký tự"),
    ):
        answer = editor.post("/calendar/schedules/0/edit", **fields(house, programme=number, **more))
        assert (answer.status_code, words in answer.text) == (422, True), (more, answer.text[-3000:])
    assert editor.post("/calendar/schedules/0/edit", **fields(house, unit=house.units["other"])).status_code == 403
    outside = {**fields(house, programme=number), "zone": _zone(house, "11")}
    refused = editor.post("/calendar/schedules/0/edit", **outside)
    assert (refused.status_code, 'id="problem-zone"' in refused.text, "Bản tin sáng" in refused.text) == (
        403,
        True,
        True,
    )


def _zone(house: House, code: str) -> int:
    with house.database.session() as session:
        return session.query(Zone).filter_by(code=code).one().id


def test_second_editor_gets_a_conflict_and_keeps_the_text(house: House) -> None:
    editor, second = house.signed_in(EDITOR), house.signed_in("admin@x.example")
    programme = ready(house, seconds=60.0)
    number = planned(house, editor, programme=programme)
    path, form = f"/calendar/schedules/{number}/edit", fields(house, programme=programme, version=1)
    assert 'value="05:30"' in editor.get(path).text
    assert editor.post(path, **{**form, "time": "06:00"}).status_code == 303
    late = second.post(path, **{**form, "title": "Tên của tôi"})
    assert (late.status_code, "vừa được người khác sửa" in late.text, "Tên của tôi" in late.text) == (409, True, True)
    version = late.text.partition('name="version" value="')[2].partition('"')[0]
    assert second.post(path, **{**form, "title": "Tên của tôi", "version": version}).status_code == 303


def test_one_day_is_moved_and_another_left_out(house: House) -> None:
    editor = house.signed_in(EDITOR)
    number = planned(house, editor)
    page = f"/calendar/schedules/{number}"
    path, day = f"{page}/move", TOMORROW + datetime.timedelta(days=5)
    was = f"{day}T05:30"
    assert f'value="{day}T17:00"' in editor.get(f"{page}?was={was}&to={day}T17:00").text
    assert editor.post(path, was=was, to=f"{day}T17:00", version=1).status_code == 303
    week = editor.get(f"/calendar?day={day}").text
    assert week.count("17:00</time>") == 1
    assert editor.post(path, was=was, to=f"{day}T18:00", version=2).status_code == 422
    assert editor.post(path, was=f"{day}T17:00", to="2020-01-01T05:30", version=2).status_code == 422
    gone = day + datetime.timedelta(days=1)
    assert editor.post(path, was=f"{gone}T05:30", then="leave_out", version=1).status_code == 409
    assert editor.post(path, was=f"{gone}T05:30", then="leave_out", version=2).status_code == 303
    with house.database.session() as session:
        assert f"{gone}T05:30" in session.get_one(Schedule, number).exdates
        materialise(session, now() + datetime.timedelta(hours=48), now())
        soon = session.query(Occurrence).order_by(Occurrence.due_at).first()
        assert soon is not None
        hour = (soon.due_at + datetime.timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M")
    assert editor.post(path, was=hour, then="leave_out", version=3).status_code == 303
    assert "được bỏ qua theo yêu cầu" in editor.get(f"/calendar?day={hour[:10]}").text


def test_refused_move_shows_the_form_with_the_typed_time(house: House) -> None:
    number = planned(house, house.signed_in(EDITOR))
    with house.database.session() as session:
        session.get_one(Schedule, number).priority = "emergency"
    move = {"was": f"{TOMORROW}T05:30", "to": f"{TOMORROW}T17:15"}
    refused = house.signed_in(EDITOR).post(f"/calendar/schedules/{number}/move", version=1, **move)
    assert (refused.status_code, f'value="{TOMORROW}T17:15"' in refused.text) == (403, True)


def test_moving_into_a_collision_is_shown_first(house: House) -> None:
    editor, programme = house.signed_in(EDITOR), ready(house, seconds=600.0)
    planned(house, editor, programme=programme)
    number = planned(house, editor, programme=programme, title="Tin chiều", time="17:00")
    path, move = f"/calendar/schedules/{number}/move", {"was": f"{TOMORROW}T17:00", "to": f"{TOMORROW}T05:35"}
    warned = editor.post(path, version=1, **move)
    assert (warned.status_code, "Tin chiều” đợi" in warned.text) == (409, True)
    mark = warned.text.partition('name="confirmed" value="')[2][:64]
    assert editor.post(path, version=1, confirmed=mark, **move).status_code == 303


def test_a_schedule_is_removed_after_a_question(house: House) -> None:
    editor = house.signed_in(EDITOR)
    number = planned(house, editor)
    assert "nhật ký vẫn giữ những gì đã phát" in editor.get(f"/calendar/schedules/{number}").text
    assert editor.post(f"/calendar/schedules/{number}/remove").status_code == 303
    assert editor.get(f"/calendar/schedules/{number}").status_code == 404


def test_calendar_files_go_out_and_come_in(house: House) -> None:
    editor = house.signed_in(EDITOR)
    number = planned(house, editor)
    data = editor.get("/calendar/schedules.ics").data
    assert b"BEGIN:VEVENT" in data
    editor.post(f"/calendar/schedules/{number}/remove")
    sent = {"unit": house.units["commune"], "file": (io.BytesIO(data), "../x.ics")}
    assert editor.post("/calendar/import", **sent).status_code == 303
    taken = editor.get("/calendar?view=list").text
    assert ("Mới: 1" in taken, "ẽ không phát" in taken) == (True, False)
    broken = {"unit": house.units["commune"], "file": (io.BytesIO(b"\x00BEGIN:VCALENDAR\n<b>"), "x.ics")}
    assert editor.post("/calendar/import", **broken).status_code == 422
    assert editor.post("/calendar/import", unit=house.units["commune"]).status_code == 422
    assert editor.post("/calendar/import", unit=house.units["other"]).status_code == 403


def test_a_viewer_sees_the_calendar_and_changes_nothing(house: House) -> None:
    number, viewer = planned(house, house.signed_in(EDITOR)), house.signed_in("viewer@x.example")
    week = viewer.get(f"/calendar?day={TOMORROW}").text
    assert "Bản tin sáng" in week
    assert "data-move" not in week
    assert "Dời" not in viewer.get(f"/calendar/schedules/{number}?was={TOMORROW}T05:30").text
    for path in ("0/edit", f"{number}/edit"):
        assert viewer.get(f"/calendar/schedules/{path}").status_code == 403
    assert viewer.get("/calendar?day=x&zone=zz&view=9").status_code == 200
    assert viewer.get("/calendar?day=9999-12-31").status_code == 200
