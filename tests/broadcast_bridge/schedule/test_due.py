import datetime
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast
from broadcast_bridge.schedule.due import (
    attach_broadcast,
    claim_due,
    extend_claim,
    mark_aired,
    mark_missed,
    next_due,
    release,
    settle,
    skip,
)
from broadcast_bridge.schedule.errors import ClaimLost, NoSuchOccurrence
from broadcast_bridge.schedule.materialise import HORIZON, materialise
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.schedule.states import OccurrenceReason
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.database import Database
from haichieu.locale import render
from haichieu.state_machine import IllegalTransition
from tests.builders.places import Commune, commune
from tests.builders.schedules import DAY, LEASE, NOW, daily, minutes

pytestmark = pytest.mark.both_databases

HALF_PAST = NOW + minutes(30)
DYING = LEASE + datetime.timedelta(seconds=1)


def planned(session: Session, **given: object) -> Commune:
    place = commune(session)
    daily(session, place, **given)
    materialise(session, NOW + HORIZON, NOW)
    return place


def broadcast(session: Session, place: Commune, **given: object) -> Broadcast:
    made = Broadcast(official_id=place.official.id, zone_names="x", created_at=NOW, **given)
    session.add(made)
    session.flush()
    return made


def only(session: Session) -> Occurrence:
    session.expire_all()
    return session.scalars(sa.select(Occurrence).order_by(Occurrence.due_at).limit(1)).one()


def test_nothing_is_handed_out_before_its_time(database: Database) -> None:
    with database.session() as session:
        planned(session)
        assert claim_due(session, "a", HALF_PAST - datetime.timedelta(seconds=1), LEASE) == []
        assert next_due(session) == HALF_PAST
        (claimed,) = claim_due(session, "a", HALF_PAST, LEASE)
        assert (claimed.state, claimed.claimed_by, claimed.schedule.title) == ("claimed", "a", "Bản tin 05:30")


def test_a_live_call_is_claimed_ahead_of_its_time(database: Database) -> None:
    with database.session() as session:
        planned(session, lead_seconds=180)
        assert next_due(session) == HALF_PAST - minutes(3)
        assert claim_due(session, "a", HALF_PAST - minutes(4), LEASE) == []
        assert claim_due(session, "a", HALF_PAST - minutes(4), LEASE, ahead=minutes(1)) != []


def test_higher_priorities_come_first_then_earlier_ones(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        for at, priority in (("05:29", "normal"), ("05:30", "emergency"), ("05:28", "normal"), ("05:30", "priority")):
            daily(session, place, at, priority=priority, title=f"{priority} {at}")
        materialise(session, NOW + HORIZON, NOW)
        assert [one.schedule.title for one in claim_due(session, "a", HALF_PAST, LEASE)] == [
            "emergency 05:30",
            "priority 05:30",
            "normal 05:28",
            "normal 05:29",
        ]


def test_two_switchboards_that_ask_at_once_never_get_the_same(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        for minute in range(40):
            daily(session, place, f"05:{minute:02d}")
        materialise(session, NOW + HORIZON, NOW)
    together = threading.Barrier(4)
    got: list[int] = []

    def ask(who: str) -> None:
        together.wait(10)
        while True:
            with database.session() as session:
                mine = [one.id for one in claim_due(session, who, NOW + minutes(40), LEASE, grace=DAY, limit=3)]
            if not mine:
                return
            got.extend(mine)

    threads = [threading.Thread(target=ask, args=(f"switchboard-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(set(got))) == (40, 40)


def test_the_claim_of_a_dead_process_is_taken_over(database: Database) -> None:
    with database.session() as session:
        planned(session)
        claim_due(session, "dead", HALF_PAST, LEASE)
        assert claim_due(session, "other", HALF_PAST + LEASE / 2, LEASE) == []
        (taken,) = claim_due(session, "other", HALF_PAST + DYING, LEASE)
        assert taken.claimed_by == "other"
        with pytest.raises(ClaimLost):
            extend_claim(session, taken.id, "dead", HALF_PAST + DYING, LEASE)


def test_a_claim_that_has_a_broadcast_is_never_taken_over(database: Database) -> None:
    with database.session() as session:
        place = planned(session)
        (mine,) = claim_due(session, "a", HALF_PAST, LEASE)
        attach_broadcast(session, mine.id, "a", broadcast(session, place).id)
        assert claim_due(session, "b", HALF_PAST + DYING, LEASE) == []
        with pytest.raises(ClaimLost):
            attach_broadcast(session, mine.id, "a", broadcast(session, place).id)


def test_a_claim_that_is_kept_up_stays(database: Database) -> None:
    with database.session() as session:
        planned(session)
        (mine,) = claim_due(session, "a", HALF_PAST, LEASE)
        extend_claim(session, mine.id, "a", HALF_PAST + LEASE, LEASE)
        assert claim_due(session, "b", HALF_PAST + DYING, LEASE) == []


def test_a_claim_given_back_is_free_at_once(database: Database) -> None:
    with database.session() as session:
        planned(session)
        (mine,) = claim_due(session, "a", HALF_PAST, LEASE)
        with pytest.raises(ClaimLost):
            release(session, mine.id, "b", HALF_PAST)
        release(session, mine.id, "a", HALF_PAST)
        session.flush()
        assert len(claim_due(session, "b", HALF_PAST, LEASE)) == 1


def test_a_little_late_is_still_played_and_later_is_missed_with_an_alarm(database: Database) -> None:
    with database.session() as session:
        planned(session, title="Bản tin sáng / chiều")
        assert claim_due(session, "a", HALF_PAST + minutes(2.1), LEASE) == []
        missed = only(session)
        assert (missed.state, missed.reason) == ("missed", OccurrenceReason.STATION_DOWN)
        (alarm,) = open_alarms(session)
        assert alarm.kind == AlarmKind.SCHEDULE_MISSED
        assert [render(alarm.text, language) for language in ("vi", "en")] == [
            "“Bản tin sáng / chiều” lúc 24/11/2026 05:30 không phát: đài không hoạt động vào giờ đó",
            "“Bản tin sáng / chiều” at 24 Nov 2026 05:30 was not broadcast: the station was down at that time",
        ]
    with database.session() as session:
        (second,) = claim_due(session, "a", HALF_PAST + DAY + minutes(1.9), LEASE)
        assert second.state == "claimed"


def test_days_of_silence_are_one_alarm_a_schedule(database: Database) -> None:
    with database.session() as session:
        planned(session)
        later = NOW + 4 * DAY
        materialise(session, later + HORIZON, later)
        claim_due(session, "a", later, LEASE)
        session.flush()
        (alarm,) = open_alarms(session)
        assert "và 3 lần trước đó" in render(alarm.text, "vi")
        assert "nor were 3 earlier ones" in render(alarm.text, "en")


def test_a_process_that_died_over_it_is_named_as_the_reason(database: Database) -> None:
    with database.session() as session:
        planned(session)
        claim_due(session, "dead", HALF_PAST, LEASE)
        claim_due(session, "b", HALF_PAST + minutes(5), LEASE)
        assert only(session).reason == OccurrenceReason.PROCESS_DIED


def test_what_its_schedule_no_longer_says_is_not_handed_out(database: Database) -> None:
    with database.session() as session:
        place = planned(session)
        schedule = only(session).schedule
        schedule.rrule, schedule.exdates = "FREQ=DAILY", ["2026-11-24"]
        session.flush()
        assert claim_due(session, "a", HALF_PAST, LEASE) == []
        assert (only(session).state, only(session).reason) == ("cancelled", OccurrenceReason.SCHEDULE_REMOVED)
        assert place.zone.code == "11"


def test_the_outcome_is_kept(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        for at in ("05:28", "05:29", "05:30"):
            daily(session, place, at)
        materialise(session, NOW + DAY, NOW)
        aired, missed, skipped = (one.id for one in claim_due(session, "a", HALF_PAST, LEASE))
        mark_aired(session, aired, HALF_PAST)
        mark_missed(session, missed, OccurrenceReason.NO_SPEAKERS, HALF_PAST)
        skip(session, skipped, OccurrenceReason.QUIET_HOURS, HALF_PAST)
        session.flush()
        states = session.execute(sa.select(Occurrence.state, Occurrence.reason).order_by(Occurrence.due_at)).all()
        assert [tuple(row) for row in states] == [
            ("aired", None),
            ("missed", "no_speakers"),
            ("skipped", "quiet_hours"),
        ]
        assert len(open_alarms(session)) == 1
        with pytest.raises(IllegalTransition):
            mark_aired(session, missed, HALF_PAST)
        with pytest.raises(NoSuchOccurrence):
            mark_aired(session, 10**6, HALF_PAST)


@pytest.mark.parametrize(
    ("ended", "state", "reason"),
    [
        ({"state": "ended", "on_air_at": NOW}, "aired", None),
        ({"state": "failed", "on_air_at": NOW}, "aired", None),
        ({"state": "failed"}, "missed", "broadcast_failed"),
        ({"state": "pre_empted"}, "missed", "pre_empted"),
        ({"state": "cancelled"}, "cancelled", "by_hand"),
    ],
)
def test_a_broadcast_that_is_over_settles_its_occurrence(
    database: Database, ended: dict[str, object], state: str, reason: str | None
) -> None:
    with database.session() as session:
        place = planned(session)
        (mine,) = claim_due(session, "dead", HALF_PAST, LEASE)
        made = broadcast(session, place)
        attach_broadcast(session, mine.id, "dead", made.id)
        assert settle(session, HALF_PAST) == 0
        for name, value in ended.items():
            setattr(made, name, value)
        made.ended_at = HALF_PAST + minutes(5)
        session.flush()
        assert settle(session, HALF_PAST + minutes(6)) == 1
        session.flush()
        settled = only(session)
        assert (settled.state, settled.reason, settled.settled_at) == (state, reason, HALF_PAST + minutes(6))
