"""Units that an alarm concerns, from its subject; alarms of the whole station concern the highest units."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.broadcasts.scope import NoSuchBroadcast, sees_everything, units_of_broadcast
from broadcast_bridge.schedule.models import Schedule
from feedback.models import Case
from haichieu.alarms import Alarm, NoSuchAlarm, open_alarms
from haichieu.people import Account, Official, Unit


def alarms_for(session: Session, visitor: Visitor, most: int) -> Sequence[Alarm]:
    """Return the newest open alarms that concern only units of the visitor."""
    found = open_alarms(session)
    if sees_everything(session, visitor):
        return found[:most]
    seen: list[Alarm] = []
    for alarm in found:
        if len(seen) < most and set(_units_of(session, alarm.subject)) <= visitor.units:
            seen.append(alarm)
    return seen


def units_of_alarm(session: Session, number: int) -> Collection[int]:
    """Return the units whose account may clear an alarm. Raises NoSuchAlarm."""
    alarm = session.get(Alarm, number)
    if alarm is None:
        raise NoSuchAlarm("base.alarm.unknown", id=number)
    return _units_of(session, alarm.subject)


def _units_of(session: Session, subject: str) -> Collection[int]:
    kind, _, key = subject.partition(":")
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else None
    match kind:
        case "schedule" if number is not None:
            found = session.scalars(sa.select(Schedule.unit_id).where(Schedule.id == number)).all()
        case "case":
            found = session.scalars(sa.select(Case.unit_id).where(Case.number == key)).all()
        case "account":
            found = session.scalars(sa.select(Account.unit_id).where(sa.func.lower(Account.email) == key)).all()
        case "official":
            found = session.scalars(sa.select(Official.unit_id).where(Official.code == key)).all()
        case "broadcast" if number is not None:
            try:
                return units_of_broadcast(session, number)
            except NoSuchBroadcast:
                found = []
        case _:
            found = []
    return found or session.scalars(sa.select(Unit.id).where(Unit.parent_id.is_(None))).all()
