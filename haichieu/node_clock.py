"""The clock of a node compared with the database's, which all nodes share.

A reading is as exact as half the time that it took (as in NTP, RFC 5905 §8). Nodes use the offset to play in step, and
an alarm reports a clock that is off by more than `MOST_SECONDS`.
"""

import datetime
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from haichieu.database import now

MOST_SECONDS = 0.05
"""Two nodes that are off by this much in opposite directions are 100 ms apart."""
REMEMBERED = 5
"""Beats of which the best reading counts: one of a busy moment is worth little."""


@dataclass(frozen=True)
class Reading:
    """One reading of the database's clock, which was at `theirs` between `before` and `after` of this machine."""

    before: datetime.datetime
    theirs: datetime.datetime
    after: datetime.datetime

    @property
    def offset(self) -> float:
        """Seconds that this machine's clock is ahead of the database's."""
        return ((self.before - self.theirs) + (self.after - self.theirs)).total_seconds() / 2

    @property
    def error(self) -> float:
        """Seconds by which `offset` may be wrong."""
        return abs((self.after - self.before).total_seconds()) / 2


class NodeClock:
    """The offset of this machine's clock, from the best of the latest readings."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque(maxlen=REMEMBERED)

    def take(self, readings: Iterable[Reading]) -> None:
        """Take the readings of one beat; the quickest of them counts. A clock that was set makes older ones void."""
        best = min(readings, key=lambda one: one.error)
        if any(abs(one.offset - best.offset) > one.error + best.error + MOST_SECONDS for one in self._readings):
            self._readings.clear()
        self._readings.append(best)

    @property
    def _best(self) -> Reading | None:
        return min(self._readings, key=lambda one: one.error, default=None)

    @property
    def offset(self) -> float | None:
        """Seconds that this machine's clock is ahead of the database's; None if it was never measured."""
        return self._best.offset if self._best else None

    @property
    def is_off(self) -> bool:
        """Whether the clock is certainly off by more than `MOST_SECONDS`."""
        return self._best is not None and abs(self._best.offset) - self._best.error > MOST_SECONDS

    def now(self) -> datetime.datetime:
        """Return the time by the database's clock."""
        return self.common(now())

    def local(self, moment: datetime.datetime) -> datetime.datetime:
        """Return what this machine's clock shows at a moment of the database's."""
        return moment + datetime.timedelta(seconds=self.offset or 0.0)

    def common(self, moment: datetime.datetime) -> datetime.datetime:
        """Return a moment of this machine by the database's clock."""
        return moment - datetime.timedelta(seconds=self.offset or 0.0)
