"""Assignment of speakers to broadcasts, and pre-emption."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, calling_off, catch_up, rejoining, starting
from broadcast_bridge.broadcasts.starting import (
    LiveNotAllowed,
    NothingToPlayOn,
    Taken,
    ZoneBusy,
    ZoneQuiet,
    plan_live,
)
from broadcast_bridge.broadcasts.states import AfterCut, BroadcastEvent, Priority, Reason
from broadcast_bridge.models import Broadcast, Delivery, Zone
from broadcast_bridge.speakers import quiet_hours
from broadcast_bridge.speakers.zones import UnknownZone, find_zone
from haichieu.alarms import open_alarms
from haichieu.database import Database
from haichieu.station import Station
from tests.builders.airings import (
    NODE,
    NOW,
    asked,
    begun,
    ended,
    heard,
    later,
    on_air,
    owed_after_absence,
    states,
)
from tests.builders.places import Commune, commune


def live(session: Session, place: Commune, priority: Priority = Priority.NORMAL) -> tuple[Broadcast, Taken]:
    place.official.may = ["live", "emergency"]
    zone = find_zone(session, place.official, place.zone.code)
    broadcast, taken = plan_live(session, place.official, zone, priority, NOW, NODE)
    broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.CALL_SPEAKERS, NOW)
    return broadcast, taken


def test_the_more_urgent_takes_the_speaker_and_the_less_urgent_waits(database: Database) -> None:
    urgency = [
        lambda session, place: begun(session, place)[0],
        lambda session, place: begun(session, place, priority=Priority.PRIORITY)[0],
        lambda session, place: live(session, place)[0],
        lambda session, place: begun(session, place, priority=Priority.EMERGENCY)[0],
    ]
    recorded = {0: Priority.NORMAL, 1: Priority.PRIORITY, 3: Priority.EMERGENCY}
    for lower in range(len(urgency)):
        for higher in range(len(urgency)):
            with database.session() as session:
                place = commune(session, speakers=1)
                first = urgency[lower](session, place)
                on_air(session, first)
                if higher > lower:
                    second = urgency[higher](session, place)
                    assert states(first) == [("pre_empted", "pre_empted")]
                    assert states(second) == [("pending", None)]
                elif higher == 2:
                    with pytest.raises(ZoneBusy):
                        urgency[higher](session, place)
                else:
                    waiting = asked(session, place, priority=recorded[higher])
                    assert starting.begin(session, waiting.id, NODE, NOW) is None
                    assert (waiting.state, states(first)) == ("planned", [("playing", None)])
                session.rollback()


def test_only_officials_with_the_right_start_an_emergency_broadcast(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        zone = find_zone(session, place.official, place.zone.code)
        with pytest.raises(LiveNotAllowed):
            plan_live(session, place.official, zone, Priority.EMERGENCY, NOW)


def test_taken_speakers_are_returned_by_broadcast(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=3)
        first, _ = begun(session, place)
        on_air(session, first)
        second, taken = begun(session, place, zone_codes=[], speaker_codes=["s11-1"], priority=Priority.EMERGENCY)
        assert taken.from_broadcasts == {first.id: [first.deliveries[1].id]}
        assert [one.active for one in first.deliveries] == [True, False, True]
        assert [one.speaker.code for one in second.deliveries] == ["s11-1"]


def test_a_broadcast_is_begun_once_however_many_try(database: Database) -> None:
    with database.session() as session:
        broadcast_id = asked(session, commune(session)).id

    def attempt(number: int) -> bool:
        with database.session() as session:
            return starting.begin(session, broadcast_id, f"node-{number}", NOW) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


@pytest.mark.both_databases
def test_of_those_that_would_begin_at_once_the_others_wait(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        numbers = [asked(session, place).id for _ in range(8)]

    def attempt(number: int) -> bool:
        with database.session() as session:
            return starting.begin(session, number, f"node-{number}", NOW) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, numbers)) == 1
    with database.session() as session:
        found = [(session.get_one(Broadcast, one).state, session.get_one(Broadcast, one).reason) for one in numbers]
    assert sorted(found, key=str) == [("calling", None), *[("planned", "in_use")] * 7]


def test_asking_for_what_there_is_not_is_refused(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        with pytest.raises(UnknownZone, match="77"):
            asked(session, place, zone_codes=["77"])
        with pytest.raises(NothingToPlayOn, match="nobody"):
            asked(session, place, zone_codes=[], speaker_codes=["nobody"])
        with pytest.raises(NothingToPlayOn):
            asked(session, place, zone_codes=[])
        assert session.scalars(sa.select(Broadcast)).all() == []


def test_the_start_time_decides_and_the_more_urgent_comes_first(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        tomorrow = asked(session, place, due_at=later(86400))
        usual = asked(session, place, due_at=later(5))
        urgent = asked(session, place, due_at=later(6), priority=Priority.EMERGENCY)
        assert starting.due(session, NOW, NODE) == []
        assert starting.next_due(session, NOW) == usual.due_at
        assert starting.due(session, later(7), NODE) == [urgent.id, usual.id]
        for one in (usual, urgent):
            starting.begin(session, one.id, NODE, later(7))
        assert starting.next_due(session, later(7)) == tomorrow.due_at


def test_what_other_switchboards_reach_is_left_to_them_for_a_moment(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        for speaker in place.speakers:
            speaker.node = "other"
        broadcast = asked(session, place)
        assert starting.due(session, later(1), NODE) == []
        assert starting.due(session, later(1), "other") == [broadcast.id]
        assert starting.due(session, later(4), NODE) == [broadcast.id]


def test_a_start_time_missed_while_the_station_was_down_raises_an_alarm(database: Database) -> None:
    with database.session() as session:
        broadcast = asked(session, commune(session))
        assert starting.begin(session, broadcast.id, NODE, later(3600)) is None
        assert (broadcast.state, broadcast.reason) == ("failed", "too_late")
        session.flush()
        assert [alarm.subject for alarm in open_alarms(session)] == [f"broadcast:{broadcast.id}"]


def test_what_is_still_worth_hearing_is_played_late(database: Database) -> None:
    with database.session() as session:
        broadcast = asked(session, commune(session), worth_hearing_until=later(7200))
        assert starting.begin(session, broadcast.id, NODE, later(3600)) is not None


def test_an_order_to_stop_cancels_what_has_not_begun_and_marks_what_has(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        waiting = asked(session, place, due_at=later(60))
        playing, _ = begun(session, place)
        for one in (waiting, playing):
            calling_off.stop(session, one.id, "account:a@b", NOW)
        assert (waiting.state, waiting.reason) == ("cancelled", "stopped")
        assert (playing.state, playing.stop_asked_at) == ("calling", NOW)


def test_hushed_speakers_are_left_out_and_the_log_says_so(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        hush = Zone(code="12", name="Trường học", speakers=place.speakers[:1])
        session.add(hush)
        session.flush()
        quiet_hours.silence(session, hush.id, later(3600), "account:a@b", NOW)
        broadcast = asked(session, place)
        starting.begin(session, broadcast.id, NODE, NOW)
        assert states(broadcast) == [("missed", "silenced"), ("pending", None)]
        alarm, _ = begun(session, place, priority=Priority.EMERGENCY)
        assert states(alarm) == [("pending", None), ("pending", None)]


def test_nothing_starts_in_silenced_zones_and_the_official_hears_why(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        quiet_hours.silence(session, place.zone.id, later(3600), "account:a@b", NOW)
        broadcast = asked(session, place)
        assert starting.begin(session, broadcast.id, NODE, NOW) is None
        assert (broadcast.state, broadcast.reason) == ("cancelled", "silenced")
        with pytest.raises(ZoneQuiet):
            live(session, place)
        assert live(session, place, Priority.EMERGENCY)[0].state == "calling"


def test_quiet_hours_apply_to_everything_but_an_emergency(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        session.add(Station(id=1, quiet_hours="12:00-13:00"))  # 05:30 UTC is 12:30 in Vietnam
        broadcast = asked(session, place)
        assert starting.begin(session, broadcast.id, NODE, NOW) is None
        assert (broadcast.state, broadcast.reason) == ("cancelled", "quiet_hours")
        assert begun(session, place, priority=Priority.EMERGENCY)[0].state == "calling"


def test_two_at_the_same_time_are_played_one_after_the_other(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        first, _ = begun(session, place)
        on_air(session, first)
        second = asked(session, place)
        assert starting.begin(session, second.id, NODE, later(1)) is None
        assert (second.state, starting.due(session, later(200), NODE)) == ("planned", [second.id])
        ended(session, first, later(600))
        assert starting.begin(session, second.id, NODE, later(600)) is not None
        assert states(second) == [("pending", None), ("pending", None)]


def test_a_broadcast_that_waits_half_an_hour_in_vain_raises_an_alarm(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        on_air(session, begun(session, place)[0])
        second = asked(session, place)
        starting.begin(session, second.id, NODE, later(1))
        assert starting.begin(session, second.id, NODE, later(1801)) is None
        assert (second.state, second.reason) == ("failed", "in_use")


def test_a_broadcast_whose_speakers_are_gone_fails_with_a_reason(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        broadcast = asked(session, place)
        for speaker in place.speakers:
            speaker.removed_at = NOW
        session.flush()
        assert starting.begin(session, broadcast.id, NODE, NOW) is None
        assert (broadcast.state, broadcast.reason) == ("failed", "no_speakers")


def test_a_speaker_that_was_away_gets_what_it_missed_when_it_returns(database: Database) -> None:
    with database.session() as session:
        place, broadcast = owed_after_absence(session)
        assert states(broadcast) == [("played", None), ("missed", "not_registered")]
        assert catch_up.begin(session, later(61), NODE) == []
        place.speakers[1].reachable = True
        (again,) = catch_up.begin(session, later(62), NODE)
        assert (again.again_of_id, [one.speaker.code for one in again.deliveries]) == (broadcast.id, ["s11-1"])
        assert catch_up.begin(session, later(62), NODE) == []
        on_air(session, again, later(63))
        ended(session, again, later(123))
        assert states(broadcast)[1][0] == "caught_up"
        assert catch_up.begin(session, later(124), NODE) == []


def test_what_is_no_longer_worth_hearing_or_was_stopped_is_owed_to_nobody(database: Database) -> None:
    with database.session() as session:
        place, broadcast = owed_after_absence(session)
        place.speakers[1].reachable = True
        session.flush()
        assert catch_up.pending(session, later(3601), NODE) == []
        assert calling_off.stop(session, broadcast.id, "account:a@b", later(61)) == 1
        session.flush()
        assert catch_up.pending(session, later(61), NODE) == []
        assert broadcast.deliveries[1].called_off == "stopped"


def test_emergencies_are_caught_up_first_and_one_after_the_other(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=1, reachable=0)
        for priority in (Priority.NORMAL, Priority.EMERGENCY):
            broadcast, _ = begun(session, place, priority=priority, worth_hearing_until=later(3600))
            on_air(session, broadcast)
            ended(session, broadcast)
        place.speakers[0].reachable = True
        session.flush()
        (first,) = catch_up.begin(session, later(1), NODE)
        assert first.priority == "emergency"
        on_air(session, first)
        ended(session, first)
        (second,) = catch_up.begin(session, later(2), NODE)
        assert second.priority == "normal"


def test_a_speaker_that_does_not_take_it_is_tried_again_later_and_later(database: Database) -> None:
    with database.session() as session:
        place, _ = owed_after_absence(session)
        place.speakers[1].reachable = True
        session.flush()
        at, pauses = later(61), []
        for _ in range(3):
            (again,) = catch_up.begin(session, at, NODE)
            broadcast_lifecycle.advance(session, again.id, BroadcastEvent.OPEN, at)
            ended(session, again, at)
            assert catch_up.begin(session, at, NODE) == []
            hour = catch_up.next_try(session, at)
            assert hour is not None
            pauses.append((hour - at).total_seconds())
            at = hour
        assert pauses == [30, 60, 120]


@pytest.mark.parametrize(("rule", "offsets"), [(AfterCut.RESUME, [20.0]), (AfterCut.AGAIN, [0.0]), (AfterCut.DROP, [])])
def test_a_pre_empted_broadcast_resumes_repeats_or_is_dropped_by_its_rule(
    database: Database, rule: AfterCut, offsets: list[float]
) -> None:
    with database.session() as session:
        place = commune(session, speakers=1)
        first, _ = begun(session, place, after_cut=rule, worth_hearing_until=later(3600))
        on_air(session, first)
        alarm = asked(session, place, priority=Priority.EMERGENCY)
        heard(session, first, later(20))
        starting.begin(session, alarm.id, NODE, later(20))
        broadcast_lifecycle.finish(session, first.id, BroadcastEvent.PRE_EMPT, later(20), Reason.PRE_EMPTED)
        assert catch_up.begin(session, later(21), NODE) == []
        on_air(session, alarm, later(21))
        ended(session, alarm, later(40))
        again = catch_up.begin(session, later(41), NODE)
        assert [one.offset_seconds for one in again] == offsets
        if rule is AfterCut.RESUME:
            on_air(session, again[0], later(42))
            ended(session, again[0], later(82))
            assert states(first) == [("caught_up", "pre_empted")]


def test_a_speaker_taken_from_a_running_broadcast_is_given_back(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=2)
        voice, _ = live(session, place)
        on_air(session, voice)
        alarm, _ = begun(session, place, zone_codes=[], speaker_codes=["s11-0"], priority=Priority.EMERGENCY)
        on_air(session, alarm)
        lost = voice.deliveries[0]
        assert rejoining.taken_away(session, {voice.id}) == {voice.id: [lost.id]}
        assert rejoining.give_back(session, {voice.id}, "main") == {}
        ended(session, alarm)
        assert rejoining.give_back(session, {voice.id}, "main") == {voice.id: [lost.id]}
        assert (lost.state, lost.active, lost.reason) == ("pending", True, None)
        assert rejoining.taken_away(session, {voice.id}) == {}


def test_a_recording_that_broke_off_is_no_proof_and_is_owed(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=1)
        broadcast, _ = begun(session, place, after_cut=AfterCut.RESUME, worth_hearing_until=later(3600))
        on_air(session, broadcast)
        heard(session, broadcast, later(15))
        broadcast_lifecycle.close_orphan(session, broadcast.id, Reason.SWITCHBOARD_RESTARTED, later(15))
        session.flush()
        assert states(broadcast) == [("failed", "switchboard_restarted")]
        (again,) = catch_up.begin(session, later(16), NODE)
        assert again.offset_seconds == 15.0


def test_a_speaker_is_never_in_two_broadcasts(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        begun(session, place)
        begun(session, place, priority=Priority.EMERGENCY)
        starting.begin(session, asked(session, place, priority=Priority.PRIORITY).id, NODE, NOW)
        active = session.scalars(sa.select(Delivery.speaker_id).where(Delivery.active)).all()
        assert sorted(active) == sorted(speaker.id for speaker in place.speakers)
