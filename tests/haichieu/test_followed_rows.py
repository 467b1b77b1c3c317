"""Rows that make the switchboard derive accounts and the degraded dialplan again, and rows that do not."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.speakers.reachability import note_all
from haichieu.database import Database, now
from haichieu.heartbeats import beat
from haichieu.people import OfficialPhone
from haichieu.processes.followed_rows import followed_rows, pause_after
from haichieu.sip.models import Phone
from haichieu.station import Station
from ivr.calls.routing import Number
from tests.builders.airings import begun, ended, on_air
from tests.builders.places import Commune, commune

Change = Callable[[Session, Commune], object]


def password(session: Session, place: Commune) -> None:
    place.speakers[0].password_locked = "other"


def removal(session: Session, place: Commune) -> None:
    place.speakers[0].removed_at = now()


@pytest.mark.parametrize(
    "change",
    [
        password,
        removal,
        lambda session, place: session.add(
            Phone(code="p1", name="P", password_locked="x", caller_number="+84912000000")
        ),
        lambda session, place: session.add(Number(number="1022", flow="hotline", unit_id=place.commune.id)),
        lambda session, place: session.add(Station(id=1, emergency_number="1999")),
        lambda session, place: session.add(OfficialPhone(number="+84912999999", official_id=place.official.id)),
    ],
)
def test_changed_configuration_is_followed(database: Database, change: Change) -> None:
    with database.session() as session:
        place = commune(session)
        before = followed_rows(session)
        change(session, place)
        session.flush()
        assert followed_rows(session) != before


def test_broadcasts_reachability_and_heartbeats_are_not_followed(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        before = followed_rows(session)
        broadcast, _ = begun(session, place)
        on_air(session, broadcast)
        ended(session, broadcast)
        note_all(session, [], "qualify", now(), "main")
        beat(session, "switchboard")
        session.flush()
        assert followed_rows(session) == before


def test_looking_takes_a_fiftieth_of_the_time_and_delays_no_change_long() -> None:
    assert pause_after(0.02) == pytest.approx(1.0)
    assert pause_after(60.0) == 5.0  # the whole machine was paused
