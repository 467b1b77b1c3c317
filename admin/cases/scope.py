"""Visibility of cases: those of the visitor's units, who works on them, and answers that can still be taken back."""

import datetime
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor, visitor
from admin.entries.scope import units_to_choose
from feedback.answers import taking_back
from feedback.answers.replies import TO_TAKE_BACK
from feedback.cases.case_lifecycle import NoSuchCase, find_case
from feedback.models import Case, Category, Message
from haichieu.account_rights import MAY, Action
from haichieu.errors import UsageError
from haichieu.people import Account, Role, Unit, unit_coded, units_above

MOST_NAMED = 20
"""Number of units or categories that a refusal names."""


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
    units = who.units | set(units_above(session, who.account.unit_id))
    return workers_in(session, units)


def workers_in(session: Session, unit_ids: Iterable[int]) -> Sequence[Account]:
    """Return the accounts in these units whose role works on cases."""
    roles = [role for role in Role if Action.WORK_ON_CASES in MAY[role]]
    query = sa.select(Account).where(Account.unit_id.in_(list(unit_ids)), Account.role.in_(roles))
    return session.scalars(query.order_by(Account.name)).all()


def unit_chosen(session: Session, who: Visitor, code: str) -> Unit:
    """Return the unit of a form. Raises UsageError, which names the visitor's units."""
    unit = unit_coded(session, code)
    if unit is None:
        raise UsageError("panel.case.choose_unit", known=_named(units_to_choose(session, who)))
    return unit


def category_chosen(session: Session, code: str) -> Category:
    """Return the category of a form. Raises UsageError, which names those that there are."""
    categories = session.scalars(sa.select(Category).order_by(Category.code)).all()
    for one in categories:
        if one.code == code:
            return one
    raise UsageError("panel.case.choose_category", known=_named(categories))


def _named(choices: Sequence[Unit] | Sequence[Category]) -> str:
    """Return the names, which may contain commas."""
    return "; ".join(one.name for one in choices[:MOST_NAMED]) + ("; …" if len(choices) > MOST_NAMED else "")


def takeable(session: Session, who: Visitor, at: datetime.datetime) -> list[tuple[Message, int]]:
    """Return the visitor's newest answers that are about to leave, each with the seconds until then."""
    found = taking_back.given_lately(session, who.actor, at - TO_TAKE_BACK)
    seconds = TO_TAKE_BACK.total_seconds()
    return [(one, int(seconds - (at - one.at).total_seconds()) + 1) for one in found if one.case.unit_id in who.units]
