"""Journal of changed rows: changes rows of any table by id, and takes the changes back."""

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.database import Base

AT_ONCE = 500
"""Rows per statement."""


@dataclass
class Journal:
    """The steps of one change. `newest` is the highest id of each table when it was made."""

    session: Session
    steps: list[dict[str, Any]] = field(default_factory=list)

    def set(self, column: sa.Column[Any], rows: Collection[int], before: object, after: object) -> None:
        """Set a column of rows that all have the value `before`."""
        if not rows:
            return
        _set(self.session, column, rows, after)
        self.steps.append(
            {"do": "set", "table": column.table.name, "column": column.name, "rows": sorted(rows),
             "before": _plain(before), "after": _plain(after)}
        )  # fmt: skip

    def add(self, table: sa.Table, **values: Any) -> int:
        """Insert a row; return its id, 0 for a table without one."""
        key = {column.name: values[column.name] for column in table.primary_key if column.name in values}
        if key:
            self.session.execute(sa.insert(table).values(**values))
        else:
            key["id"] = self.session.scalars(sa.insert(table).values(**values).returning(table.c.id)).one()
        self.steps.append({"do": "add", "table": table.name, "key": key})
        return int(key.get("id", 0))

    def remove(self, table: sa.Table, **values: int) -> None:
        """Delete the row of an association with these values."""
        self.session.execute(sa.delete(table).where(*_equal(table, values)))
        self.steps.append({"do": "remove", "table": table.name, "key": values})


def take_back(session: Session, steps: Sequence[Mapping[str, Any]]) -> Mapping[str, list[int]]:
    """Reverse the steps, the last first. No column is set back to a moment: they were empty before.

    Return the rows that have another value by now, by `table.column`; rows that no longer exist are left out.
    """
    changed: dict[str, list[int]] = {}
    for step in reversed(steps):
        table = Base.metadata.tables[step["table"]]
        match step["do"]:
            case "set":
                column = table.c[step["column"]]
                there = {
                    number: value
                    for rows in _chunks(step["rows"])
                    for number, value in session.execute(sa.select(table.c.id, column).where(table.c.id.in_(rows)))
                }
                other = [number for number, value in there.items() if _plain(value) != step["after"]]
                if other:
                    changed.setdefault(f"{table.name}.{column.name}", []).extend(other)
                _set(session, column, there.keys() - set(other), step["before"])
            case "add":
                session.execute(sa.delete(table).where(*_equal(table, step["key"])))
            case "remove":
                if not session.execute(sa.select(table).where(*_equal(table, step["key"]))).first():
                    session.execute(sa.insert(table).values(**step["key"]))
    return changed


def _set(session: Session, column: sa.Column[Any], rows: Iterable[int], value: object) -> None:
    for numbers in _chunks(sorted(rows)):
        table = column.table
        session.execute(sa.update(table).where(table.c.id.in_(numbers)).values({column.name: value}))


def _plain(value: object) -> object:
    """Return a value as it fits into JSON."""
    return value.astimezone(datetime.UTC).isoformat() if isinstance(value, datetime.datetime) else value


def _equal(table: sa.Table, values: Mapping[str, object]) -> Iterator[sa.ColumnElement[bool]]:
    return (table.c[name] == value for name, value in values.items())


def _chunks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
