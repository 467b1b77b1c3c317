"""Visibility of cases: those of the visitor's units, who works on them, and answers that can still be taken back."""

import datetime
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor, visitor
from feedback.answers import taking_back
from feedback.answers.replies import TO_TAKE_BACK
from feedback.cases.case_lifecycle import NoSuchCase, find_case
from feedback.models import Case, Message
from haichieu.account_rights import MAY, Action
from haichieu.people import Account, Role, Unit


def unit_of_case(session: Session, number: str) -> Iterable[int]:
    """Return the unit of a case. Raises WrongCheckDigit or NoSuchCase, the latter also for other units."""
    return [case_for_visitor(session, number).unit_id]


def unit_of_step(session: Session, number: str, step: str) -> Iterable[int]:
    """Return the unit of a case for a step on its page. Raises WrongCheckDigit or NoSuchCase."""
    return unit_of_case(session, number)


def unit_of_file(session: Session, number: str, file: int) -> Iterable[int]:
    """Return the unit of a case that a file belongs to. Raises WrongCheckDigit or NoSuchCase."""
    return unit_of_case(session, number)


def case_for_visitor(session: Session, number: str) -> Case:
    """Return the case with this number in the visitor's units. Raises WrongCheckDigit or NoSuchCase."""
    case = find_case(session, number)
    if case.unit_id not in visitor().units:
        raise NoSuchCase(case.number)
    return case


def workers(session: Session, who: Visitor) -> Sequence[Account]:
    """Return the accounts that cases of the visitor's units can be assigned to."""
    units = who.units | set(here_and_above(session, who.account.unit_id))
    return workers_in(session, units)


def workers_in(session: Session, unit_ids: Iterable[int]) -> Sequence[Account]:
    """Return the accounts in these units whose role works on cases."""
    roles = [role for role in Role if Action.WORK_ON_CASES in MAY[role]]
    query = sa.select(Account).where(Account.unit_id.in_(list(unit_ids)), Account.role.in_(roles))
    return session.scalars(query.order_by(Account.name)).all()


def here_and_above(session: Session, unit_id: int) -> list[int]:
    """Return a unit and those above it."""
    found: list[int] = []
    unit = session.get(Unit, unit_id)
    while unit is not None and unit.id not in found:
        found.append(unit.id)
        unit = session.get(Unit, unit.parent_id) if unit.parent_id is not None else None
    return found


def takeable(session: Session, who: Visitor, at: datetime.datetime) -> list[tuple[Message, int]]:
    """Return the visitor's newest answers that are about to leave, each with the seconds until then."""
    found = taking_back.given_lately(session, who.actor, at - TO_TAKE_BACK)
    seconds = TO_TAKE_BACK.total_seconds()
    return [(one, int(seconds - (at - one.at).total_seconds()) + 1) for one in found if one.case.unit_id in who.units]
