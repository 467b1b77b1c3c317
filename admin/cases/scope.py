"""Visibility of cases: those of the visitor's units."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from admin.access.visitors import visitor
from feedback.cases.case_lifecycle import NoSuchCase, find_case
from feedback.models import Case


def unit_of_case(session: Session, number: str) -> Iterable[int]:
    """Return the unit of a case. Raises WrongCheckDigit or NoSuchCase, the latter also for other units."""
    return [case_for_visitor(session, number).unit_id]


def unit_of_file(session: Session, number: str, file: int) -> Iterable[int]:
    """Return the unit of a case that a file belongs to. Raises WrongCheckDigit or NoSuchCase."""
    return unit_of_case(session, number)


def case_for_visitor(session: Session, number: str) -> Case:
    """Return the case with this number in the visitor's units. Raises WrongCheckDigit or NoSuchCase."""
    case = find_case(session, number)
    if case.unit_id not in visitor().units:
        raise NoSuchCase(case.number)
    return case
