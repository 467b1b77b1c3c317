"""From draft to the air: who may submit, approve, return and withdraw a programme, and whether it may be played."""

import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.programmes.history import as_approved
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import PROGRAMME, ProgrammeEvent, ProgrammeState
from haichieu import audit
from haichieu.errors import HaiChieuError


class ApprovalRefused(HaiChieuError):
    """The step is not to be taken by this person, or not like this."""


class OwnWork(ApprovalRefused):
    """The author cannot approve their own programme, unless the unit's rule allows it."""


class NoReason(ApprovalRefused):
    """A programme that is returned needs a reason for its author."""


class NothingToApprove(ApprovalRefused):
    """The programme has no sound yet."""


class NotForTheAir(HaiChieuError):
    """The programme may not be played: it is not approved, it has expired, or it has no sound."""


def submit(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Hand a draft to the approvers. Raises NothingToApprove or IllegalTransition."""
    if programme.sound_id is None:
        raise NothingToApprove("programme.approval.no_sound")
    _step(session, programme, ProgrammeEvent.SUBMIT, who, at)


def approve(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Let it go on the air; `who` is an actor such as `account:a@b`. Raises OwnWork or IllegalTransition.

    Whether `who` is an approver of the unit is decided where accounts and rights are known.
    """
    if who == programme.author and not programme.unit.author_may_approve:
        raise OwnWork("programme.approval.own_work")
    _step(session, programme, ProgrammeEvent.APPROVE, who, at, **as_approved(programme))


def send_back(session: Session, programme: Programme, who: str, because: str, at: datetime.datetime) -> None:
    """Return it to its author with a reason. Raises NoReason or IllegalTransition."""
    if not because.strip():
        raise NoReason("programme.approval.no_reason")
    programme.returned_because = because.strip()[:2000]
    _step(session, programme, ProgrammeEvent.RETURN, who, at, because=programme.returned_because)


def withdraw(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Take it off the list for good; schedules that name it play nothing and say so. Raises IllegalTransition."""
    _step(session, programme, ProgrammeEvent.WITHDRAW, who, at)


def edited(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Note that something in it changed: what was approved or submitted is a draft again. Raises IllegalTransition."""
    _step(session, programme, ProgrammeEvent.EDIT, who, at)


def require_for_the_air(programme: Programme, at: datetime.datetime) -> None:
    """Raise NotForTheAir, with the reason in words, when the programme may not be played at a moment."""
    if programme.state != ProgrammeState.APPROVED:
        raise NotForTheAir("programme.not_approved", title=programme.title)
    if programme.valid_until is not None and programme.valid_until <= at:
        raise NotForTheAir("programme.expired", title=programme.title)
    if programme.sound_id is None:
        raise NotForTheAir("programme.no_sound", title=programme.title)


def _step(
    session: Session, programme: Programme, event: ProgrammeEvent, who: str, at: datetime.datetime, **detail: str
) -> None:
    programme.state = PROGRAMME.after(ProgrammeState(programme.state), event)
    programme.updated_at = at
    detail = {"title": programme.title, **detail}
    audit.record(session, who, f"programme.{event}", f"programme:{programme.id}", **detail)
