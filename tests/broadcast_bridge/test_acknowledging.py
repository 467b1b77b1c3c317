"""Acknowledgement of emergencies: permission, place, and the record of it."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import acknowledgement, broadcast_lifecycle, catch_up, ending_here, starting
from broadcast_bridge.broadcasts.broadcast_lifecycle import DeliveryUpdate, apply_updates
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import BroadcastEvent, DeliveryEvent, Priority
from broadcast_bridge.models import Broadcast
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.people import Official
from tests.builders.places import Commune, commune

NOW = datetime.datetime(2026, 11, 24, 5, 30, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(seconds=40)


def sounding(session: Session, *places: Commune, priority: Priority = Priority.EMERGENCY) -> Broadcast:
    """A siren in these communes; their reachable speakers hear it."""
    zones = [place.zone.code for place in places]
    until = NOW + datetime.timedelta(hours=2)
    request = Request("alert:1", "Lũ", [], zones, priority=priority, siren=True, times=0, worth_hearing_until=until)
    broadcast = starting.ask(session, request, NOW)
    starting.begin(session, broadcast.id, "main", NOW)
    broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.OPEN, NOW)
    heard = (DeliveryEvent.RING, DeliveryEvent.PLAY)
    apply_updates(
        session,
        [
            DeliveryUpdate(one.id, heard, attempts=1, first_audio_at=NOW)
            for one in broadcast.deliveries
            if one.speaker.reachable
        ],
    )
    session.flush()
    return broadcast


def names(session: Session, official: Official) -> list[str]:
    return [speaker.code for speaker in acknowledgement.acknowledge(session, official, LATER)]


def test_acknowledging_silences_speakers_of_the_officials_place_only(database: Database) -> None:
    with database.session() as session:
        here, there = commune(session, code="11"), commune(session, code="12")
        broadcast = sounding(session, here, there)
        assert names(session, here.official) == ["s11-0", "s11-1"]
        states = {one.speaker.code: (one.state, one.reason, one.active) for one in broadcast.deliveries}
        assert states["s11-0"] == ("played", "acknowledged", False)
        assert states["s12-0"] == ("playing", None, True)
        silenced = ending_here.ended_here(session, [broadcast.id])
        assert silenced == {broadcast.id: [one.id for one in broadcast.deliveries if not one.active]}
        assert names(session, here.official) == []
        session.flush()
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "emergency.acknowledge")).one()
        assert (entry.actor, entry.subject, entry.detail) == (
            f"official:{here.official.code}",
            f"broadcast:{broadcast.id}",
            {"speakers": 2},
        )


def test_a_zone_elsewhere_that_the_official_may_speak_in_counts_as_theirs(database: Database) -> None:
    with database.session() as session:
        here, there = commune(session, code="11"), commune(session, code="12")
        there.zone.officials.append(here.official)
        sounding(session, there)
        assert names(session, here.official) == ["s12-0", "s12-1"]


def test_a_returning_speaker_does_not_catch_up_what_was_acknowledged(database: Database) -> None:
    with database.session() as session:
        place = commune(session, reachable=1)
        broadcast = sounding(session, place)
        assert len(names(session, place.official)) == 2
        assert [one.state for one in broadcast.deliveries] == ["played", "missed"]
        broadcast_lifecycle.finish(session, broadcast.id, BroadcastEvent.END, LATER)
        place.speakers[1].reachable = True
        session.flush()
        assert catch_up.pending(session, LATER, "main") == []


@pytest.mark.parametrize("priority", [Priority.NORMAL, Priority.PRIORITY])
def test_what_is_no_emergency_is_not_silenced_like_this(database: Database, priority: Priority) -> None:
    with database.session() as session:
        place = commune(session)
        sounding(session, place, priority=priority)
        assert acknowledgement.emergencies_at(session, place.official) == []
        assert names(session, place.official) == []
