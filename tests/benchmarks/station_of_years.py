"""A station after three years: 100,000 cases, 1,000,000 deliveries, and what its lists are full of besides."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState, Kind
from broadcast_bridge.models import Broadcast, Reachability, Speaker, Zone, zone_units
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import Origin, ProgrammeState
from broadcast_bridge.schedule.materialise import materialise
from broadcast_bridge.schedule.models import Schedule, schedule_zones
from haichieu.database import Database, now
from haichieu.folded_text import folded
from haichieu.people import Account, Official, Role, Unit
from tests.benchmarks.cases import CASES, NOW, WORDS
from tests.benchmarks.cases import fill as fill_cases

BROADCASTS, AT_EACH, SPEAKERS = 20_000, 50, 500
PROGRAMMES, SCHEDULES = 5_000, 200
AHEAD = datetime.timedelta(days=14)
_DELIVERIES = """
    INSERT INTO deliveries (broadcast_id, speaker_id, state, active, attempts, first_audio_at, ended_at, seconds,
                            packets_sent, packets_lost, resume_at_seconds, tries_again)
    SELECT b.id, s.id, CASE WHEN (b.id + s.id) % 9 = 0 THEN 'missed' ELSE 'played' END, false, 1, b.on_air_at,
           b.ended_at, CASE WHEN (b.id + s.id) % 9 = 0 THEN 0 ELSE 120 END, 6000, (b.id + s.id) % 50, 0, 0
    FROM broadcasts b JOIN speakers s ON (s.id - 1) / :at_each = b.id % :groups
"""


def fill(database: Database, cases: int = CASES, broadcasts: int = BROADCASTS) -> None:
    """Add three years of cases and of broadcasts, each heard by ten speakers in each of five communes."""
    with database.session() as session:
        fill_cases(session, cases)
        communes = session.scalars(sa.select(Unit).where(Unit.code.like("X%")).order_by(Unit.id)).all()
        _places(session, communes)
        session.execute(sa.insert(Broadcast), [_broadcast(number, broadcasts) for number in range(broadcasts)])
        session.execute(sa.text(_DELIVERIES), {"at_each": AT_EACH, "groups": SPEAKERS // AT_EACH})
        _programmes(session, communes)
        for email, unit in (("district@x.example", "BL"), ("commune@x.example", "X7")):
            unit_id = session.scalars(sa.select(Unit.id).where(Unit.code == unit)).one()
            session.add(Account(email=email, name="A", password_hash="x", role=Role.ADMIN, unit_id=unit_id))
    with database.session() as session:
        materialise(session, now() + AHEAD, now())
    if not database.is_sqlite:  # which nobody asks to look at its tables; PostgreSQL does so by itself
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _places(session: Session, communes: Sequence[Unit]) -> None:
    """Ten speakers, a zone and two officials in each commune."""
    speakers = [
        {"code": f"s{number}", "name": f"Cụm loa {number}", "unit_id": communes[number // 10].id,
         "reachable": number % 25 != 0, "latitude": 22.9 + number % 23 / 90, "longitude": 105.6 + number % 29 / 90}
        for number in range(SPEAKERS)
    ]  # fmt: skip
    session.execute(sa.insert(Speaker), speakers)
    since = NOW - datetime.timedelta(days=1000)
    ids = session.scalars(sa.select(Speaker.id)).all()
    session.execute(sa.insert(Reachability), [{"speaker_id": id, "reachable": True, "since": since} for id in ids])
    zones = [
        {"id": number + 1, "code": str(number + 1), "name": f"Khu {one.name}"} for number, one in enumerate(communes)
    ]
    session.execute(sa.insert(Zone), zones)
    session.execute(sa.insert(zone_units), [{"zone_id": n, "unit_id": one.id} for n, one in enumerate(communes, 1)])
    officials = [
        {"code": f"{1000 + number}", "name": f"Cán bộ {number}", "unit_id": communes[number // 2].id, "pin_hash": "x"}
        for number in range(2 * len(communes))
    ]
    session.execute(sa.insert(Official), officials)
    session.flush()


def _broadcast(number: int, of: int) -> dict[str, object]:
    at = NOW - datetime.timedelta(hours=1.3 * (of - number))
    return {
        "kind": Kind.RECORDED, "title": f"Bản tin {WORDS[number % len(WORDS)]} {number}", "asked_by": "account:a@b",
        "zone_names": f"Khu {number % 10}", "zone_codes": [f"{number % 10}"], "state": BroadcastState.ENDED,
        "created_at": at, "due_at": at, "on_air_at": at, "ended_at": at + datetime.timedelta(minutes=2),
    }  # fmt: skip


def _programmes(session: Session, communes: Sequence[Unit]) -> None:
    """Programmes with a text each, and schedules that air some of them every day or on some days of the week."""
    rows = []
    for number in range(PROGRAMMES):
        text = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 40))
        at = NOW - datetime.timedelta(hours=5 * (PROGRAMMES - number))
        rows.append(
            {"id": number + 1, "title": f"Bài {number}", "origin": Origin.TEXT, "text": text, "author": "account:a@b",
             "unit_id": communes[number % len(communes)].id, "author_name": "A", "state": ProgrammeState.APPROVED,
             "category": f"Mục {number % 9}", "search_text": folded(f"Bài {number} {text}"), "created_at": at,
             "updated_at": at}
        )  # fmt: skip
    session.execute(sa.insert(Programme), rows)
    schedules = [
        {"id": number + 1, "uid": f"bench-{number}", "title": f"Lịch {number}", "what": "programme",
         "unit_id": communes[number % len(communes)].id, "programme_id": number + 1,
         "starts": datetime.datetime(2026, 1, 1, 5 + number % 16, number * 7 % 60), "timezone": "Asia/Ho_Chi_Minh",
         "rrule": ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR")[number % 2], "author": "bench", "created_at": NOW,
         "updated_at": NOW}
        for number in range(SCHEDULES)
    ]  # fmt: skip
    session.execute(sa.insert(Schedule), schedules)
    zones = [{"schedule_id": number + 1, "zone_id": number % len(communes) + 1} for number in range(SCHEDULES)]
    session.execute(sa.insert(schedule_zones), zones)
