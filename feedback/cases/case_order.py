"""Orders of lists of cases: a page begins after a place, so that cases that arrive meanwhile shift nothing."""

import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from feedback.models import Case

Place = tuple[datetime.datetime | None, int]
"""The moment by which a case is ordered, and its id."""


class Order(StrEnum):
    """The most urgent first, or the newest first."""

    DUE = "due"
    NEWEST = "newest"


def place_of(case: Case, order: Order) -> Place:
    """Return the place of a case in a list."""
    return (case.due_at if order is Order.DUE else case.opened_at), case.id


def columns(order: Order, *, backwards: bool = False) -> tuple[sa.UnaryExpression[Any], ...]:
    """Return what to sort by; a case without a due date comes last."""
    if order is Order.DUE:
        return (Case.due_at.desc().nulls_first(), Case.id.desc()) if backwards else (
            Case.due_at.asc().nulls_last(), Case.id.asc())  # fmt: skip
    return (Case.opened_at.asc(), Case.id.asc()) if backwards else (Case.opened_at.desc(), Case.id.desc())


def after(place: Place, order: Order) -> sa.ColumnElement[bool]:
    """Return the condition of the cases that follow a place."""
    moment, case_id = place
    if order is Order.NEWEST:
        return _beyond(Case.opened_at <= moment, Case.opened_at < moment, Case.id < case_id)
    if moment is None:
        return sa.and_(Case.due_at.is_(None), Case.id > case_id)
    return sa.or_(Case.due_at.is_(None), _beyond(Case.due_at >= moment, Case.due_at > moment, Case.id > case_id))


def before(place: Place, order: Order) -> sa.ColumnElement[bool]:
    """Return the condition of the cases that precede a place."""
    moment, case_id = place
    if order is Order.NEWEST:
        return _beyond(Case.opened_at >= moment, Case.opened_at > moment, Case.id > case_id)
    if moment is None:
        return sa.or_(Case.due_at.is_not(None), Case.id < case_id)
    return _beyond(Case.due_at <= moment, Case.due_at < moment, Case.id < case_id)


def _beyond(
    not_before: sa.ColumnElement[bool], beyond: sa.ColumnElement[bool], tie: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Compare moment and id; the first condition alone lets an index on the moment be used."""
    return sa.and_(not_before, sa.or_(beyond, tie))
