"""Rows of the station book for lists, files and the page of a speaker."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session, joinedload

from admin.access.visitors import Visitor
from admin.layout.addresses import number_asked, text_asked
from admin.layout.language import sentence, show_day
from broadcast_bridge.station_book.book_entries import Reach
from broadcast_bridge.station_book.book_tables import TABLES, BookTable, Column, ValueType, choice_words
from broadcast_bridge.station_book.models import BookAttendance, BookCourse, BookDevice, BookInspection
from haichieu.account_rights import Action
from haichieu.folded_text import folded
from haichieu.people import Unit, units_under
from haichieu.unit_names import UnitName

A_PAGE = 50
MOST_WORDS = 8
NEWEST = 5
_ON_PAPER = "%d/%m/%Y"

Cell = str | int | None


@dataclass(frozen=True)
class BookFilter:
    """The filter of a list in the address; `choices` are values by column."""

    unit: str
    words: str
    year: int | None
    choices: Mapping[str, str]

    @property
    def fields(self) -> dict[str, str | int]:
        """The non-empty query parameters."""
        every = {"unit": self.unit, "q": self.words, "year": self.year or "", **self.choices}
        return {name: value for name, value in every.items() if value}


def filter_asked(table: BookTable) -> BookFilter:
    """Return the filter in the address of this request; what is no choice is left out."""
    choices = {
        column.name: wanted
        for column in table.columns
        if column.choices and (wanted := request.args.get(column.name, "")) in [one.value for one in column.choices]
    }
    return BookFilter(text_asked("unit", 40), text_asked("q", 100), number_asked("year"), choices)


def columns_for(visitor: Visitor, table: BookTable) -> list[Column]:
    """Return the columns that a visitor may see: personal ones only to users who keep the book."""
    return [one for one in table.columns if visitor.may(Action.KEEP_BOOK) or not one.personal]


def rows_found(
    session: Session, visitor: Visitor, table: BookTable, wanted: BookFilter, after: int = 0, most: int | None = A_PAGE
) -> tuple[Sequence[Any], int]:
    """Return rows of the visitor's units from a place on, all of them without `most`, and their number.

    Courses of other units that people of these units attended are among them.
    """
    query = _query(session, visitor, table, wanted)
    total = session.scalars(sa.select(sa.func.count()).select_from(query.subquery())).one()
    first = table.model.code if table.by_code else table.model.id.desc()
    loaded = [joinedload(getattr(table.model, one.name)) for one in table.columns if one.value_type is ValueType.ROW]
    rows = session.scalars(query.options(*loaded).order_by(first).offset(after).limit(most)).all()
    return rows, total


def counts_of_tables(session: Session, units: frozenset[int]) -> dict[str, int]:
    """Return the number of rows of each table in these units, in one query."""
    counts = [
        sa.select(sa.func.count()).select_from(table.model).where(_of_units(table.model, units)).scalar_subquery()
        for table in TABLES.values()
    ]
    return dict(zip(TABLES, session.execute(sa.select(*counts)).one(), strict=True))


def cell(column: Column, row: Any, names: Mapping[int, UnitName], *, for_file: bool = False) -> Cell:
    """Return a value as it is shown, or as an import reads it again."""
    value = getattr(row, column.attribute())
    if value is None or value == "":
        return None
    match column.value_type:
        case ValueType.CHOICE if column.choices:
            return sentence(choice_words(column.choices(value)))
        case ValueType.DAY:
            return str(value.strftime(_ON_PAPER)) if for_file else show_day(value)
        case ValueType.UNIT:
            return str(names[value])
        case ValueType.ROW:
            other = getattr(row, column.name)
            return str(other.code) if for_file else f"{other.code} · {other.name}"
        case ValueType.YEAR:
            return str(value)
    return value  # type: ignore[no-any-return]


def words_of_row(row: Any, name: str) -> str:
    """Return a choice that a row stores, in words."""
    table = next(one for one in TABLES.values() if one.model is type(row))
    column = table.column(name)
    return sentence(choice_words(column.choices(getattr(row, name)))) if column.choices else ""


def codes_to_choose(session: Session, visitor: Visitor, column: Column, most: int) -> Sequence[tuple[str, str]]:
    """Return code and name of the rows that a column may refer to."""
    model: Any = column.refers
    within = Reach(session, visitor.units).within(model)
    query = sa.select(model.code, model.name).where(within).order_by(model.code).limit(most)
    return [(code, name) for code, name in session.execute(query)]


def book_of_speaker(
    session: Session, visitor: Visitor, speaker_id: int
) -> list[tuple[BookDevice, Sequence[BookInspection]]]:
    """Return the devices of a speaker in the visitor's units, each with its newest inspections."""
    devices = session.scalars(
        sa.select(BookDevice)
        .where(BookDevice.speaker_id == speaker_id, BookDevice.unit_id.in_(visitor.units))
        .options(joinedload(BookDevice.unit))
        .order_by(BookDevice.code)
    ).all()
    if not devices:
        return []
    inspections = inspections_of(session, visitor, [one.id for one in devices])
    return [(one, [made for made in inspections if made.device_id == one.id][:NEWEST]) for one in devices]


def inspections_of(session: Session, visitor: Visitor, devices: Collection[int]) -> Sequence[BookInspection]:
    """Return the inspections of devices in the visitor's units, the newest first."""
    return session.scalars(
        sa.select(BookInspection)
        .where(BookInspection.device_id.in_(devices), BookInspection.unit_id.in_(visitor.units))
        .order_by(BookInspection.inspected_on.desc(), BookInspection.id.desc())
    ).all()


def _query(session: Session, visitor: Visitor, table: BookTable, wanted: BookFilter) -> sa.Select[Any]:
    model, units = table.model, visitor.units
    if wanted.unit:
        unit = session.scalar(sa.select(Unit.id).where(Unit.code == wanted.unit))
        units = units & units_under(session, [unit] if unit else [])
    query = sa.select(model).where(_of_units(model, units))
    if wanted.year and hasattr(model, "year"):
        query = query.where(model.year == wanted.year)
    for name, choice in wanted.choices.items():
        query = query.where(getattr(model, name) == choice)
    for word in folded(wanted.words).split()[:MOST_WORDS]:
        there = model.search_text.contains(word, autoescape=True)
        if visitor.may(Action.KEEP_BOOK):
            there = sa.or_(there, model.personal_text.contains(word, autoescape=True))
        query = query.where(there)
    return query


def _of_units(model: Any, units: Collection[int]) -> sa.ColumnElement[bool]:
    """Return the condition for rows of these units, and for courses of other units that people of these attended."""
    own: sa.ColumnElement[bool] = model.unit_id.in_(units)
    if model is not BookCourse:
        return own
    attended = sa.select(BookAttendance.course_id).where(BookAttendance.unit_id.in_(units))
    return sa.or_(own, BookCourse.id.in_(attended))
