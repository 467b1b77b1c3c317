"""Reports on broadcasts and speakers over a few rows whose figures can be counted by hand."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_reports import aired_figures, availability, filed_at
from broadcast_bridge.broadcasts.states import Kind
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Reachability, Speaker
from broadcast_bridge.programmes import survey
from haichieu.database import Database
from haichieu.media import Media
from haichieu.periods import period_of
from tests.builders.places import Commune, commune
from tests.builders.programmes import programme

pytestmark = pytest.mark.both_databases

NOVEMBER = period_of(
    datetime.date(2026, 11, 1), datetime.date(2026, 11, 30), "Asia/Ho_Chi_Minh",
    datetime.datetime(2026, 12, 5, tzinfo=datetime.UTC),
)  # fmt: skip
LONG_AFTER = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"{text}+07:00")


def aired(session: Session, there: Commune, at: str, *states: str, seconds: float = 60.0, **more: object) -> Broadcast:
    made = Broadcast(
        zone_names="Khu", created_at=moment("2026-10-01T00:00:00"), on_air_at=moment(at), state="ended",
        **{"kind": Kind.RECORDED, "title": "Bản tin", **more},
    )  # fmt: skip
    made.deliveries = [
        Delivery(speaker=speaker, state=state, active=False, seconds=seconds if state == "played" else 0.0)
        for speaker, state in zip(there.speakers, states, strict=False)
    ]
    session.add(made)
    session.flush()
    return made


def test_what_was_aired_belongs_to_the_day_it_was_aired_on(database: Database) -> None:
    with database.session() as session:
        there = commune(session, speakers=2)
        aired(session, there, "2026-10-31T23:59:59", "played", "played")
        aired(session, there, "2026-11-01T00:00:00", "played", "missed")
        aired(session, there, "2026-11-30T23:59:59", "played", "played", seconds=90)
        aired(session, there, "2026-12-01T00:00:00", "played", "played")

        (found,) = aired_figures(session, [there.commune.id], NOVEMBER.begin, NOVEMBER.end).by_unit

    assert (found.broadcasts, found.deliveries, found.heard, found.seconds) == (2, 4, 3, 240.0)
    assert found.reach == 0.75


def test_a_days_report_uses_the_index_and_not_a_table_scan(database: Database) -> None:
    """Of which Alembic cannot tell on SQLite whether a migration has lost it: it is on an expression."""
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.session() as session:
        if not database.is_sqlite:
            session.execute(sa.text("SET LOCAL enable_seqscan = off"))  # an empty table is read faster without
        asked = sa.text(f"{explain} SELECT id FROM broadcasts WHERE {filed_at()} > '2026-11-01 00:00:00'")
        plan = " ".join(str(row) for row in session.execute(asked))
    assert "ix_broadcasts_filed_at" in plan


def test_a_unit_that_was_not_asked_about_is_left_out(database: Database) -> None:
    with database.session() as session:
        there, other = commune(session), commune(session, code="12")
        aired(session, there, "2026-11-05T07:00:00", "played", "played")
        aired(session, other, "2026-11-05T07:00:00", "played", "played")
        found = aired_figures(session, [other.commune.id], NOVEMBER.begin, NOVEMBER.end).by_unit
    assert [one.unit.code for one in found] == ["C12"]


def test_catching_up_adds_minutes_and_is_no_second_broadcast(database: Database) -> None:
    with database.session() as session:
        there = commune(session, speakers=2)
        first = aired(session, there, "2026-11-05T07:00:00", "played", "caught_up")
        aired(session, there, "2026-11-05T09:00:00", "played", again_of_id=first.id)
        (found,) = aired_figures(session, [there.commune.id], NOVEMBER.begin, NOVEMBER.end).by_unit
    assert (found.broadcasts, found.deliveries, found.heard, found.seconds) == (1, 2, 2, 120.0)


def test_categories_are_those_of_the_programmes_and_a_live_voice_has_none(database: Database) -> None:
    with database.session() as session:
        there = commune(session, speakers=1)
        sounds = [Media(sha256=f"{number:064}", bytes=1, seconds=60.0) for number in range(2)]
        session.add_all(sounds)
        session.flush()
        farming = programme(session)
        farming.category, farming.sound_id = "Nông nghiệp", sounds[0].id
        of_programme = [BroadcastSound(position=0, media_id=sounds[0].id)]
        aired(session, there, "2026-11-05T07:00:00", "played", sounds=of_programme)
        aired(
            session, there, "2026-11-06T07:00:00", "played", sounds=[BroadcastSound(position=0, media_id=sounds[1].id)]
        )
        aired(session, there, "2026-11-07T07:00:00", "missed", kind=Kind.LIVE)

        found = aired_figures(session, [there.commune.id], NOVEMBER.begin, NOVEMBER.end).by_category

    assert {(one.kind, one.category, one.broadcasts, one.heard) for one in found} == {
        ("live", "", 1, 0), ("recorded", "Nông nghiệp", 1, 1), ("recorded", "", 1, 1),
    }  # fmt: skip


def test_availability_is_cut_at_the_borders_and_counts_only_what_is_known(database: Database) -> None:
    with database.session() as session:
        there = commune(session, speakers=2)
        session.add(Speaker(code="group", name="Nhóm", unit_id=there.commune.id, multicast="239.1.2.3:5004"))
        first, second = there.speakers
        periods = [
            (first, True, "2026-10-20T00:00:00", "2026-11-02T00:00:00"),
            (first, False, "2026-11-02T00:00:00", "2026-11-03T00:00:00"),
            (first, True, "2026-11-03T00:00:00", None),
            (second, False, "2026-11-29T00:00:00", None),
        ]
        session.add_all(
            Reachability(speaker=who, reachable=up, since=moment(since), until=moment(until) if until else None)
            for who, up, since, until in periods
        )
        session.flush()

        never, mostly = availability(session, [there.commune.id], NOVEMBER.begin, NOVEMBER.end, LONG_AFTER)
        so_far = availability(session, [there.commune.id], NOVEMBER.begin, NOVEMBER.end, moment("2026-11-03T00:00:00"))

    assert (never.speaker.code, never.share, never.known_seconds, never.losses) == ("s11-1", 0.0, 2 * 86400.0, 1)
    assert (mostly.speaker.code, mostly.share, mostly.losses) == ("s11-0", 29 / 30, 1)
    assert [(one.speaker.code, one.share) for one in so_far] == [("s11-0", 0.5), ("s11-1", None)]


def test_the_survey_can_be_asked_about_units_and_days(database: Database) -> None:
    with database.session() as session:
        there, other = commune(session), commune(session, code="12")
        bulletin = programme(session)
        for unit, at in (
            (there, "2026-11-01T00:00:00"),
            (there, "2026-12-01T00:00:00"),
            (other, "2026-11-05T00:00:00"),
        ):
            survey.vote(session, bulletin.id, unit.commune.id, None, moment(at), useful=True)
        session.flush()
        units = [there.commune.id]
        found = survey.tallies(session, unit_ids=units, since=NOVEMBER.begin, until=NOVEMBER.end)
        assert [(one.useful, one.not_useful) for one in found] == [(1, 0)]
