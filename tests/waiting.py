"""Waiting for a condition without an event loop; with one, `haichieu.demo.trial_station.until` does the same."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.05


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait until a condition is true; fail with `what` after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for: {what}"
        time.sleep(PAUSE_SECONDS)
