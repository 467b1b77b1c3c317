"""Keys without pauses between them, of which Asterisk reports some twice.

A key that begins within 45 ms of the one before is emulated for its whole duration. What ends meanwhile is queued,
reported, and reported again when it leaves the queue.
"""

import datetime

from haichieu.ari.call import is_echo
from haichieu.ari.events import Event

DURATION = 200
RECORDED = (
    *(("1", 0), ("1", 235), ("2", 221), ("2", 25), ("3", 218), ("3", 27), ("4", 219), ("4", 42)),
    *(("5", 245), ("5", 1), ("6", 218), ("6", 92), ("#", 147)),
)
"""Keys as a real Asterisk reported them, and the milliseconds since the report before."""


def test_a_key_that_is_reported_twice_counts_once() -> None:
    at = datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.UTC)
    pressed: list[Event] = []
    for key, milliseconds in RECORDED:
        at += datetime.timedelta(milliseconds=milliseconds)
        body = {"digit": key, "duration_ms": DURATION, "timestamp": at.isoformat()}
        event = Event("ChannelDtmfReceived", body)
        if not (pressed and is_echo(pressed[-1], event)):
            pressed.append(event)
    assert "".join(event.body["digit"] for event in pressed) == "1123456#"
