"""Calendar files of other programs, and what a planner makes of them."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.calendar_files import Defaults, Imported, import_calendar
from broadcast_bridge.schedule.editing import Planner
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Schedule
from haichieu.people import Right
from tests.builders.places import Commune
from tests.builders.programmes import programme
from tests.builders.schedules import NOW

EVERYTHING = frozenset({Right.SCHEDULE, Right.LIVE, Right.EMERGENCY})

EVENT = """BEGIN:VEVENT
UID:{uid}
DTSTAMP:20261101T000000Z
SUMMARY:Bản tin sáng
{more}END:VEVENT
"""
START = "DTSTART;TZID=Asia/Ho_Chi_Minh:20261124T053000\n"


def calendar(*components: str) -> bytes:
    text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n" + "".join(components) + "END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def event(more: str = START, uid: str = "a@x") -> str:
    return EVENT.format(uid=uid, more=more)


def planner(place: Commune, rights: frozenset[Right] = EVERYTHING) -> Planner:
    return Planner("account:lan@x.vn", rights, frozenset({place.commune.id, place.district.id}))


def take(session: Session, place: Commune, data: bytes, rights: frozenset[Right] = EVERYTHING) -> Imported:
    known = session.scalars(sa.select(Programme).where(Programme.title == "Bản tin sáng")).first() or programme(session)
    defaults = Defaults(place.commune.id, (place.zone.id,), known.id)
    return import_calendar(session, data, planner(place, rights), defaults, NOW)


def only(session: Session) -> Schedule:
    session.flush()
    session.expire_all()
    return session.scalars(sa.select(Schedule)).one()


def due(schedule: Schedule, days: int = 10) -> list[str]:
    found = recurrence_of(schedule).between(NOW, NOW + datetime.timedelta(days=days))
    return [f"{moment.at:%m-%d %H:%M}" for moment in found]
