"""Time in which sound flowed to a loudspeaker, in one call."""

import datetime


class PlayingTime:
    """Intervals between a start and a stop. Repeated starts and stops have no effect."""

    def __init__(self) -> None:
        self._intervals: list[tuple[datetime.datetime, datetime.datetime]] = []
        self._since: datetime.datetime | None = None

    def flows(self, at: datetime.datetime) -> None:
        """Count from `at` on."""
        if self._since is None:
            self._since = at

    def stops(self, at: datetime.datetime) -> None:
        """Count no longer than until `at`."""
        if self._since is not None:
            self._intervals.append((self._since, at))
            self._since = None

    def seconds(self, begin: datetime.datetime, end: datetime.datetime) -> float:
        """Return the seconds counted between two times."""
        intervals = [*self._intervals, *([(self._since, end)] if self._since else [])]
        return sum(max((min(until, end) - max(since, begin)).total_seconds(), 0.0) for since, until in intervals)
