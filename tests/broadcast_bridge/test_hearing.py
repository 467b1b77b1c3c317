"""The share of a recording that a speaker heard, and what is therefore played there again."""

import pytest

from broadcast_bridge.broadcasts import broadcast_lifecycle, catch_up, starting
from broadcast_bridge.broadcasts.broadcast_lifecycle import DeliveryUpdate, apply_updates
from broadcast_bridge.broadcasts.states import AfterCut, BroadcastEvent, DeliveryEvent, Priority, Reason
from broadcast_bridge.models import Broadcast
from haichieu.database import Database
from tests.builders.airings import NODE, NOW, asked, begun, ended, heard, later, on_air, states
from tests.builders.places import commune

CHIME = 3.0
SOUND = 60.0


@pytest.mark.parametrize(
    ("joined", "seconds", "dropped", "result"),
    [
        (0, CHIME + SOUND + 2, False, ("played", None)),
        (4, SOUND + 1, False, ("played", None)),  # a second late: nobody notices
        (8.8, SOUND - 3.8, False, ("failed", "heard_in_part")),
        (0, CHIME + 20, False, ("failed", "heard_in_part")),  # away in the middle
        (0, CHIME + SOUND - 30, True, ("failed", "dropped")),
        (0, CHIME + SOUND + 0.5, True, ("played", None)),  # dropped out during the closing chime
        (CHIME + SOUND + 1, 1, False, ("failed", "heard_in_part")),  # only the closing chime
    ],
)
def test_only_a_speaker_that_heard_the_whole_recording_has_played_it(
    database: Database, joined: float, seconds: float, dropped: bool, result: tuple[str, str | None]
) -> None:
    with database.session() as session:
        broadcast, _ = begun(session, commune(session, speakers=1), worth_hearing_until=later(3600))
        broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.OPEN, NOW)
        broadcast_lifecycle.voice_is_on(session, broadcast.id, later(CHIME))
        events = (DeliveryEvent.RING, DeliveryEvent.PLAY, *([DeliveryEvent.DROP] if dropped else []))
        update = DeliveryUpdate(
            broadcast.deliveries[0].id, events, Reason.DROPPED if dropped else None, 1, later(joined), seconds
        )
        apply_updates(session, [update])
        broadcast_lifecycle.finish(session, broadcast.id, BroadcastEvent.END, later(CHIME + SOUND + 2))
        session.flush()
        assert states(broadcast) == [result]
        assert bool(catch_up.begin(session, later(70), NODE)) == (result[0] != "played")


def test_a_speaker_hears_a_repeated_recording_once_and_has_played_it(database: Database) -> None:
    with database.session() as session:
        broadcast, _ = begun(session, commune(session, speakers=1), times=3)
        broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.OPEN, NOW)
        broadcast_lifecycle.voice_is_on(session, broadcast.id, NOW)
        late = DeliveryUpdate(
            broadcast.deliveries[0].id, (DeliveryEvent.RING, DeliveryEvent.PLAY), None, 1, later(100), 80
        )
        apply_updates(session, [late])
        broadcast_lifecycle.finish(session, broadcast.id, BroadcastEvent.END, later(3 * SOUND))
        assert states(broadcast) == [("played", None)]


def test_stopped_broadcast_counts_for_speakers_that_heard_all_of_it(database: Database) -> None:
    with database.session() as session:
        broadcast, _ = begun(session, commune(session, speakers=1))
        on_air(session, broadcast)
        heard(session, broadcast, later(20))
        broadcast_lifecycle.finish(session, broadcast.id, BroadcastEvent.END, later(20), Reason.STOPPED)
        assert states(broadcast) == [("played", None)]


@pytest.mark.parametrize("rule", [AfterCut.RESUME, AfterCut.AGAIN])
@pytest.mark.parametrize(("taken_at", "state"), [(59.5, "played"), (40.0, "pre_empted")])
def test_a_speaker_taken_at_the_very_end_has_played_the_recording(
    database: Database, rule: AfterCut, taken_at: float, state: str
) -> None:
    with database.session() as session:
        place = commune(session, speakers=1)
        first, _ = begun(session, place, after_cut=rule, worth_hearing_until=later(3600))
        on_air(session, first)
        heard(session, first, later(taken_at))
        alarm = asked(session, place, priority=Priority.EMERGENCY)
        starting.begin(session, alarm.id, NODE, later(taken_at))
        broadcast_lifecycle.finish(session, first.id, BroadcastEvent.PRE_EMPT, later(taken_at), Reason.PRE_EMPTED)
        on_air(session, alarm, later(taken_at))
        ended(session, alarm, later(130))
        assert states(first) == [(state, "pre_empted")]
        assert bool(catch_up.begin(session, later(131), NODE)) == (state != "played")


def test_a_speaker_that_joined_late_and_was_taken_hears_it_from_the_start(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=1)
        first, _ = begun(session, place, after_cut=AfterCut.RESUME, worth_hearing_until=later(3600))
        broadcast_lifecycle.advance(session, first.id, BroadcastEvent.OPEN, NOW)
        broadcast_lifecycle.voice_is_on(session, first.id, NOW)
        late = DeliveryUpdate(first.deliveries[0].id, (DeliveryEvent.RING, DeliveryEvent.PLAY), None, 1, later(20), 10)
        apply_updates(session, [late])
        alarm = asked(session, place, priority=Priority.EMERGENCY)
        starting.begin(session, alarm.id, NODE, later(30))
        assert first.deliveries[0].resume_at_seconds == 0.0


def test_a_speaker_that_never_left_resumes_where_it_was_taken(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=1)
        broadcast, _ = begun(session, place, after_cut=AfterCut.RESUME, worth_hearing_until=later(3600))
        broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.OPEN, NOW)
        broadcast_lifecycle.voice_is_on(session, broadcast.id, later(CHIME))
        (delivery,) = broadcast.deliveries
        measured_before = CHIME + 10  # the seconds are measured every few seconds only
        update = DeliveryUpdate(delivery.id, (DeliveryEvent.RING, DeliveryEvent.PLAY), None, 1, NOW, measured_before)
        apply_updates(session, [update])
        starting.begin(session, asked(session, place, priority=Priority.EMERGENCY).id, NODE, later(CHIME + 20))
        assert delivery.resume_at_seconds == 20


def test_a_remainder_near_zero_is_never_played_alone(database: Database) -> None:
    """Rows of an earlier version name such a position."""
    with database.session() as session:
        broadcast, _ = begun(
            session, commune(session, speakers=1), after_cut=AfterCut.RESUME, worth_hearing_until=later(3600)
        )
        on_air(session, broadcast)
        broadcast_lifecycle.close_orphan(session, broadcast.id, Reason.ASTERISK_STOPPED, later(10))
        broadcast.deliveries[0].resume_at_seconds = 59.6
        session.flush()
        (again,) = catch_up.begin(session, later(70), NODE)
        assert again.offset_seconds == 0.0


def test_a_playlist_that_the_switchboard_left_starts_again(database: Database) -> None:
    with database.session() as session:
        broadcast: Broadcast
        broadcast, _ = begun(
            session, commune(session, speakers=1), times=2, after_cut=AfterCut.RESUME, worth_hearing_until=later(3600)
        )
        on_air(session, broadcast)
        broadcast_lifecycle.close_orphan(session, broadcast.id, Reason.SWITCHBOARD_RESTARTED, later(130))
        session.flush()
        assert states(broadcast) == [("failed", "switchboard_restarted")]
        (again,) = catch_up.begin(session, later(131), NODE)
        assert again.offset_seconds == 0.0
