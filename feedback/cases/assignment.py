"""Assignment of a case: unit, category with its department and due date, and the account that handles it.

A person's choice is stored with the person's name and never overridden by a suggestion.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases import due_dates
from feedback.cases.case_lifecycle import happen, note
from feedback.cases.suggestions import KEYWORDS, PLACE, without_words
from feedback.models import Case, CaseChange, Category, Department
from feedback.states import CaseEvent
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.people import Account, Unit, units_under


class AssignmentRefused(HaiChieuError):
    """The case cannot be assigned to this account."""


def categorise(
    session: Session, case: Case, category: Category, chosen_by: str, actor: str, at: datetime.datetime
) -> None:
    """Set the category; department and due date follow. `chosen_by` is stored as `Case.category_by`."""
    before = case.category.name if case.category else ""
    case.category, case.category_by, case.updated_at = category, chosen_by, at
    case.department = category.department
    due_dates.renew(session, case, waits_since(session, case))
    note(session, case, actor, "category", at, before=before, after=_named(category.name, chosen_by))


def place(session: Session, case: Case, unit: Unit, chosen_by: str, actor: str, at: datetime.datetime) -> None:
    """Set the unit. `chosen_by` is stored as `Case.unit_by`."""
    before = case.unit.name
    case.unit, case.unit_by, case.updated_at = unit, chosen_by, at
    note(session, case, actor, "unit", at, before=before, after=_named(unit.name, chosen_by))


def assign(
    session: Session,
    case: Case,
    actor: str,
    at: datetime.datetime,
    *,
    department: Department | None = None,
    account: Account | None = None,
) -> None:
    """Assign a case to a department, an account, or both. Raises AssignmentRefused or IllegalTransition."""
    if department is None and account is None:
        raise AssignmentRefused("case.assign.nobody")
    if account is not None and case.unit_id not in units_under(session, [account.unit_id]):
        raise AssignmentRefused("case.assign.other_unit", account=account.email, unit=case.unit.name)
    happen(session, case, CaseEvent.ASSIGN, actor, at)
    names = []
    if department is not None:
        case.department = department
        names.append(department.name)
    if account is not None:
        case.assignee = account
        names.append(account.name)
    note(session, case, actor, "assigned", at, after=", ".join(names))


def _named(name: str, chosen_by: str) -> str | Message:
    """Return a choice, and what it was guessed from; a person who chose is the actor of the step."""
    kind = without_words(chosen_by)
    return message(f"case.guessed.{kind}", name=name) if kind in (KEYWORDS, PLACE) else name


def waits_since(session: Session, case: Case) -> datetime.datetime:
    """Return since when the case waits: its last reopening, or its opening."""
    reopened = sa.select(CaseChange.at).where(CaseChange.case_id == case.id, CaseChange.what == CaseEvent.REOPEN)
    return session.scalar(reopened.order_by(CaseChange.id.desc()).limit(1)) or case.opened_at
