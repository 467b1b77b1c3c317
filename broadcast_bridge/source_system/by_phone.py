"""Decisions about bulletins by phone: limited to officials with the right to schedule, and to their units."""

import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.source_system import offered
from broadcast_bridge.source_system.errors import DecisionNotAllowed, StepRefused
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.source_system.states import BulletinState
from haichieu.locale import message
from haichieu.people import Official, Right, units_under
from haichieu.station import the_station

MOST_AT_ONCE = 50
"""Bulletins per call."""


class DeclineReason(StrEnum):
    """Reasons that an official chooses by key; the panel takes one in words."""

    NOT_FOR_US = "not_for_us"
    HEARD_BEFORE = "heard_before"
    OTHER = "by_phone"


def waiting_for(session: Session, official_id: int, at: datetime.datetime) -> list[int]:
    """Return the ids of the bulletins that wait for an official: those with a deadline first, then the oldest.

    Empty for an official without the right to schedule.
    """
    official = session.get_one(Official, official_id)
    if not official.may_do(Right.SCHEDULE):
        return []
    meets = sa.exists().where(
        BulletinAiring.bulletin_id == Bulletin.id, offered.undecided(), BulletinAiring.decide_by > at
    )
    return list(
        session.scalars(
            sa.select(Bulletin.id)
            .where(Bulletin.unit_id.in_(units_under(session, [official.unit_id])), Bulletin.title != "")
            .where((Bulletin.state == BulletinState.OFFERED) | (meets & offered.may_be_planned()))
            .order_by(sa.case((Bulletin.state == BulletinState.OFFERED, 1), else_=0), Bulletin.id)
            .limit(MOST_AT_ONCE)
        )
    )


def require_right(session: Session, official_id: int) -> Official:
    """Return an official who may decide about bulletins. Raises DecisionNotAllowed."""
    official = session.get_one(Official, official_id)
    if not official.may_do(Right.SCHEDULE):
        raise DecisionNotAllowed("source.may_not_decide", code=official.code)
    return official


def find_for(session: Session, official_id: int, number: int) -> tuple[Bulletin, str]:
    """Return a bulletin, locked, and the official as an actor. Raises DecisionNotAllowed or NoSuchBulletin."""
    official = require_right(session, official_id)
    bulletin = offered.find(session, number)
    if bulletin.unit_id not in units_under(session, [official.unit_id]):
        raise DecisionNotAllowed("source.may_not_decide", code=official.code)
    return bulletin, f"official:{official.code}"


def accept(session: Session, official_id: int, number: int, at: datetime.datetime, *, called_back: bool) -> None:
    """Choose an offered bulletin. Raises StepRefused or DecisionNotAllowed."""
    bulletin, who = find_for(session, official_id, number)
    _require_call_back(session, official_id, called_back=called_back)
    offered.accept(session, bulletin, who, at)


def schedule(
    session: Session,
    official_id: int,
    number: int,
    clock: datetime.time | None,
    at: datetime.datetime,
    *,
    called_back: bool,
) -> datetime.datetime:
    """Have a bulletin broadcast when the station's clock shows this time next, or at once (None).

    Return when, in the station's time zone. Raises StepRefused, DecisionNotAllowed, NothingToPlayOn, NotForTheAir.
    """
    bulletin, who = find_for(session, official_id, number)
    _require_call_back(session, official_id, called_back=called_back)
    zone = ZoneInfo(the_station(session).timezone)
    start = None if clock is None else next_time(clock, at.astimezone(zone))
    offered.schedule(session, bulletin, start, who, at)
    return start or at.astimezone(zone)


def decline(session: Session, official_id: int, number: int, reason: DeclineReason, at: datetime.datetime) -> None:
    """Decline an offered bulletin. Raises StepRefused or DecisionNotAllowed."""
    bulletin, who = find_for(session, official_id, number)
    offered.decline(session, bulletin, message(f"source.declined.{reason}"), who, at)


def decide(session: Session, official_id: int, number: int, first: str, at: datetime.datetime) -> None:
    """Decide which of two programmes that meet is first. Raises StepRefused or DecisionNotAllowed."""
    bulletin, who = find_for(session, official_id, number)
    offered.decide(session, bulletin, first, who, at)


def next_time(clock: datetime.time, here: datetime.datetime) -> datetime.datetime:
    """Return the next moment after `here`, in its time zone, at which the clock shows this time."""
    start = here.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return start if start > here else start + datetime.timedelta(days=1)


def _require_call_back(session: Session, official_id: int, *, called_back: bool) -> None:
    """Nothing reaches a speaker on the strength of a caller number where the station is to verify it."""
    if session.get_one(Official, official_id).call_back and not called_back:
        raise StepRefused("source.needs_call_back")
