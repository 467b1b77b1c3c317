import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.errors import NoSuchPart, ScheduleRefused
from broadcast_bridge.schedule.states import OccurrenceReason
from broadcast_bridge.speakers.quiet_hours import is_quiet, may_sound, parse_quiet_hours, silence, unsilence
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.station import Station
from tests.builders.places import Commune, commune
from tests.builders.schedules import DAY, NOW, minutes

MIDNIGHT = datetime.datetime(2026, 11, 24, 17, 0, tzinfo=datetime.UTC)
"""In Vietnam."""


def night_is_quiet(session: Session) -> Commune:
    session.add(Station(quiet_hours="21:30-05:00"))
    return commune(session)


def whole_district(session: Session, place: Commune) -> Zone:
    zone = Zone(code="99", name="Toàn huyện", units=[place.district])
    session.add(zone)
    session.flush()
    return zone


@pytest.mark.parametrize(
    ("hours", "time", "quiet"),
    [
        ("21:30-05:00", "21:29", False),
        ("21:30-05:00", "21:30", True),
        ("21:30-05:00", "00:00", True),
        ("21:30-05:00", "04:59", True),
        ("21:30-05:00", "05:00", False),
        ("12:00-13:00", "12:30", True),
        ("12:00-13:00", "13:00", False),
        ("00:00-00:00", "15:00", True),
        ("", "03:00", False),
    ],
)
def test_quiet_hours_begin_and_end_on_the_minute(hours: str, time: str, quiet: bool) -> None:
    assert is_quiet(hours, datetime.time.fromisoformat(time)) is quiet


@pytest.mark.parametrize("hours", ["25:00-05:00", "21:30", "21:30-05:00 ", "abc", "21:60-05:00"])
def test_what_are_no_hours_is_refused(hours: str) -> None:
    with pytest.raises(ScheduleRefused):
        parse_quiet_hours(hours)


def test_at_night_only_an_emergency_sounds(database: Database) -> None:
    with database.session() as session:
        zone = night_is_quiet(session).zone
        for priority in (Priority.NORMAL, Priority.PRIORITY):
            allowed = may_sound(session, [zone.id], priority, MIDNIGHT)
            assert (allowed.speakers, allowed.reason) == ((), OccurrenceReason.QUIET_HOURS)
        assert len(may_sound(session, [zone.id], Priority.EMERGENCY, MIDNIGHT).speakers) == 2
        assert len(may_sound(session, [zone.id], Priority.NORMAL, NOW).speakers) == 2


def test_a_zone_with_hours_of_its_own_does_not_keep_the_stations(database: Database) -> None:
    with database.session() as session:
        zone = night_is_quiet(session).zone
        zone.quiet_hours = "00:30-04:00"
        session.flush()
        assert may_sound(session, [zone.id], Priority.NORMAL, MIDNIGHT).reason is None
        assert (
            may_sound(session, [zone.id], Priority.NORMAL, MIDNIGHT + minutes(30)).reason
            == OccurrenceReason.QUIET_HOURS
        )


def test_a_silenced_zone_is_left_out_of_every_broadcast(database: Database) -> None:
    with database.session() as session:
        here = commune(session)
        there = commune(session, code="22")
        there.commune.parent_id = here.district.id
        district = whole_district(session, here)
        silence(session, here.zone.id, NOW + minutes(60), "account:a@x.vn", NOW)
        session.flush()
        allowed = may_sound(session, [district.id], Priority.NORMAL, NOW)
        assert [speaker.code for speaker in allowed.speakers] == [speaker.code for speaker in there.speakers]
        assert {why for _speaker, why in allowed.left_out} == {OccurrenceReason.ZONE_SILENCED}
        assert allowed.reason is None
        assert len(may_sound(session, [district.id], Priority.EMERGENCY, NOW).speakers) == 4
        assert len(may_sound(session, [district.id], Priority.NORMAL, NOW + minutes(60)).speakers) == 4


def test_silence_can_be_taken_back_and_leaves_a_trace(database: Database) -> None:
    with database.session() as session:
        zone = commune(session).zone
        silence(session, zone.id, NOW + DAY, "official:1011", NOW)
        assert zone.silenced_by == "official:1011"
        unsilence(session, zone.id, "official:1011")
        session.flush()
        assert may_sound(session, [zone.id], Priority.NORMAL, NOW).reason is None
        assert session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all() == [
            "zone.silence",
            "zone.unsilence",
        ]


def test_silence_without_measure_or_place_is_refused(database: Database) -> None:
    with database.session() as session:
        zone = commune(session).zone
        for until in (NOW, NOW - DAY, NOW + 8 * DAY):
            with pytest.raises(ScheduleRefused):
                silence(session, zone.id, until, "x", NOW)
        with pytest.raises(NoSuchPart):
            unsilence(session, 10**6, "x")
        with pytest.raises(NoSuchPart):
            silence(session, 10**6, NOW + DAY, "x", NOW)


def test_a_zone_without_speakers_says_so(database: Database) -> None:
    with database.session() as session:
        zone = commune(session, speakers=0).zone
        assert may_sound(session, [zone.id], Priority.NORMAL, NOW).reason == OccurrenceReason.NO_SPEAKERS
