"""Schedules that would not be heard: told when they are saved, and marked wherever they are shown."""

import datetime
import io
from collections.abc import Callable

import pytest

from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.materialise import materialise
from broadcast_bridge.schedule.models import Occurrence, Schedule
from haichieu.database import now
from haichieu.station import the_station
from tests.builders.accounts import EDITOR
from tests.builders.house import Browser, House
from tests.builders.programmes import drafted, ready

LOCAL = datetime.timedelta(hours=7)
SOON = now() + LOCAL + datetime.timedelta(hours=3)
NEVER = "không lần nào sắp tới được phát"
NEW = "/calendar/schedules/0/edit"


def fields(house: House, **more: object) -> dict[str, object]:
    with house.database.session() as session:
        zone = session.query(Zone).filter_by(code=more.pop("code", "12")).one().id
    return {
        "title": "Bản tin đêm", "unit": house.units["commune"], "what": "programme", "zone": zone,
        "day": f"{SOON:%Y-%m-%d}", "time": f"{SOON:%H:%M}", "repeat": "daily", **more,
    }  # fmt: skip


def quiet(house: House) -> None:
    with house.database.session() as session:
        session.merge(the_station(session)).quiet_hours = "00:00-00:00"


def muted(house: House) -> None:
    with house.database.session() as session:
        session.query(Zone).filter_by(code="12").one().silenced_until = now() + datetime.timedelta(days=60)


def nothing(house: House) -> None:
    """Change nothing."""


def made(house: House, **values: object) -> int:
    number = ready(house)
    with house.database.session() as session:
        programme = session.get_one(Programme, number)
        for name, value in values.items():
            setattr(programme, name, value)
    return number


SILENT: dict[str, tuple[Callable[[House], int], Callable[[House], None], str]] = {
    "draft": (drafted, nothing, "chương trình chưa được duyệt"),
    "returned": (lambda house: made(house, state="returned"), nothing, "chương trình chưa được duyệt"),
    "submitted": (lambda house: made(house, state="submitted"), nothing, "chương trình chưa được duyệt"),
    "withdrawn": (lambda house: made(house, state="withdrawn"), nothing, "chương trình đã bị thu hồi"),
    "expired": (lambda house: made(house, valid_until=now()), nothing, "chương trình đã hết hạn phát"),
    "without sound": (lambda house: made(house, sound_id=None), nothing, "chương trình chưa có âm thanh"),
    "quiet hours": (ready, quiet, "trong giờ yên lặng"),
    "muted zone": (ready, muted, "khu vực đang tắt tiếng"),
}


def confirmed(page: str) -> str:
    return page.partition('name="confirmed" value="')[2][:64]


@pytest.mark.parametrize("kind", SILENT)
def test_schedule_that_would_be_silent_is_saved_only_when_confirmed(house: House, kind: str) -> None:
    programme, happens, reason = SILENT[kind]
    form, editor = fields(house, programme=programme(house)), house.signed_in(EDITOR)
    happens(house)
    warned = editor.post(NEW, **form)
    assert (warned.status_code, NEVER in warned.text, reason in warned.text) == (409, True, True), warned.text
    with house.database.session() as session:
        assert session.query(Schedule).count() == 0
    saved = editor.post(NEW, confirmed=confirmed(warned.text), **form)
    assert saved.status_code == 303
    shown(house, editor, saved.headers["Location"], reason)


def shown(house: House, editor: Browser, page: str, reason: str) -> None:
    """Check that every list says why it will not be heard."""
    with house.database.session() as session:
        materialise(session, now() + datetime.timedelta(hours=48), now())
    for path in (page, "/calendar?view=list", "/", f"/calendar?day={SOON:%Y-%m-%d}", "/calendar?view=month"):
        assert reason in editor.get(path).text, path
    answer = editor.client.get("/api/v1/schedules", headers=house.token(EDITOR)).json
    assert answer is not None
    assert [one["obstacle"] for one in answer["items"]] == [reason]


def test_schedule_that_will_be_heard_is_saved_without_a_question(house: House) -> None:
    editor = house.signed_in(EDITOR)
    assert editor.post(NEW, **fields(house, programme=ready(house))).status_code == 303
    for path in ("/", "/calendar", "/calendar?view=list"):
        assert "ẽ không phát" not in editor.get(path).text


def test_emergency_is_not_stopped_by_quiet_hours(house: House) -> None:
    quiet(house)
    admin = house.signed_in("admin@x.example")
    assert admin.post(NEW, **fields(house, programme=ready(house), priority="emergency")).status_code == 303


def test_schedule_of_which_some_days_are_silent_says_how_many(house: House) -> None:
    programme = made(house, valid_until=now() + datetime.timedelta(days=10))
    warned = house.signed_in(EDITOR).post(NEW, **fields(house, programme=programme))
    assert (warned.status_code, "30 trong 40 lần phát sắp tới sẽ không phát" in warned.text) == (409, True), warned.text


def test_days_off_matter_only_when_no_day_is_left(house: House) -> None:
    editor, form = house.signed_in(EDITOR), fields(house, programme=ready(house), days="working_days")
    assert editor.post(NEW, **form).status_code == 303
    sunday = SOON + datetime.timedelta(days=7 - SOON.isoweekday() + 7)
    once = editor.post(NEW, **{**form, "repeat": "once", "day": f"{sunday:%Y-%m-%d}", "time": "09:00"})
    assert (once.status_code, "ngày nghỉ" in once.text) == (409, True)


@pytest.mark.parametrize(
    "form",
    [
        {"repeat": "once", "day": "2020-01-01"},
        {"repeat": "once", "day": f"{SOON - datetime.timedelta(days=1):%Y-%m-%d}"},
        {"repeat": "rule", "rule": "FREQ=DAILY;COUNT=3", "day": "2020-01-01"},
        {"repeat": "daily", "day": "2020-01-01", "valid_until": "2021-01-01"},
    ],
)
def test_schedule_that_is_all_past_is_refused(house: House, form: dict[str, object]) -> None:
    answer = house.signed_in(EDITOR).post(NEW, **fields(house, programme=ready(house), **form))
    assert (answer.status_code, "Giờ phát đã qua" in answer.text) == (422, True)
    off = house.signed_in(EDITOR).post(NEW, **fields(house, programme=ready(house), enabled="no", **form))
    assert off.status_code == 303


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"repeat": "once", "weekday": ["MO", "TH"]}, "Đã chọn thứ trong tuần"),
        ({"repeat": "daily", "weekday": "MO"}, "Đã chọn thứ trong tuần"),
        ({"repeat": "once", "rule": "FREQ=DAILY"}, "Đã nhập quy tắc"),
    ],
)
def test_days_that_the_repetition_would_ignore_are_refused(house: House, form: dict[str, object], words: str) -> None:
    answer = house.signed_in(EDITOR).post(NEW, **fields(house, programme=ready(house), **form))
    assert (answer.status_code, words in answer.text) == (422, True)


def test_over_and_silent_schedules_are_marked_in_an_import(house: House) -> None:
    editor = house.signed_in(EDITOR)
    assert editor.post(NEW, **fields(house, programme=drafted(house), enabled="no")).status_code == 303
    data = editor.get("/calendar/schedules.ics").data
    with house.database.session() as session:
        session.query(Schedule).delete()
    data = b"\r\n".join(line for line in data.splitlines() if b"STATUS" not in line)
    data = data.replace(b'"enabled":false', b'"enabled":true').replace(b'\\"enabled\\": false', b'"enabled": true')
    sent = {"unit": house.units["commune"], "file": (io.BytesIO(data), "x.ics")}
    assert editor.post("/calendar/import", **sent).status_code == 303
    shown = editor.get("/calendar?view=list").text
    assert "1 lịch vừa nhập có lượt sẽ không phát: Bản tin đêm" in shown
    assert "chương trình chưa được duyệt" in shown


def test_programmes_that_may_not_be_played_are_named_so_in_the_form(house: House) -> None:
    drafted(house, title="Tin nháp")
    ready(house, title="Tin duyệt")
    page = house.signed_in(EDITOR).get(NEW).text
    assert "Tin nháp (bản nháp)</option>" in page
    assert "Tin duyệt</option>" in page


def test_schedules_of_other_units_that_play_here_are_shown_to_them(house: House) -> None:
    admin = house.signed_in("admin@district.example")
    form = fields(house, code="11", unit=house.units["district"], programme=ready(house, "district"), title="Tin huyện")
    assert admin.post(NEW, **form).status_code == 303
    with house.database.session() as session:
        materialise(session, now() + datetime.timedelta(hours=48), now())
        assert session.query(Occurrence).count() > 0
    operator = house.signed_in("operator@x.example")
    for path in ("/", f"/calendar?day={SOON:%Y-%m-%d}", f"/calendar?view=month&day={SOON:%Y-%m-%d}"):
        page = operator.get(path).text
        assert "Tin huyện" in page, path
        assert "data-move" not in page
        assert "/calendar/schedules/1" not in page
    elsewhere = fields(house, code="14", unit=house.units["other"], programme=ready(house, "other"), title="Tin xã bên")
    elsewhere["time"] = f"{SOON + datetime.timedelta(minutes=40):%H:%M}"
    assert admin.post(NEW, **elsewhere).status_code == 303
    assert "Tin xã bên" not in operator.get(f"/calendar?day={SOON:%Y-%m-%d}").text
