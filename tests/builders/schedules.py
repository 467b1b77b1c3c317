"""Schedules of programmes, and the moment at which their tests begin."""

import datetime
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.editing import Draft
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.states import What
from haichieu.people import Account, Role
from tests.builders.accounts import account
from tests.builders.places import Commune
from tests.builders.programmes import programme

UTC = datetime.UTC
NOW = datetime.datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
"""Five o'clock in the morning of Tuesday, 24 November 2026 in Vietnam."""
DAY = datetime.timedelta(days=1)
LEASE = datetime.timedelta(seconds=30)


def minutes(count: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=count)


def daily(session: Session, place: Commune, at: str = "05:30", **given: object) -> Schedule:
    """Add a schedule of a programme for the zone of the commune, daily from 1 November 2026 unless told otherwise."""
    values: dict[str, object] = {
        "uid": uuid.uuid4().hex,
        "title": f"Bản tin {at}",
        "unit_id": place.commune.id,
        "what": "programme",
        "programme": programme(session, unit_id=place.commune.id),
        "starts": datetime.datetime.fromisoformat(f"2026-11-01T{at}"),
        "timezone": "Asia/Ho_Chi_Minh",
        "rrule": "FREQ=DAILY",
        "author": "test",
        "created_at": NOW,
        "updated_at": NOW,
        "zones": [place.zone],
        "materialised_until": NOW,
        **given,
    }
    made = Schedule(**values)
    session.add(made)
    session.flush()
    return made


def account_in(session: Session, place: Commune, role: Role = Role.EDITOR) -> Account:
    """Add an account of the commune."""
    return account(session, f"{role}@x.vn", role, place.commune.id)


def bulletin(session: Session, place: Commune, **given: object) -> Draft:
    """The draft of a daily schedule for the zone of the commune, with a programme unless one is given."""
    values: dict[str, object] = {
        "title": "Bản tin sáng",
        "unit_id": place.commune.id,
        "zone_ids": (place.zone.id,),
        "what": What.PROGRAMME,
        "programme_id": None if "programme_id" in given else programme_id(session, place),
        "starts": datetime.datetime(2026, 11, 24, 5, 30),
        "rrule": "FREQ=DAILY",
        **given,
    }
    return Draft(**values)  # type: ignore[arg-type]


def programme_id(session: Session, place: Commune) -> int:
    """Return the commune's morning bulletin's number; it is added once."""
    known = session.scalars(sa.select(Programme.id).where(Programme.title == "Bản tin sáng")).first()
    return known or programme(session, unit_id=place.commune.id).id
