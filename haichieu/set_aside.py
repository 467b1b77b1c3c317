"""Isolation of rows that are handled in one transaction: a row that fails is set aside, and the others go ahead."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

log = structlog.get_logger()

T = TypeVar("T")

UNAVAILABLE = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""Errors that are not about a row: the database is locked, full or away."""


def or_set_aside(
    session: Session, about: str, work: Callable[[], T], set_aside: Callable[[], object] = lambda: None
) -> T | None:
    """Do work about one row in a savepoint and return its result.

    When it fails it is undone, `set_aside` is called to take the row out of the queue, with an alarm, and None is
    returned. A row that another process has changed meanwhile (IntegrityError) is only left for the next time.
    """
    try:
        with session.begin_nested():
            return work()
    except UNAVAILABLE:
        raise
    except sa.exc.IntegrityError as problem:
        log.info("row.left_for_later", about=about, problem=type(problem).__name__)
        return None
    except Exception:
        log.exception("row.set_aside", about=about)
    try:
        with session.begin_nested():
            set_aside()
    except UNAVAILABLE:
        raise
    except Exception:
        log.exception("row.not_set_aside", about=about)
    return None
