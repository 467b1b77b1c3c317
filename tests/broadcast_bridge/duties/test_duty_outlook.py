"""Outlook of duties over rows: notes about villages, airings to come, villages without a speaker."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.duties.duty_outlook import (
    VillageNote,
    airings_to_come,
    notes_of,
    villages_not_covered,
    villages_without_speaker,
)
from broadcast_bridge.duties.duty_proof import proof_of
from broadcast_bridge.duties.duty_runs import local_time, places_of
from broadcast_bridge.duties.duty_watch import look_after
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.models import Speaker
from broadcast_bridge.schedule import editing
from broadcast_bridge.schedule.editing import Draft
from broadcast_bridge.schedule.states import What
from haichieu.database import Database
from haichieu.people import Level, Unit
from tests.builders.duties import Villages, at, duty, run, villages

MORNING = at("23 20:00")


def notes(session: Session, one: Duty, when: str) -> list[VillageNote]:
    look_after(session, one, at(when))
    found = notes_of(one, proof_of(session, one), local_time(session, at(when)))
    return [found[village.unit_id] for village in one.villages]


def coming(session: Session, one: Duty, when: str) -> list[str]:
    places = places_of(session, one.zones)
    found = airings_to_come(session, one, proof_of(session, one), places, local_time(session, at(when)))
    return [f"{start:%d %H:%M}" for start in found]


def elsewhere(session: Session, place: Villages, starts: datetime.datetime) -> None:
    """Plan the programme in a schedule that is not of the duty."""
    draft = Draft(
        title="Bản tin sáng", unit_id=place.commune.id, zone_ids=(place.zone.id,), what=What.PROGRAMME,
        programme_id=place.programme.id, starts=starts,
    )  # fmt: skip
    editing.plan(session, draft, place.planner, MORNING)


def test_broken_chain_is_noted_until_the_village_has_met_the_duty(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        run(session, place, "24 05:30", [place.first])
        run(session, place, "26 05:30", [place.first])
        broken, whole = notes(session, one, "26 06:30")
        assert (broken.broken_on, broken.again_from) == (datetime.date(2026, 11, 25), datetime.date(2026, 11, 26))
        assert whole == VillageNote()


def test_run_of_today_is_noted_while_it_may_be_caught_up(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        run(session, place, "24 14:32", [place.first], worth_hearing_until=at("24 20:00"))
        heard, missed = notes(session, one, "24 15:00")
        assert heard.missed is None
        assert missed.missed is not None
        times = (missed.missed.at, missed.missed.until)
        assert times == (datetime.datetime(2026, 11, 24, 14, 32), datetime.datetime(2026, 11, 24, 20, 0))
        assert notes(session, one, "24 20:00")[1].missed is None
        run(session, place, "24 17:30", [place.second])
        assert notes(session, one, "24 18:00")[1].missed is None


def test_airings_that_are_planned_elsewhere_are_among_those_to_come(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        waiting = run(session, place, "24 09:00", [])
        waiting.state, waiting.on_air_at, waiting.ended_at = BroadcastState.PLANNED, None, None
        elsewhere(session, place, datetime.datetime(2026, 11, 24, 17, 0))
        assert coming(session, one, "24 08:00") == ["24 09:00", "24 17:00"]
        assert coming(session, one, "24 10:00") == ["24 17:00"]


def test_village_without_a_speaker_is_named(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        assert villages_without_speaker(session, places_of(session, one.zones)) == []
        session.add(Unit(code="PX", name="Phiêng Xa", level=Level.VILLAGE, parent_id=place.commune.id))
        session.flush()
        assert villages_without_speaker(session, places_of(session, one.zones)) == ["Phiêng Xa (Cô Ba)"]
        assert villages_not_covered(session, [one]) == {one.id: ["Phiêng Xa (Cô Ba)"]}
        session.scalars(sa.select(Speaker).where(Speaker.unit_id == place.second.id)).one().removed_at = one.created_at
        session.flush()
        assert villages_not_covered(session, [one]) == {one.id: ["Phiêng Xa (Cô Ba)"]}
