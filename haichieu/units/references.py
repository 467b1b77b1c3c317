"""Rules about everything that refers to a unit: each room lists its columns, `haichieu.district.unit_rules` joins them.

A test compares the lists with the foreign keys of all tables, so that a new one cannot be forgotten.
"""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from haichieu.database import Base
from haichieu.locale import Message
from haichieu.people import Account, Official, Unit
from haichieu.units.journal import Journal
from haichieu.units.models import FormerName


class Given(StrEnum):
    """Whether the rows of a unit that is split are given to its parts one by one."""

    NEVER = "never"
    """They stay with the unit."""
    MAY = "may"
    MUST = "must"


@dataclass(frozen=True)
class Reference:
    """A column that refers to a unit. `what` is the text `unit_tree.what.<what>`, a number of such rows.

    When a unit is merged, the rows that are `live` follow it into the other unit; the rest are history, which stays
    under the old name. `follows` False makes all of them history; the rows of `by_carrier` are left to a `Carrier`.
    """

    column: sa.Column[Any]
    what: str
    live: sa.ColumnElement[bool] | None = None
    follows: bool = True
    by_carrier: bool = False
    shown: sa.ColumnElement[str] | None = None
    """Names the rows in a preview."""
    code: sa.ColumnElement[str] | None = None
    """Names one row for a command."""
    given: Given = Given.NEVER
    unless_alike: tuple[str, ...] = ()
    """Columns that are unique within a unit: a row stays if the other unit has one with the same values."""

    @property
    def name(self) -> str:
        """The name of the column, `table.column`."""
        return f"{self.table.name}.{self.column.name}"

    @property
    def table(self) -> sa.Table:
        return Base.metadata.tables[str(self.column.table)]

    def rows_of(self, session: Session, unit_id: int) -> Sequence[int]:
        """Return the ids of the rows of a unit that follow it."""
        if not self.follows or self.by_carrier:
            return ()
        live = () if self.live is None else (self.live,)
        return session.scalars(sa.select(self.table.c.id).where(self.column == unit_id, *live)).all()

    def named(self, session: Session, rows: Collection[int], most: int) -> Sequence[str]:
        """Return the names of up to `most` of these rows."""
        if self.shown is None:
            return ()
        query = sa.select(self.shown).where(self.table.c.id.in_(list(rows)[:most])).order_by(self.shown)
        return session.scalars(query).all()

    def count(self, session: Session, unit_id: int) -> int:
        """Return the number of rows of a unit."""
        return session.scalars(sa.select(sa.func.count()).select_from(self.table).where(self.column == unit_id)).one()


def column_of(attribute: InstrumentedAttribute[Any]) -> sa.Column[Any]:
    """Return the column of a mapped attribute."""
    column = attribute.property.columns[0]
    if not isinstance(column, sa.Column):
        raise TypeError(f"{attribute} is no column")
    return column


def table_of(model: type[Base]) -> sa.Table:
    """Return the table of a model."""
    if not isinstance(model.__table__, sa.Table):
        raise TypeError(f"{model} has no table")
    return model.__table__


class Carrier(Protocol):
    """Carries what belongs to units in another way than by one column, before their rows change."""

    def merging(
        self, session: Session, journal: Journal, unit: Unit, into: Unit, below: Sequence[int], at: datetime.datetime
    ) -> None:
        """Prepare the merging of a unit; the units `below` it are about to belong to the other."""

    def splitting(
        self,
        session: Session,
        journal: Journal,
        unit: Unit,
        parts: Collection[int],
        given: Collection[tuple[str, int]],
        at: datetime.datetime,
    ) -> None:
        """Prepare splitting: `parts` are the new units, `given` the rows they get, by the name of a reference."""

    def moving(self, session: Session, journal: Journal, unit: Unit, at: datetime.datetime) -> None:
        """Prepare moving a unit with everything below it."""


@dataclass(frozen=True)
class Reach:
    """The reach of one thing or person: the loudspeakers of a zone, an official, an account or a schedule."""

    name: str
    speakers: frozenset[int]


Reaches = Mapping[tuple[str, int], Reach]
"""By kind, whose text is `unit_tree.reach.<kind>`, and id."""


@dataclass(frozen=True)
class UnitRules:
    """The rules of all rooms."""

    references: Sequence[Reference]
    carriers: Sequence[Carrier]
    obstacles: Sequence[Callable[[Session, Collection[int]], Iterable[Message]]]
    """Each says what forbids a change of these units and those below them at the moment."""
    reaches: Sequence[Callable[[Session], Reaches]]

    def of(self, name: str) -> Reference | None:
        """Return the reference of a column, `table.column`."""
        return next((one for one in self.references if one.name == name), None)


REFERENCES = (
    Reference(
        column_of(Unit.parent_id), "units", live=Unit.retired_at.is_(None), by_carrier=True,
        shown=column_of(Unit.name), code=column_of(Unit.code), given=Given.MUST,
    ),
    Reference(
        column_of(Official.unit_id), "officials", shown=column_of(Official.name), code=column_of(Official.code),
        given=Given.MAY,
    ),
    Reference(
        column_of(Account.unit_id), "accounts", shown=column_of(Account.email), code=column_of(Account.email),
        given=Given.MAY,
    ),
    Reference(column_of(FormerName.unit_id), "former_names", follows=False),
)  # fmt: skip
"""References of the base itself. Units below one are handled by the operations themselves."""
