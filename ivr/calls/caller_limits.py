"""Rate limits of the citizens' lines, so that a prank does not block a village.

A telephone is often shared by a whole village, so the limits are far above normal use. Counters are in memory only:
nothing about callers is stored.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from haichieu.errors import TooMany

HOUR = 3600.0
MINUTE = 60.0


class TooManyMessages(TooMany):
    """The hourly limit of messages from this telephone, or without a number on this line, is reached."""


class TooManyCalls(TooMany):
    """The limit of calls from this telephone, or on this line, is reached."""


@dataclass(frozen=True)
class Limits:
    """The limits. Callers who withhold their number share those of the line."""

    messages_an_hour: int = 20
    withheld_messages_an_hour: int = 100
    calls_an_hour: int = 60
    calls_a_minute_on_a_line: int = 600


class CallerLimits:
    """Counts calls and messages by number and line; used only on the event loop."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._seen: dict[tuple[str, Hashable], deque[float]] = {}

    def call(self, number: str | None, line: str) -> None:
        """Count a call. Raises TooManyCalls."""
        if not self._allows(("line", line), self._limits.calls_a_minute_on_a_line, MINUTE):
            raise TooManyCalls("call.too_many_on_line")
        if number and not self._allows(("calls", number), self._limits.calls_an_hour, HOUR):
            raise TooManyCalls("call.too_many_from_number")

    def message(self, number: str | None, line: str) -> None:
        """Count a message. Raises TooManyMessages."""
        key, most = (
            (number, self._limits.messages_an_hour) if number else (line, self._limits.withheld_messages_an_hour)
        )
        if not self._allows(("messages" if number else "withheld", key), most, HOUR):
            raise TooManyMessages("call.too_many_messages")

    def _allows(self, key: tuple[str, Hashable], most: int, seconds: float) -> bool:
        moment = self._clock()
        self._forget(moment)
        times = self._seen.setdefault(key, deque())
        while times and times[0] <= moment - seconds:
            times.popleft()
        if len(times) >= most:
            return False
        times.append(moment)
        return True

    def _forget(self, moment: float) -> None:
        """Evict callers who have been idle for an hour."""
        if len(self._seen) > 1000:
            self._seen = {key: times for key, times in self._seen.items() if times and times[-1] > moment - HOUR}
