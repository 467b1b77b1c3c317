"""What a caller to a number would get at a moment, told before anybody calls."""

import datetime
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from haichieu.database import now
from haichieu.day_hours import within
from haichieu.public_holidays import holiday_name, is_working_day
from haichieu.station import the_station
from ivr.calls.routing import Lead, Number, lead_at


class Desk(StrEnum):
    """How the duty desk stands at a moment."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Answer:
    """What a caller gets at a local moment, and what kind of day that is."""

    at: datetime.datetime
    is_working_day: bool
    holiday: str | None
    lead: Lead
    desk: Desk


def answer_at(number: Number, local: datetime.datetime, language: str) -> Answer:
    """Tell what a caller gets at a moment in the station's time zone."""
    lead = lead_at(number, local)
    if not lead.dialled.duty_phone:
        desk = Desk.NONE
    else:
        desk = Desk.OPEN if within(lead.dialled.duty_hours, local, working_days=True) else Desk.CLOSED
    return Answer(local, is_working_day(local.date()), holiday_name(local.date(), language), lead, desk)


def local_now(session: Session) -> datetime.datetime:
    """The present moment in the station's time zone."""
    return now().astimezone(ZoneInfo(the_station(session).timezone))


def asked_moment(day: str, hour: str, otherwise: datetime.datetime) -> datetime.datetime:
    """The moment that was asked for; what is not there or makes no sense is taken from another."""
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
