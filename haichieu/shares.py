"""Progress of long work, reported as the share that is done (0 to 1)."""

import time
from collections.abc import Callable


def told_at_most_every(seconds: float, tell: Callable[[float], None]) -> Callable[[float], None]:
    """Return a function that passes shares on to `tell`, unless it did so less than `seconds` ago."""
    told_at = time.monotonic()

    def report(share: float) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= seconds:
            told_at = time.monotonic()
            tell(share)

    return report
