"""Rate limits of the citizens' and officials' lines, so that a prank does not block a village.

A telephone is often shared by a whole village, so the limits are far above normal use. Counters are in memory only:
nothing about callers is stored.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from haichieu.errors import TooMany

DAY = 24 * 3600.0
HOUR = 3600.0
QUARTER = 900.0
MINUTE = 60.0


class TooManyMessages(TooMany):
    """The hourly limit of messages from this telephone, or without a number on this line, is reached."""


class TooManyCalls(TooMany):
    """The limit of calls from this telephone, on this line, or at the same time, is reached."""


class TooManyCaseNumbers(TooMany):
    """Too many wrong case numbers were keyed in from this telephone, by callers without a number, or on this line."""

    def __init__(self) -> None:
        super().__init__("call.too_many_case_numbers")


@dataclass(frozen=True)
class Limits:
    """The limits. Callers who withhold their number share those of the line.

    With 10,000 cases, one in 900 numbers belongs to a case: 120 wrong numbers per day and line let a stranger who calls
    all day find another person's case about once a week.
    """

    messages_an_hour: int = 20
    withheld_messages_an_hour: int = 100
    calls_an_hour: int = 60
    calls_a_minute_on_a_line: int = 600
    calls_at_once: int = 600
    """Calls in progress. Further calls are rejected; a station of two cores serves about half as many."""
    kept_for_officials: int = 40
    """Of these, so that a flood of calls to the hotline leaves the officials' and the emergency line open."""
    wrong_cases_an_hour: int = 10
    withheld_wrong_cases_a_day: int = 60
    wrong_cases_a_day_on_a_line: int = 120
    unfinished_sign_ins: int = 30
    """Sign-ins within a quarter of an hour that were begun and did not succeed."""


def limits_for(incoming_calls: int) -> Limits:
    """Return the limits of a station that can have so many incoming calls."""
    most = min(Limits.calls_at_once, incoming_calls)
    return Limits(calls_at_once=most, kept_for_officials=min(Limits.kept_for_officials, most // 4))


@dataclass(frozen=True)
class _Count:
    """A counter and its limit within a period."""

    key: tuple[str, Hashable]
    most: int
    seconds: float


class CallerLimits:
    """Counts calls, messages, case numbers and sign-ins by number and line; used only on the event loop."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._seen: dict[tuple[str, Hashable], deque[float]] = {}

    def call(self, number: str | None, line: str) -> None:
        """Count a call to a citizens' line. Raises TooManyCalls."""
        self._count_on_line("line", line)
        if number and not self._allows(_Count(("calls", number), self._limits.calls_an_hour, HOUR)):
            raise TooManyCalls("call.too_many_from_number")

    def officials_call(self, line: str) -> None:
        """Count a call to an officials' line, apart from the calls of citizens. Raises TooManyCalls.

        Not by number: a caller who forges the number of an official must not keep that official out.
        """
        self._count_on_line("officials", line)

    def require_room(self, in_progress: int, *, for_citizen: bool = False) -> None:
        """Raise TooManyCalls when no further call, or none of a citizen, can be served."""
        kept = self._limits.kept_for_officials if for_citizen else 0
        if in_progress >= self._limits.calls_at_once - kept:
            raise TooManyCalls("call.too_many_at_once")

    def message(self, number: str | None, line: str) -> None:
        """Count a message. Raises TooManyMessages."""
        key, most = (
            (number, self._limits.messages_an_hour) if number else (line, self._limits.withheld_messages_an_hour)
        )
        if not self._allows(_Count(("messages" if number else "withheld", key), most, HOUR)):
            raise TooManyMessages("call.too_many_messages")

    def case_number(self, number: str | None, line: str) -> bool:
        """Count a case number before it is looked up; return whether the caller may hear of any case."""
        counts = self._case_counts(number, line)
        if any(self._is_full(count) for count in counts):
            return False
        for count in counts:
            self._add(count)
        return True

    def case_number_was_right(self, number: str | None, line: str) -> None:
        """Take back what `case_number` counted."""
        for count in self._case_counts(number, line):
            self._take_back(count)

    def too_many_unfinished_sign_ins(self) -> bool:
        """Count a sign-in that begins; return whether too many have begun and not succeeded."""
        count = self._unfinished()
        full = self._is_full(count)
        if not full:
            self._add(count)
        return full

    def sign_in_finished(self) -> None:
        """Take back what `too_many_unfinished_sign_ins` counted."""
        self._take_back(self._unfinished())

    def _unfinished(self) -> _Count:
        return _Count(("sign-ins", ""), self._limits.unfinished_sign_ins, QUARTER)

    def _case_counts(self, number: str | None, line: str) -> tuple[_Count, _Count]:
        limits = self._limits
        origin = (
            _Count(("cases", number), limits.wrong_cases_an_hour, HOUR)
            if number
            else _Count(("cases", None), limits.withheld_wrong_cases_a_day, DAY)
        )
        return origin, _Count(("cases on line", line), limits.wrong_cases_a_day_on_a_line, DAY)

    def _count_on_line(self, key: str, line: str) -> None:
        if not self._allows(_Count((key, line), self._limits.calls_a_minute_on_a_line, MINUTE)):
            raise TooManyCalls("call.too_many_on_line")

    def _allows(self, count: _Count) -> bool:
        full = self._is_full(count)
        if not full:
            self._add(count)
        return not full

    def _is_full(self, count: _Count) -> bool:
        times, first = self._seen.get(count.key, deque()), self._clock() - count.seconds
        while times and times[0] <= first:
            times.popleft()
        return len(times) >= count.most

    def _add(self, count: _Count) -> None:
        moment = self._clock()
        self._forget(moment)
        self._seen.setdefault(count.key, deque()).append(moment)

    def _take_back(self, count: _Count) -> None:
        if times := self._seen.get(count.key):
            times.pop()

    def _forget(self, moment: float) -> None:
        """Evict callers who have been idle for an hour; the counters of a day are few."""
        if len(self._seen) > 1000:
            self._seen = {
                key: times
                for key, times in self._seen.items()
                if times and times[-1] > moment - (DAY if key == ("cases", None) or key[0] == "cases on line" else HOUR)
            }
