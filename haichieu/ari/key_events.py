"""Keys that a caller presses: what was entered, and which events Asterisk has reported twice."""

import datetime
from dataclasses import dataclass
from typing import Literal

from haichieu.ari.events import Event


@dataclass(frozen=True)
class Digits:
    """Keys that a caller pressed, and what ended the input."""

    keys: str
    ended_by: Literal["terminator", "length", "silence"]


def is_echo(earlier: Event, later: Event) -> bool:
    """Return whether a key event only repeats the one before it.

    Asterisk reports a key twice when the next follows within 45 ms, as speed dials send them. By its duration, such a
    key must have been pressed before the previous event, so it is a repetition.
    """
    apart = (_released_at(later) - _released_at(earlier)).total_seconds() * 1000
    return bool(earlier.body["digit"] == later.body["digit"] and apart < later.body["duration_ms"] / 2)


def _released_at(event: Event) -> datetime.datetime:
    return datetime.datetime.fromisoformat(event.body["timestamp"])
