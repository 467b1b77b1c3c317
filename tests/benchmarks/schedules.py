"""The schedule under load: a year of 1,000 schedules, and claiming among them. Needs no station, only a database."""

import datetime
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.conflicts import all_conflicts
from broadcast_bridge.schedule.due import claim_due, next_due
from broadcast_bridge.schedule.materialise import HORIZON, materialise, recurrence_of
from broadcast_bridge.schedule.models import Schedule
from haichieu.database import Database, migrate
from tests.benchmarks.table import Row
from tests.builders.places import commune
from tests.builders.programmes import programme

SCHEDULES = 1000
ZONES = 50
NOW = datetime.datetime(2026, 12, 31, 17, 0, tzinfo=datetime.UTC)
YEAR = datetime.timedelta(days=365)
LEASE = datetime.timedelta(days=400)
KINDS = (
    *(("FREQ=DAILY", ""), ("FREQ=DAILY", ""), ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "")),
    *(("FREQ=WEEKLY;BYDAY=MO,WE", ""), ("FREQ=MONTHLY;BYDAY=-1FR", ""), ("", "DAY=1,15")),
)
"""Recurrences of a station's kind, used by turns."""


def fill(session: Session, schedules: int = SCHEDULES) -> None:
    """Add schedules of several kinds, spread over the hours of the day and over fifty zones of four speakers each."""
    zones: list[Zone] = []
    for number in range(ZONES):
        place = commune(session, speakers=4, code=f"{number + 600}")
        zones.append(place.zone)
    bulletin = programme(session, seconds=600.0)
    for number in range(schedules):
        rrule, lunar = KINDS[number % len(KINDS)]
        starts = datetime.datetime(2026, 1, 1, 5 + number % 16, number * 7 % 60)
        session.add(
            Schedule(
                uid=f"bench-{number}", title=f"Bản tin {number}", unit_id=place.commune.id, what="programme",
                programme=bulletin, starts=starts, timezone="Asia/Ho_Chi_Minh", rrule=rrule, lunar=lunar,
                author="bench", created_at=NOW, updated_at=NOW, zones=[zones[number % ZONES]], materialised_until=NOW,
            )
        )  # fmt: skip
    session.flush()


def measure_on(database: Database, name: str) -> Iterator[Row]:
    """Measure on an empty, migrated database; the rows for the table of benchmarks."""
    with database.session() as session:
        fill(session)
    with database.session() as session:
        begin = time.monotonic()
        rules = [recurrence_of(schedule) for schedule in session.scalars(sa.select(Schedule))]
        moments = sum(len(rule.between(NOW, NOW + YEAR)) for rule in rules)
        worked_out = time.monotonic() - begin
    yield (f"{SCHEDULES} schedules, {name}: a year worked out, {moments} moments (s)", f"{worked_out:.1f}", "", "", "")
    with database.session() as session:
        begin = time.monotonic()
        ahead = materialise(session, NOW + HORIZON, NOW)
        first = time.monotonic() - begin
    with database.session() as session:
        begin = time.monotonic()
        materialise(session, NOW + HORIZON, NOW)
        again = time.monotonic() - begin
    yield (f"{SCHEDULES} schedules, {name}: 48 h ahead, first and again (s)", f"{first:.2f}, {again:.2f}", "", "", "")
    with database.session() as session:
        begin = time.monotonic()
        year = materialise(session, NOW + YEAR, NOW)
        whole = time.monotonic() - begin
    added = ahead.added + year.added
    yield (f"{SCHEDULES} schedules, {name}: a year materialised, {added} rows (s)", f"{whole:.1f}", "", "", "")
    with database.session() as session:
        begin = time.monotonic()
        found = all_conflicts(session, NOW, NOW + datetime.timedelta(days=30))
        conflicts = time.monotonic() - begin
    label = f"{SCHEDULES} schedules, {name}: conflicts in 30 days, {len(found)} (s)"
    yield (label, f"{conflicts:.1f}", "", "", "")
    claims, looks, handed_out = [], [], 0
    moment = NOW
    for _ in range(60):
        with database.session() as session:
            begin = time.monotonic()
            moment = next_due(session) or moment
            looks.append(time.monotonic() - begin)
            begin = time.monotonic()
            handed_out += len(claim_due(session, "bench", moment, LEASE))
            claims.append(time.monotonic() - begin)
    taken = f"{statistics.median(looks) * 1000:.1f}, {statistics.median(claims) * 1000:.1f}"
    yield (f"{SCHEDULES} schedules, {name}: next due, then claim it (ms)", taken, "", "", "")


def measure() -> Iterator[Row]:
    """Measure on SQLite, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'schedules.sqlite'}"
        migrate(url)
        database = Database(url)
        try:
            yield from measure_on(database, "SQLite")
        finally:
            database.close()
