"""Units that an alarm concerns, from its subject; alarms of the whole station concern the highest units."""

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.broadcasts.scope import sees_everything, units_of_broadcasts
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.station_book.models import BookDevice
from feedback.citizens.models import DataRequest
from feedback.models import Case
from haichieu.alarms import Alarm, NoSuchAlarm, open_alarms
from haichieu.people import Account, Official, Unit

NAMED = {
    "account": (sa.func.lower(Account.email), Account.unit_id),
    "case": (Case.number, Case.unit_id),
    "official": (Official.code, Official.unit_id),
    "speaker": (Speaker.code, Speaker.unit_id),
}
"""The part of a subject before its colon: the column that holds the part after it, and that of the unit."""
NUMBERED = {
    "data-request": (DataRequest.id, DataRequest.unit_id),
    "device": (BookDevice.id, BookDevice.unit_id),
    "duty": (Duty.id, Duty.unit_id),
    "schedule": (Schedule.id, Schedule.unit_id),
}
"""The same of subjects whose second part is the number of a row."""


def alarms_for(session: Session, visitor: Visitor, most: int) -> Sequence[Alarm]:
    """Return the newest open alarms that concern only units of the visitor."""
    found = open_alarms(session)
    if sees_everything(session, visitor):
        return found[:most]
    units = _units_of(session, {alarm.subject for alarm in found})
    return [alarm for alarm in found if set(units[alarm.subject]) <= visitor.units][:most]


def newest_alarms(
    session: Session, visitor: Visitor, among: int, since: datetime.datetime | None = None
) -> list[Alarm]:
    """Return those of the `among` newest open alarms that concern only units of the visitor; raised after `since`."""
    query = sa.select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.id.desc()).limit(among)
    found = session.scalars(query if since is None else query.where(Alarm.raised_at > since)).all()
    if not found or sees_everything(session, visitor):
        return list(found)
    units = _units_of(session, {alarm.subject for alarm in found})
    return [alarm for alarm in found if set(units[alarm.subject]) <= visitor.units]


def units_of_alarm(session: Session, number: int) -> Collection[int]:
    """Return the units whose account may clear an alarm. Raises NoSuchAlarm."""
    alarm = session.get(Alarm, number)
    if alarm is None:
        raise NoSuchAlarm("base.alarm.unknown", id=number)
    return _units_of(session, {alarm.subject})[alarm.subject]


def _units_of(session: Session, subjects: Collection[str]) -> Mapping[str, Collection[int]]:
    """Return the units of each subject, with one query for each kind of subject."""
    keys: dict[str, set[str]] = {}
    for subject in subjects:
        kind, _, key = subject.partition(":")
        keys.setdefault(kind, set()).add(key)
    found: dict[str, Collection[int]] = {}
    for kind in NAMED.keys() & keys.keys():
        column, unit = NAMED[kind]
        for key, unit_id in session.execute(sa.select(column, unit).where(column.in_(keys[kind]))):
            found[f"{kind}:{key}"] = {unit_id}
    for kind in NUMBERED.keys() & keys.keys():
        column, unit = NUMBERED[kind]
        for number, unit_id in session.execute(sa.select(column, unit).where(column.in_(_numbers(keys[kind])))):
            found[f"{kind}:{number}"] = {unit_id}
    asked = sa.select(Broadcast).where(Broadcast.id.in_(_numbers(keys.get("broadcast", ()))))
    of_broadcasts = units_of_broadcasts(session, session.scalars(asked).all())
    found |= {f"broadcast:{number}": units for number, units in of_broadcasts.items()}
    highest = set(session.scalars(sa.select(Unit.id).where(Unit.parent_id.is_(None))))
    return {subject: found.get(subject) or highest for subject in subjects}


def _numbers(keys: Iterable[str]) -> Sequence[int]:
    return [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 10]
