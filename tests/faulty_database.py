"""A database whose writes fail while a test wants them to."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.database import Database

T = TypeVar("T")


def database_away(*_: object, **__: object) -> NoReturn:
    """Fail as a write does while another process holds the lock too long."""
    raise sa.exc.OperationalError("COMMIT", {}, Exception("database is locked"))


class FaultyDatabase(Database):
    """The same database as another one; `run` and `look` fail when told to."""

    def __init__(self, same: Database) -> None:
        super().__init__(same.url.render_as_string(hide_password=False))
        self.failures = 0
        self._is_locked = False
        self._fails_once = False
        self.fails_for: Callable[[Session], bool] = lambda session: False
        """Which writes fail, by what they have done."""

    def lock(self) -> None:
        """Let every write fail, as it does while another process holds the lock too long."""
        self._is_locked = True

    def release(self) -> None:
        """Let everything work again."""
        self._is_locked = False
        self.fails_for = lambda session: False

    def fail_once(self) -> None:
        """Let the next write or read fail."""
        self._fails_once = True

    def _in_session(self, work: Callable[[Session], T]) -> T:
        with self.session() as session:
            done = work(session)
            self._fail(locked=self._is_locked or self.fails_for(session))
            return done

    def _in_reading(self, work: Callable[[Session], T]) -> T:
        self._fail(locked=False)
        return super()._in_reading(work)

    def _fail(self, *, locked: bool) -> None:
        if locked or self._fails_once:
            self._fails_once = False
            self.failures += 1
            database_away()
