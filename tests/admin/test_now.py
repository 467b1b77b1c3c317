"""The first page: what it shows, stopping in two steps, alarms, and the stream that says when to look again."""

import datetime
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from admin.access.models import WebSession
from admin.now.level_events import LevelEvents
from admin.now.pulse import NEWS, STREAMS, STREAMS_OF_AN_ACCOUNT, Pulse, TooManyStreams
from broadcast_bridge.broadcasts.broadcast_lifecycle import advance
from broadcast_bridge.broadcasts.starting import Request, ask, begin
from broadcast_bridge.broadcasts.states import BroadcastEvent
from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.speakers.quiet_hours import silence
from broadcast_bridge.studio.levels import Levels
from feedback.cases.case_lifecycle import Opening, Said, find_case, open_case
from feedback.states import Channel, Direction
from haichieu.alarms import Alarm, AlarmKind, raise_alarm
from haichieu.database import Database, now
from haichieu.heartbeats import beat
from haichieu.locale import LANGUAGES, Message, message
from haichieu.nodes import Node
from haichieu.people import Account
from tests.builders.accounts import APPROVER, EDITOR, OPERATOR, VIEWER
from tests.builders.house import House, build
from tests.builders.in_unit import broadcast, case, schedule
from tests.builders.programmes import programme
from tests.builders.queries import queries
from tests.builders.repairs import repair
from tests.faulty_database import FaultyDatabase

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """One with an application of its own: open streams outlive a test."""
    return build(database, tmp_path)


def on_air(house: House, zone: str = "12", title: str = "Bản tin chiều") -> int:
    with house.database.session() as session:
        number = ask(session, Request("schedule:1", title, [], zone_codes=[zone]), now()).id
        begin(session, number, "main", now())
        advance(session, number, BroadcastEvent.OPEN, now())
    return number


def test_it_tells_what_is_on_air_what_comes_and_what_waits(house: House) -> None:
    on_air(house)
    with house.database.session() as session:
        later = now() + datetime.timedelta(hours=3)
        ask(session, Request("schedule:1", "Bản tin tối", [], zone_codes=["12"], due_at=later), now())
        raise_alarm(
            session,
            AlarmKind.SIGN_IN_LOCKED,
            "account:editor@x.example",
            message("panel.sign_in_locked", count=5, minutes=15),
        )
        first = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
        case = open_case(session, Opening(Channel.TEXT, house.units["village"], "number"), first, now())
        case.due_at = now() - datetime.timedelta(days=1)
    page = house.signed_in("operator@x.example").get("/").text
    for told in ("Bản tin chiều", "đang phát", "0/2 cụm loa", "Bản tin tối", "Loa village", "lần nhập sai mật khẩu"):
        assert told in page
    assert "failed sign-ins" not in page
    assert f"{case.number[:4]} {case.number[4:]}" in page
    assert "quá hạn" in page


def test_overview_needs_no_more_queries_when_more_is_on_air(house: House) -> None:
    browser, needed = house.signed_in("operator@district.example"), []
    for zones in (["13"], ["14", "11"]):
        for zone in zones:
            on_air(house, zone)
        with queries(house.database) as found:
            assert browser.get("/").status_code == 200
        needed.append(len(found))
    assert needed[0] == needed[1]


def test_a_viewer_sees_how_many_cases_there_are_and_not_which(house: House) -> None:
    with house.database.session() as session:
        first = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
        case = open_case(session, Opening(Channel.TEXT, house.units["village"], "number"), first, now())
    page = house.signed_in("viewer@x.example").get("/").text
    assert "<b>1</b> chờ trả lời" in page
    assert case.number[:4] not in page
    assert "Cảnh báo" not in page


def test_what_waits_for_the_visitor_is_theirs_and_nobody_elses(house: House) -> None:
    mine, others = case(house, "village"), case(house, "village")
    with house.database.session() as session:
        approver = session.query(Account).filter_by(email=APPROVER).one()
        find_case(session, mine).assignee_id = approver.id
        for title, unit, author in (
            ("Tin xã", "commune", EDITOR),
            ("Tin huyện", "district", EDITOR),
            ("Tin tôi", "commune", APPROVER),
        ):
            made = programme(session, title, unit_id=house.units[unit])
            made.state, made.author = ProgrammeState.SUBMITTED, f"account:{author}"
    waits = waiting_on(house.signed_in(APPROVER).get("/").text)
    assert "Tin xã" in waits
    assert f"/cases/{mine}" in waits
    assert [one for one in ("Tin huyện", "Tin tôi", f"/cases/{others}") if one in waits] == []
    assert "Không có việc nào chờ bạn." in waiting_on(house.signed_in(OPERATOR).get("/").text)
    assert waiting_on(house.signed_in(VIEWER).get("/").text) == ""


def waiting_on(page: str) -> str:
    """The part of the overview about what waits for the visitor."""
    found = re.search(r'<h2 id="mine">.*?</section>', page, re.DOTALL)
    return found[0] if found else ""


def test_the_station_is_not_called_well_while_speakers_are_away(house: House) -> None:
    for part in ("switchboard", "worker", "web"):
        with house.database.session() as session:
            beat(session, part, asterisk=True) if part == "switchboard" else beat(session, part)
    said = {}
    for reachable in (1, 0, 2):
        with house.database.session() as session:
            for speaker in session.query(Speaker).filter(Speaker.code.in_(["loa-commune", "loa-village"])):
                speaker.reachable, reachable = reachable > 0, reachable - 1
        page = house.signed_in(VIEWER).get("/").text
        said[len(said)] = re.findall(r'class="state state-(\w+)"[^>]*>([^<]*)<', page.split('<div class="board">')[0])
    assert said == {
        0: [("missed", "1 trong 2 cụm loa mất kết nối")], 1: [("failed", "2 trong 2 cụm loa mất kết nối")],
        2: [("ok", "Đài hoạt động bình thường")],
    }  # fmt: skip


def test_muted_zones_and_open_repairs_are_on_the_overview(house: House) -> None:
    with house.database.session() as session:
        zone = session.scalars(sa.select(Zone).where(Zone.name == "Khu village")).one()
        silence(session, zone.id, now() + datetime.timedelta(hours=4), "account:test@example", now())
        speaker = session.scalars(sa.select(Speaker).where(Speaker.code == "loa-village")).one()
        number = repair(session, speaker.id).id
    for email, told in (("operator@x.example", True), ("operator@district.example", True), ("viewer@x.example", False)):
        page = house.signed_in(email).get("/").text
        assert "Khu village" in page
        assert "tắt tiếng đến" in page
        assert (f"/repairs/{number}" in page) is told
        assert ("Không có việc nào chờ bạn" in page) is False
    with house.database.session() as session:
        session.get_one(Speaker, speaker.id).unit_id = house.units["other"]
    page = house.signed_in("operator@x.example").get("/").text
    assert f"/repairs/{number}" not in page
    assert "Khu village" not in page


def test_an_alarm_leads_to_what_it_is_about_and_shows_no_key(house: House) -> None:
    number = case(house, "village")
    with house.database.session() as session:
        speaker = session.scalars(sa.select(Speaker).where(Speaker.code == "loa-village")).one().id
        for subject in (
            "speaker:loa-village",
            f"case:{number}",
            "duty:5",
            "device:7",
            "speaker:gone",
            "node:x",
            "duty:x",
        ):
            raise_alarm(session, AlarmKind.SPEAKER_AWAY, subject, Message.verbatim(f"Về {subject.upper()}"))
    page = house.signed_in("admin@district.example").get("/").text
    for link in (f"/speakers/{speaker}", f"/cases/{number}", "/duties/5", "/book/devices/7"):
        assert re.search(f'<a href="{link}">Về ', page), link
    assert "speaker:loa-village" not in page
    assert "device:7" not in page


def test_the_nodes_of_a_province_are_on_the_overview(house: House) -> None:
    assert 'id="nodes"' not in house.signed_in(VIEWER).get("/").text
    with house.database.session() as session:
        for name, offset, minutes in (("dong", 0.0024, 0), ("tay", None, 5)):
            seen = now() - datetime.timedelta(minutes=minutes)
            session.add(Node(name=name, version="0.2.0", clock_offset=offset, seen_at=seen))
    page = house.signed_in(VIEWER).get("/").text
    listed = re.sub(r"<[^>]*>|\s+", " ", re.search(r'<h2 id="nodes">.*?</section>', page, re.DOTALL)[0])  # type: ignore[index]
    assert re.search(r"dong +hoạt động .*0 cụm loa · 0.2.0 · lệch giờ 2 ms .*tay +không trả lời", listed)


def test_words_of_an_alarm_are_never_split(house: House) -> None:
    with house.database.session() as session:
        raise_alarm(session, AlarmKind.SCHEDULE_MISSED, "1", Message.verbatim("“Bản tin sáng / chiều”"))
    for language in LANGUAGES:
        browser = house.signed_in("operator@district.example")
        browser.post("/language", page="/account", language=language)
        assert "“Bản tin sáng / chiều”" in browser.get("/").text


def test_an_empty_station_says_so(house: House) -> None:
    with house.database.session() as session:
        session.query(Speaker).update({"removed_at": now()})
        for part in ("switchboard", "worker", "web"):
            beat(session, part, asterisk=True) if part == "switchboard" else beat(session, part)
    page = house.signed_in("admin@district.example").get("/").text
    for told in (
        "Không có buổi phát nào.",
        "Chưa có cụm loa nào",
        "Không có cảnh báo nào.",
        "Đài hoạt động bình thường",
    ):
        assert told in page


def test_names_from_outside_are_text_and_nothing_else(house: House) -> None:
    on_air(house, title=HOSTILE)
    with house.database.session() as session:
        session.query(Speaker).filter_by(code="loa-village").one().name = HOSTILE
        raise_alarm(session, AlarmKind.ALERT_FORGED, HOSTILE, Message.verbatim(HOSTILE))
    page = house.signed_in("operator@district.example").get("/").text
    assert HOSTILE not in page
    assert page.count("&lt;img src=x") >= 3


def test_a_broadcast_is_stopped_in_two_steps(house: House) -> None:
    number = on_air(house)
    browser = house.signed_in("operator@x.example")
    asked = browser.get(f"/broadcasts/{number}/stop").text
    assert "Bản tin chiều" in asked
    with house.database.session() as session:
        assert session.get_one(Broadcast, number).stop_asked_at is None
    assert browser.post(f"/broadcasts/{number}/stop", page=f"/broadcasts/{number}/stop").status_code == 303
    with house.database.session() as session:
        assert session.get_one(Broadcast, number).stop_asked_at is not None
    page = browser.get("/").text
    assert "Đang dừng…" in page
    assert f"/broadcasts/{number}/stop" not in page


def test_alarms_of_other_units_are_neither_shown_nor_cleared(house: House) -> None:
    subjects = {
        "alert-source:{}": lambda _house, unit: f"cua-{unit}",
        "schedule:{}": schedule, "broadcast:{}": broadcast, "case:{}": case,
        "account:{}": lambda house, unit: {"commune": "viewer@x.example", "other": "viewer@district.example"}[unit],
    }  # fmt: skip
    for what, made in subjects.items():
        for unit in ("commune", "other"):
            about = what.format(made(house, unit))
            with house.database.session() as session:
                raise_alarm(session, AlarmKind.SCHEDULE_MISSED, about, Message.verbatim(f"của {unit} {about}"))
    with house.database.session() as session:
        alarms = [(one.id, one.text.fields["text"]) for one in session.scalars(sa.select(Alarm).order_by(Alarm.id))]
    operator, above = house.signed_in("operator@x.example"), house.signed_in("operator@district.example")
    page, everything = operator.get("/").text, above.get("/").text
    assert all(text in everything for _, text in alarms[-8:])  # as many as the page has room for
    for number, text in alarms:
        ours = "của commune" in text and "alert-source" not in text
        assert (text in page) is ours
        assert operator.post(f"/alarms/{number}/clear", page="/").status_code == (303 if ours else 403)


def test_overview_needs_no_more_queries_for_more_alarms(house: House) -> None:
    browser, needed = house.signed_in("operator@x.example"), []
    for more in (1, 5):
        for number in [case(house, "village") for _ in range(more)]:
            with house.database.session() as session:
                raise_alarm(session, AlarmKind.CASE_OVERDUE, f"case:{number}", Message.verbatim(f"Quá hạn {number}"))
        with queries(house.database) as found:
            assert "Quá hạn" in browser.get("/").text
        needed.append(len(found))
    assert needed[0] == needed[1]


def test_an_alarm_is_cleared_by_a_user_who_has_seen_it(house: House) -> None:
    with house.database.session() as session:
        raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", Message.verbatim("Asterisk ngừng."))
        session.flush()
        number = session.query(Alarm).one().id
    browser = house.signed_in("operator@district.example")
    assert browser.post(f"/alarms/{number}/clear", page="/").status_code == 303
    assert "Không có cảnh báo nào." in browser.get("/").text
    assert browser.post("/alarms/999/clear", page="/").status_code == 404


def nothing_on_air(house: House) -> LevelEvents:
    return LevelEvents(Levels(house.home), list, "", "")


def test_the_stream_carries_levels_of_what_the_visitor_may_see(house: House) -> None:
    levels, mine, other = Levels(house.home), on_air(house, "12"), on_air(house, "14")
    levels.tell(mine, -18.2)
    levels.tell(other, -12.0)
    browser = house.signed_in("viewer@x.example")
    assert (
        '<meter min="-60" max="0" value="-18.2" aria-label="Âm lượng đang phát">−18 dB</meter>' in browser.get("/").text
    )
    stream = browser.client.get("/now/events", headers={"Accept": "text/event-stream"}, buffered=False)
    events = iter(stream.response)
    assert next_event(events) == NEWS
    assert b'event: level-%d\ndata: <meter min="-60" max="0" value="-18.2"' % mine in next_event(events)
    levels.tell(mine, -90.0)
    while "im lặng" not in (event := next_event(events).decode()):
        assert f"level-{other}" not in event
    stream.close()
    levels.forget(mine)
    assert "<meter" not in browser.get("/").text


def next_event(events: Iterator[bytes], seconds: float = 20.0) -> bytes:
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(next(events)), daemon=True)
    reader.start()
    reader.join(seconds)
    assert found, "no event came"
    return found[0]


def test_change_is_announced_and_heartbeat_is_not(house: House) -> None:
    pulse = Pulse(house.database)
    events = pulse.events(pulse.open_stream(1), lambda: True, nothing_on_air(house))
    counted(pulse, 1)
    assert next_event(events) == NEWS  # a page that opens, or reconnects, looks once
    with house.database.session() as session:
        beat(session, "worker")
    with house.database.session() as session:
        session.query(Speaker).filter_by(code="loa-commune").one().reachable = False
    counted(pulse, 2)
    assert next_event(events) == NEWS


def test_change_is_announced_while_nothing_can_be_written(house: House) -> None:
    locked = FaultyDatabase(house.database)
    locked.lock()
    pulse = Pulse(locked)
    pulse.open_stream(1)
    counted(pulse, 1)


def counted(pulse: Pulse, changes: int) -> None:
    """Wait until so many changes were counted, and no more."""
    deadline = time.monotonic() + 20
    while pulse.count < changes and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pulse.count == changes


def test_a_new_page_ends_the_accounts_oldest_stream_and_nobody_elses(house: House) -> None:
    pulse = Pulse(house.database)
    other = pulse.open_stream(2)
    mine = [pulse.open_stream(1) for _ in range(STREAMS_OF_AN_ACCOUNT + 1)]
    assert [stream.is_over for stream in mine] == [True] + [False] * STREAMS_OF_AN_ACCOUNT
    assert list(pulse.events(mine[0], lambda: True, nothing_on_air(house))) == []
    assert not other.is_over
    for stream in mine:
        pulse.close_stream(stream)
    assert pulse.count_of_streams() == 1


def test_there_are_only_so_many_streams(house: House) -> None:
    pulse = Pulse(house.database)
    for account in range(STREAMS):
        pulse.open_stream(account)
    with pytest.raises(TooManyStreams):
        pulse.open_stream(STREAMS)


def test_a_stream_ends_with_its_login(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.now.pulse.SIGN_OF_LIFE_SECONDS", 0.2)
    pulse = Pulse(house.database)
    browser = house.signed_in("viewer@x.example")
    with house.database.session() as session:
        session.query(WebSession).one().ended_at = now()
    assert browser.client.get("/now/events", headers={"Accept": "text/event-stream"}).status_code == 401
    assert set(pulse.events(pulse.open_stream(1), lambda: False, nothing_on_air(house))) == {NEWS}
