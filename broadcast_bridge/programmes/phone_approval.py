"""Programmes that wait for approval, heard and approved by phone.

Officials with the right to approve or to schedule hear those of their unit and the units below; only the right to
approve lets them approve, and never their own unless the unit allows it (`approval.approve`).
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval
from broadcast_bridge.programmes.approval import ApprovalRefused
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.people import Official, Right, units_under

MOST_AT_ONCE = 50
"""Programmes per call."""


class HearingNotAllowed(ApprovalRefused):
    """The official may neither approve nor schedule programmes."""


def waiting_for(session: Session, official_id: int) -> list[int]:
    """Return the ids of the programmes that an official may hear, the oldest first. Raises HearingNotAllowed."""
    official = session.get_one(Official, official_id)
    if not (official.may_do(Right.APPROVE) or official.may_do(Right.SCHEDULE)):
        raise HearingNotAllowed("programme.approval.may_not_hear", code=official.code)
    return list(
        session.scalars(
            sa.select(Programme.id)
            .where(Programme.unit_id.in_(units_under(session, [official.unit_id])))
            .where(Programme.state == ProgrammeState.SUBMITTED, Programme.sound_id.is_not(None))
            .order_by(Programme.updated_at, Programme.id)
            .limit(MOST_AT_ONCE)
        )
    )


def may_approve(session: Session, official_id: int, programme: Programme) -> bool:
    """Return whether an official has the right to approve a programme that is in their units."""
    official = session.get_one(Official, official_id)
    is_own = programme.author == _actor(official) and not programme.unit.author_may_approve
    return official.may_do(Right.APPROVE) and not is_own


def approve(
    session: Session,
    official_id: int,
    number: int,
    edition: datetime.datetime,
    at: datetime.datetime,
    *,
    called_back: bool,
) -> None:
    """Approve a programme as it was heard: `edition` is its `updated_at` then.

    Raises ApprovalRefused, also where the station verifies the official by a call back and has not, or
    IllegalTransition.
    """
    official = session.get_one(Official, official_id)
    programme = session.get_one(Programme, number, with_for_update=True, populate_existing=True)
    if not official.may_do(Right.APPROVE) or programme.unit_id not in units_under(session, [official.unit_id]):
        raise ApprovalRefused("programme.approval.not_allowed")
    if official.call_back and not called_back:
        raise ApprovalRefused("programme.approval.needs_call_back")
    if programme.updated_at != edition:
        raise ApprovalRefused("programme.approval.changed")
    approval.approve(session, programme, _actor(official), at)


def _actor(official: Official) -> str:
    return f"official:{official.code}"
