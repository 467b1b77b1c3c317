"""Attention: the number in the titles of pages, and the ids by which a page finds that something is new."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.now.alarm_scope import newest_alarms
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.source_system import offered
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_search import NOT_MERGED
from feedback.models import Case
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.people import Unit

MOST = 100
"""Of each kind; what is beyond the newest is not counted, since open pages ask often."""


@dataclass(frozen=True)
class Attention:
    """Ids of open alarms, programmes to approve, offered bulletins, orders to decide, and the visitor's open cases."""

    alarms: Sequence[int] = ()
    approvals: Sequence[int] = ()
    bulletins: Sequence[int] = ()
    orders: Sequence[int] = ()
    """Start times of bulletins that meet programmes of the commune."""
    cases: Sequence[int] = ()

    @property
    def count(self) -> int:
        """Return how many they are."""
        return sum(map(len, (self.alarms, self.approvals, self.bulletins, self.orders, self.cases)))

    @property
    def newest(self) -> str:
        """Return the highest id of each kind, and the number where an older one may be added: new is what has grown."""
        kinds = (self.alarms, self.approvals, self.bulletins, self.cases)
        counts = (len(self.cases), len(self.orders))
        return " ".join(str(value) for value in (*(max(ids, default=0) for ids in kinds), *counts))


def attention(session: Session, visitor: Visitor) -> Attention:
    """Return what needs this visitor, as far as they may act on it in their units."""
    units = visitor.units if visitor.may(Action.SCHEDULE) else ()
    return Attention(
        [alarm.id for alarm in newest_alarms(session, visitor, MOST)] if visitor.may(Action.CLEAR_ALARMS) else (),
        _ids(session, sa.select(Programme.id).join(Programme.unit).where(*to_approve(visitor))),
        [one.id for one in offered.waiting(session, units, MOST)],
        [one.id for one in offered.meeting(session, units, now(), MOST)],
        _ids(session, sa.select(Case.id).where(*assigned_to(visitor))),
    )


def to_approve(visitor: Visitor) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition of submitted programmes, joined with their units, that the visitor may approve."""
    if not visitor.may(Action.APPROVE):
        return (sa.false(),)
    of_others = sa.or_(Programme.author != visitor.actor, Unit.author_may_approve)
    return Programme.state == ProgrammeState.SUBMITTED, Programme.unit_id.in_(visitor.units), of_others


def assigned_to(visitor: Visitor) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition of open cases that are assigned to the visitor."""
    if not visitor.may(Action.READ_CASES):
        return (sa.false(),)
    return Case.assignee_id == visitor.account.id, Case.status.in_(OPEN), Case.unit_id.in_(visitor.units), NOT_MERGED


def _ids(session: Session, query: sa.Select[int]) -> Sequence[int]:
    return session.scalars(query.limit(MOST)).all()
