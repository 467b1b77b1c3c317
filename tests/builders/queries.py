"""The statements that a database executes."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from haichieu.database import Database


@contextmanager
def queries(database: Database) -> Iterator[list[str]]:
    """Collect the statements of the block."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
