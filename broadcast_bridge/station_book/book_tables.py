"""The tables of the station book as data: one description serves form, list, import, export and search."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from broadcast_bridge.models import Speaker
from broadcast_bridge.station_book import states
from broadcast_bridge.station_book.models import (
    BookAttendance,
    BookBudget,
    BookCourse,
    BookDevice,
    BookInspection,
    BookNeed,
    BookPlan,
    BookStation,
)
from haichieu.database import Base
from haichieu.locale import Message, message


class ValueType(Enum):
    """Types of values."""

    TEXT = "text"
    SERIAL = "serial"
    """Letters and digits as they are on the device; zeros at the beginning count."""
    IMEI = "imei"
    PHONE = "phone"
    DAY = "day"
    YEAR = "year"
    COUNT = "count"
    MONEY = "money"
    CHOICE = "choice"
    UNIT = "unit"
    ROW = "row"
    """The code of a row of another table, or of a speaker."""


@dataclass(frozen=True)
class Column:
    """A column. `personal` ones are shown only to users who keep the book, `listed` ones in the list on the page."""

    name: str
    value_type: ValueType = ValueType.TEXT
    required: bool = False
    listed: bool = False
    personal: bool = False
    most: int = 200
    choices: type[StrEnum] | None = None
    refers: type[Base] | None = None

    @property
    def title(self) -> Message:
        """The name of the column for people."""
        return message(f"book.column.{self.name}")

    @property
    def is_word(self) -> bool:
        """Whether its values are words, in contrast to figures."""
        return self.value_type not in (ValueType.YEAR, ValueType.COUNT, ValueType.MONEY)

    def attribute(self) -> str:
        """Return the attribute of the row that stores the value."""
        return f"{self.name}_id" if self.value_type in (ValueType.UNIT, ValueType.ROW) else self.name


@dataclass(frozen=True)
class BookTable:
    """A table. The columns `key` identify a row, in the book and in an imported table; the first is always among them.

    With `by_code` a row has a code of the whole station; any other key is compared within its unit.
    """

    name: str
    model: Any
    key: tuple[str, ...]
    columns: Sequence[Column]

    @property
    def title(self) -> Message:
        """The name of the table for people."""
        return message(f"book.table.{self.name}")

    @property
    def entry(self) -> Message:
        """What one of its rows is called, inside a sentence."""
        return message(f"book.entry.{self.name}")

    @property
    def by_code(self) -> bool:
        """Whether a code identifies its rows."""
        return self.key == ("code",)

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(one for one in self.columns if one.name == name)


def choice_words(choice: StrEnum) -> Message:
    """Return a choice in words."""
    return message(f"book.choice.{type(choice).__name__}.{choice.value}")


def _choice(name: str, choices: type[StrEnum], *, required: bool = True) -> Column:
    return Column(name, ValueType.CHOICE, required, listed=True, choices=choices)


CODE = Column("code", ValueType.SERIAL, required=True, listed=True, most=40)
NAME = Column("name", required=True, listed=True)
UNIT = Column("unit", ValueType.UNIT, required=True, listed=True)
YEAR = Column("year", ValueType.YEAR, required=True, listed=True)
SINCE_YEAR = Column("since_year", ValueType.YEAR)
CONDITION = _choice("condition", states.Condition)
STATION = Column("station", ValueType.ROW, refers=BookStation)
NOTE = Column("note", most=500)

TABLES: dict[str, BookTable] = {
    table.name: table
    for table in (
        BookTable(
            "stations", BookStation, ("code",),
            (
                CODE, NAME, UNIT, _choice("technology", states.Technology), CONDITION, SINCE_YEAR,
                _choice("connected", states.Answer, required=False), NOTE,
            ),
        ),
        BookTable(
            "devices", BookDevice, ("code",),
            (
                CODE, NAME, UNIT, _choice("device_kind", states.DeviceKind), CONDITION,
                Column("speaker", ValueType.ROW, refers=Speaker), STATION, SINCE_YEAR,
                Column("serial", ValueType.SERIAL, most=60), Column("imei", ValueType.IMEI),
                Column("sim_number", ValueType.PHONE, personal=True), Column("sim_carrier", most=60),
                Column("sim_owner", personal=True), Column("sim_until", ValueType.DAY, listed=True),
                Column("warranty_until", ValueType.DAY, listed=True), NOTE,
            ),
        ),
        BookTable(
            "inspections", BookInspection, ("inspected_on", "unit", "device"),
            (
                Column("inspected_on", ValueType.DAY, required=True, listed=True), UNIT,
                Column("device", ValueType.ROW, listed=True, refers=BookDevice),
                _choice("finding", states.Finding), Column("inspector", personal=True),
                Column("next_on", ValueType.DAY, listed=True), NOTE,
            ),
        ),
        BookTable(
            "plans", BookPlan, ("work", "year", "unit"),
            (
                Column("work", required=True, listed=True), YEAR, UNIT, _choice("plan_kind", states.PlanKind),
                _choice("plan_state", states.PlanState), STATION, Column("cost", ValueType.MONEY, listed=True),
                _choice("fund", states.Fund, required=False), Column("done_on", ValueType.DAY), NOTE,
            ),
        ),
        BookTable(
            "needs", BookNeed, ("topic", "year", "unit", "audience"),
            (
                Column("topic", required=True, listed=True), YEAR, UNIT, _choice("audience", states.Audience),
                Column("people", ValueType.COUNT, required=True, listed=True), NOTE,
            ),
        ),
        BookTable(
            "courses", BookCourse, ("code",),
            (
                CODE, NAME, UNIT, Column("starts_on", ValueType.DAY, required=True, listed=True),
                Column("ends_on", ValueType.DAY), Column("organiser", listed=True), Column("place"), NOTE,
            ),
        ),
        BookTable(
            "attendance", BookAttendance, ("course", "person", "unit"),
            (
                Column("course", ValueType.ROW, required=True, listed=True, refers=BookCourse),
                Column("person", required=True, listed=True, personal=True), UNIT,
                Column("job_title", listed=True), _choice("attended", states.Attended), NOTE,
            ),
        ),
        BookTable(
            "budget", BookBudget, ("fund", "purpose", "programme", "year", "unit"),
            (
                _choice("fund", states.Fund), _choice("purpose", states.Purpose), Column("programme", listed=True),
                YEAR, UNIT,
                *(Column(name, ValueType.MONEY, listed=True) for name in ("planned", "allocated", "spent")), NOTE,
            ),
        ),
    )
}  # fmt: skip
