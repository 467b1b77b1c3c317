"""Rows of the station book from typed values: reading, rules between them, saving and deleting."""

import datetime
from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.speakers.zones import above
from broadcast_bridge.station_book import typed_values
from broadcast_bridge.station_book.book_tables import BookTable, Column, ValueType, choice_words
from broadcast_bridge.station_book.contradictions import contradictions
from broadcast_bridge.station_book.expiry_alarms import end_alarms, look_at, today_at
from broadcast_bridge.station_book.models import BookCourse, BookDevice
from haichieu import audit
from haichieu.errors import HaiChieuError, InvalidValue, UsageError
from haichieu.folded_text import folded
from haichieu.locale import LANGUAGES, Message, message
from haichieu.locale.catalogue import catalogue
from haichieu.people import Unit

Typed = Mapping[str, str]
"""The typed values by column."""


class BookRefused(UsageError):
    """The row is invalid; `problems` are the messages by column."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        super().__init__(Message.lines(problems.values()))
        self.problems = dict(problems)


class StillReferred(HaiChieuError):
    """Other rows refer to the row, so that it cannot be deleted."""

    def __init__(self) -> None:
        super().__init__("book.still_referred")


class Reach:
    """The units that a person may keep the book of, and the codes of what rows may refer to; each is read once."""

    def __init__(self, session: Session, units: Collection[int]) -> None:
        self.units = units
        self._session = session
        self._codes: dict[Any, dict[str, int]] = {}
        self._units_of: dict[Any, dict[int, int]] = {}

    @cached_property
    def today(self) -> datetime.date:
        """The current day where the station is."""
        return today_at(self._session)

    @cached_property
    def _parents(self) -> dict[int, int | None]:
        return dict(self._session.execute(sa.select(Unit.id, Unit.parent_id)).all())

    def find(self, model: Any, code: str) -> int | None:
        """Return the id of a unit, or of a row that may be referred to, with this code; None when there is none."""
        if model not in self._codes:
            rows = self._session.execute(sa.select(model.code, model.id).where(self.within(model)))
            self._codes[model] = {found.casefold(): number for found, number in rows}
        return self._codes[model].get(code.casefold())

    def within(self, model: Any) -> sa.ColumnElement[bool]:
        """Return the condition for rows that may be referred to: those of the units, and courses of units above."""
        if model is Unit:
            return Unit.id.in_(self.units)
        units = set(self.units)
        if model is BookCourse:
            units |= {one for unit in self.units for one in above(self._parents, unit)}
        within: sa.ColumnElement[bool] = model.unit_id.in_(units)
        return within

    def is_near(self, column: Column, row: int, unit: int) -> bool:
        """Return whether a row that the column refers to belongs to a unit, or to one above or below it."""
        model: Any = column.refers
        if row not in self._units_of.setdefault(model, {}):
            found = self._session.execute(sa.select(model.id, model.unit_id).where(self.within(model)))
            self._units_of[model] = {number: of_row for number, of_row in found}
        of_row = self._units_of[model][row]
        return of_row in above(self._parents, unit) or unit in above(self._parents, of_row)


def texts_of(table: BookTable, row: Any) -> dict[str, str]:
    """Return a row as typed values; days are ISO 8601."""
    return {column.name: _text_of(getattr(row, column.name)) for column in table.columns}


def key_of(table: BookTable, typed: Typed) -> str:
    """Return what identifies a row among typed values, for people."""
    return " · ".join(text for name in table.key if (text := typed.get(name, "")))


def read_row(table: BookTable, typed: Typed, reach: Reach) -> dict[str, Any]:
    """Return the values by attribute. Raises BookRefused with every problem."""
    values: dict[str, Any] = {}
    problems: dict[str, Message] = {}
    for column in table.columns:
        try:
            values[column.attribute()] = _value(column, typed, reach)
        except InvalidValue as problem:
            problems[column.name] = problem.message
    problems |= contradictions(
        values, reach.today, lambda name, row, unit: reach.is_near(table.column(name), row, unit)
    )
    if problems:
        raise BookRefused(problems)
    return values


def find_row(session: Session, table: BookTable, typed: Typed, reach: Reach) -> Any:
    """Return the row that typed values name by their key, None when there is none or the key cannot be read."""
    key = {}
    for column in map(table.column, table.key):
        try:
            key[column.attribute()] = _value(column, typed, reach)
        except InvalidValue:
            return None
    return find_same(session, table, key)


def find_same(session: Session, table: BookTable, values: Mapping[str, Any]) -> Any:
    """Return the row with the same key, None when there is none."""
    key = [table.column(name).attribute() for name in table.key]
    return session.scalars(sa.select(table.model).where(*_equal(table, values, key)).limit(1)).first()


def save(
    session: Session,
    table: BookTable,
    values: Mapping[str, Any],
    actor: str,
    today: datetime.date,
    row: Any = None,
) -> Any:
    """Add a row, or change `row`; return it. Raises BookRefused for a key that another row has."""
    same = find_same(session, table, values)
    if same is not None and same is not row:
        raise _key_is_taken(table)
    is_new = row is None
    if is_new:
        row = table.model()
    changed = columns_that_differ(table, row, values)
    for name, value in values.items():
        setattr(row, name, value)
    row.search_text, row.personal_text = (_words(table, row, personal=one) for one in (False, True))
    session.add(row)
    try:
        session.flush()
    except sa.exc.IntegrityError as problem:  # another request has just used the code, or deleted what it refers to
        raise BookRefused({table.key[0]: message("book.value.changed_meanwhile")}) from problem
    if changed:
        action = f"book.{table.name}.{'add' if is_new else 'change'}"
        audit.record(session, actor, action, f"book_{table.name}:{row.id}", fields=", ".join(changed))
    if isinstance(row, BookDevice):
        look_at(session, row, today)
    return row


def require_own(table: BookTable, row: Any, reach: Reach) -> None:
    """Raise BookRefused if a row that has the key of another one belongs to a unit whose book the person cannot see."""
    if row.unit_id not in reach.units:
        raise _key_is_taken(table)


def _key_is_taken(table: BookTable) -> BookRefused:
    if table.by_code:
        return BookRefused({"code": message("book.value.code_taken")})
    titles = tuple(table.column(name).title for name in table.key)
    return BookRefused({table.key[0]: message("book.value.there_already", columns=titles)})


def columns_that_differ(table: BookTable, row: Any, values: Mapping[str, Any]) -> list[str]:
    """Return the columns in which a row has other values than these."""
    attributes = ((column.name, column.attribute()) for column in table.columns)
    return [name for name, attribute in attributes if getattr(row, attribute) != values[attribute]]


def remove(session: Session, table: BookTable, row: Any, actor: str) -> None:
    """Delete a row. Raises StillReferred."""
    number = row.id
    try:
        with session.begin_nested():
            session.delete(row)
            session.flush()
    except sa.exc.IntegrityError as problem:
        raise StillReferred from problem
    if table.model is BookDevice:
        end_alarms(session, number)
    audit.record(session, actor, f"book.{table.name}.remove", f"book_{table.name}:{number}")


def choice_named(choices: type[StrEnum], text: str) -> StrEnum | None:
    """Return the choice with this key, or with these words in any language; None when there is none."""
    wanted = folded(text)
    for choice in choices:
        key = choice_words(choice).key
        if wanted in (choice.value, *(folded(catalogue(language).template(key)) for language in LANGUAGES)):
            return choice
    return None


def _value(column: Column, typed: Typed, reach: Reach) -> Any:
    """Return the value of a column. Raises InvalidValue."""
    if text := typed.get(column.name, "").strip():
        return _read(column, text, reach)
    if column.required:
        raise InvalidValue("book.value.missing")
    return _nothing(column)


def _read(column: Column, text: str, reach: Reach) -> Any:
    match column.value_type:
        case ValueType.DAY:
            return typed_values.read_day(text)
        case ValueType.YEAR:
            return typed_values.read_year(text)
        case ValueType.COUNT:
            return typed_values.read_count(text)
        case ValueType.MONEY:
            return typed_values.read_money(text)
        case ValueType.IMEI:
            return typed_values.read_imei(text)
        case ValueType.PHONE:
            return typed_values.read_phone(text)
        case ValueType.CHOICE if column.choices is not None:
            if (choice := choice_named(column.choices, text)) is None:
                raise InvalidValue("book.value.choice", choices=tuple(choice_words(one) for one in column.choices))
            return choice.value
        case ValueType.UNIT | ValueType.ROW:
            number = reach.find(column.refers or Unit, text)
            if number is None:
                raise InvalidValue("book.value.no_unit" if column.value_type is ValueType.UNIT else "book.value.no_row")
            return number
    text = typed_values.read_text(text, column.most)
    return typed_values.read_serial(text) if column.value_type is ValueType.SERIAL else text


def _nothing(column: Column) -> Any:
    if column.name in ("planned", "allocated", "spent"):
        return 0
    return (
        None
        if column.value_type
        in (ValueType.DAY, ValueType.YEAR, ValueType.COUNT, ValueType.MONEY, ValueType.UNIT, ValueType.ROW)
        else ""
    )


def _equal(table: BookTable, values: Mapping[str, Any], key: Collection[str]) -> list[sa.ColumnElement[bool]]:
    """Return conditions for the same key; codes are equal whatever their case."""
    if table.by_code:
        return [sa.func.lower(table.model.code) == sa.func.lower(values["code"])]
    return [getattr(table.model, name) == values[name] for name in key]


def _words(table: BookTable, row: Any, *, personal: bool) -> str:
    """Return the folded words of a row, either those about a person or the others."""
    columns = (one for one in table.columns if one.value_type in _SEARCHED and one.personal is personal)
    return folded(" ".join(word for one in columns if (word := getattr(row, one.name))))


_SEARCHED = (ValueType.TEXT, ValueType.SERIAL, ValueType.IMEI, ValueType.PHONE)


def _text_of(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime.date():
            return value.isoformat()
        case str() | int():
            return str(value)
    return str(value.code)
