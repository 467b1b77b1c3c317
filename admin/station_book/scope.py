"""Tables and rows of the station book that an address names."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from broadcast_bridge.station_book.book_tables import TABLES, BookTable

NEW = 0
"""The number of a row that does not exist yet."""


def table_named(name: str) -> BookTable:
    """Return a table by its name. Raises NotFound."""
    if name not in TABLES:
        raise NotFound
    return TABLES[name]


def row_numbered(session: Session, table: BookTable, number: int) -> Any:
    """Return a row, None for a new one. Raises NotFound."""
    if number == NEW:
        return None
    row = session.get(table.model, number)
    if row is None:
        raise NotFound
    return row


def units_of_book_row(session: Session, table: str, number: int) -> Iterable[int]:
    """Return the unit of a row; a new one has none yet. Raises NotFound."""
    row = row_numbered(session, table_named(table), number)
    return [] if row is None else [row.unit_id]
