"""Approval of programmes: submit, approve, return, withdraw, and the check before airing."""

import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import calling_off
from broadcast_bridge.programmes.history import as_approved
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import PROGRAMME, ProgrammeEvent, ProgrammeState
from haichieu import audit
from haichieu.errors import HaiChieuError


class ApprovalRefused(HaiChieuError):
    """This person may not take the step, or not in this form."""


class OwnWork(ApprovalRefused):
    """Authors may not approve their own programmes, unless the unit's rule allows it."""


class NoReason(ApprovalRefused):
    """A programme can be returned only with a reason for its author."""


class NothingToApprove(ApprovalRefused):
    """The programme has no audio yet."""


class NotForTheAir(HaiChieuError):
    """The programme may not be played: it is not approved, has expired, or has no audio."""


def submit(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Submit a draft for approval. Raises NothingToApprove or IllegalTransition."""
    if programme.sound_id is None:
        raise NothingToApprove("programme.approval.no_sound")
    _step(session, programme, ProgrammeEvent.SUBMIT, who, at)


def approve(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Approve it for airing; `who` is an actor such as `account:a@b`. Raises OwnWork or IllegalTransition.

    The caller checks that `who` is an approver of the unit.
    """
    if who == programme.author and not programme.unit.author_may_approve:
        raise OwnWork("programme.approval.own_work")
    _step(session, programme, ProgrammeEvent.APPROVE, who, at, **as_approved(programme))


def approve_from_source(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Submit and approve a bulletin of a source system: its author is the authority that approved it there.

    Circular 39/2020/TT-BTTTT leaves to the commune which of them are aired and when, not what they say.
    """
    submit(session, programme, programme.author, at)
    _step(session, programme, ProgrammeEvent.APPROVE, who, at, **as_approved(programme))


def send_back(session: Session, programme: Programme, who: str, because: str, at: datetime.datetime) -> None:
    """Return it to its author with a reason. Raises NoReason or IllegalTransition."""
    if not because.strip():
        raise NoReason("programme.approval.no_reason")
    programme.returned_because = because.strip()[:2000]
    _step(session, programme, ProgrammeEvent.RETURN, who, at, because=programme.returned_because)


def withdraw(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Withdraw it for good: what plays it stops, and nothing plays it any more. Raises IllegalTransition."""
    _step(session, programme, ProgrammeEvent.WITHDRAW, who, at)
    calling_off.stop_programme(session, programme.id, who, at)


def edited(session: Session, programme: Programme, who: str, at: datetime.datetime) -> None:
    """Record a change: an approved or submitted programme becomes a draft again. Raises IllegalTransition."""
    _step(session, programme, ProgrammeEvent.EDIT, who, at)


def require_for_the_air(programme: Programme, at: datetime.datetime) -> None:
    """Raise NotForTheAir, with the reason, when the programme may not be played at the given time."""
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
