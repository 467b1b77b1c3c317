"""Alarms for SIMs and warranties that end within 30 days, or ended within the last 30.

An alarm is raised once per end date: one that a person has acknowledged stays acknowledged until the date changes. What
ended earlier raises none, so that the import of an old book does not.
"""

import asyncio
import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.station_book.models import BookDevice
from broadcast_bridge.station_book.states import Condition
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.locale import message
from haichieu.station import the_station

log = structlog.get_logger()

NOTICE = datetime.timedelta(days=30)
AT_ONCE = 200
LOOK_EVERY_SECONDS = 3600.0
_KINDS = {
    "sim_until": ("sim_alarm_for", AlarmKind.SIM_EXPIRES, "book.alarm.sim"),
    "warranty_until": ("warranty_alarm_for", AlarmKind.WARRANTY_EXPIRES, "book.alarm.warranty"),
}


def today_at(session: Session) -> datetime.date:
    """Return the current day where the station is."""
    return now().astimezone(ZoneInfo(the_station(session).timezone)).date()


def look_at(session: Session, device: BookDevice, today: datetime.date) -> None:
    """Raise the alarms of one device that are due, and end those whose date was changed."""
    subject = subject_of(device.id)
    for column, (alarmed, kind, text) in _KINDS.items():
        until = getattr(device, column) if device.condition != Condition.DISPOSED else None
        raised = getattr(device, alarmed)
        if raised is not None and raised != until:
            alarm_is_over(session, kind, subject)
            setattr(device, alarmed, None)
        if until is not None and abs(until - today) <= NOTICE and raised != until:
            raise_alarm(session, kind, subject, message(text, code=device.code, name=device.name, day=until))
            setattr(device, alarmed, until)


def look_at_all(session: Session, today: datetime.date) -> int:
    """Raise the alarms that became due since the last look, at most `AT_ONCE`; return for how many devices."""
    due = [
        sa.and_(
            getattr(BookDevice, column).between(today - NOTICE, today + NOTICE), getattr(BookDevice, alarmed).is_(None)
        )
        for column, (alarmed, _, _) in _KINDS.items()
    ]
    query = sa.select(BookDevice).where(BookDevice.condition != Condition.DISPOSED, sa.or_(*due))
    found = session.scalars(query.order_by(BookDevice.id).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for device in found:
        look_at(session, device, today)
    return len(found)


def end_alarms(session: Session, device_id: int) -> None:
    """End the alarms of a device that was deleted."""
    for _, kind, _ in _KINDS.values():
        alarm_is_over(session, kind, subject_of(device_id))


def subject_of(device_id: int) -> str:
    """Return the subject of alarms of a device."""
    return f"device:{device_id}"


async def watch_expiry(database: Database) -> None:
    """Look once per hour until cancelled."""
    while True:
        try:
            while await database.run(lambda session: look_at_all(session, today_at(session))):
                pass
        except sa.exc.DBAPIError as problem:
            log.warning("expiry.database_away", problem=shown(problem))
        await asyncio.sleep(LOOK_EVERY_SECONDS)
