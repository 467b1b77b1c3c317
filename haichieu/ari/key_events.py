"""Key events of a channel, and which of them Asterisk has reported twice."""

import datetime

from haichieu.ari.events import Event


def is_echo(earlier: Event, later: Event) -> bool:
    """Return whether a key event only repeats the one before it.

    Asterisk reports a key twice when the next follows within 45 ms, as speed dials send them. By its duration, such a
    key must have been pressed before the previous event, so it is a repetition.
    """
    apart = (_released_at(later) - _released_at(earlier)).total_seconds() * 1000
    return bool(earlier.body["digit"] == later.body["digit"] and apart < later.body["duration_ms"] / 2)


def _released_at(event: Event) -> datetime.datetime:
    return datetime.datetime.fromisoformat(event.body["timestamp"])
