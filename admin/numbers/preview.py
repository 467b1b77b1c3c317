"""Preview of what a caller to a number reaches at a given time."""

import datetime
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from haichieu.database import now
from haichieu.day_hours import within
from haichieu.public_holidays import holiday_name, is_working_day
from haichieu.station import the_station
from ivr.calls.routing import Number, RoutedFlow, routed_flow_at


class Desk(StrEnum):
    """The state of the duty desk at a given time."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Answer:
    """What a caller reaches at a local time, and the kind of that day."""

    at: datetime.datetime
    is_working_day: bool
    holiday: str | None
    lead: RoutedFlow
    desk: Desk


def answer_at(number: Number, local: datetime.datetime, language: str) -> Answer:
    """Return what a caller reaches at a time in the station's time zone."""
    lead = routed_flow_at(number, local)
    if not lead.dialled.duty_phone:
        desk = Desk.NONE
    else:
        desk = Desk.OPEN if within(lead.dialled.duty_hours, local, working_days=True) else Desk.CLOSED
    return Answer(local, is_working_day(local.date()), holiday_name(local.date(), language), lead, desk)


def local_now(session: Session) -> datetime.datetime:
    """Return the current time in the station's time zone."""
    return now().astimezone(ZoneInfo(the_station(session).timezone))


def asked_moment(day: str, hour: str, otherwise: datetime.datetime) -> datetime.datetime:
    """Return the requested time; missing or invalid parts come from `otherwise`."""
    try:
        date = datetime.date.fromisoformat(day)
    except ValueError:
        date = otherwise.date()
    try:
        time = datetime.time.fromisoformat(hour).replace(tzinfo=None)
    except ValueError:
        time = otherwise.time().replace(second=0, microsecond=0)
    if not 1990 <= date.year <= 2200:
        date = otherwise.date()
    return datetime.datetime.combine(date, time, otherwise.tzinfo)
