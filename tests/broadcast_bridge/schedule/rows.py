"""Schedules and programmes to begin a test with."""

import datetime
import uuid

from sqlalchemy.orm import Session

from broadcast_bridge.schedule.models import Schedule
from tests.builders import Commune, programme

__all__ = ["daily", "minutes", "programme"]

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
        "programme": programme(session),
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
