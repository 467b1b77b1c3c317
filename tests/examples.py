"""Number of examples of a property-based test: few while someone waits, all of them in `make proof`."""

import os

SHARE = 1 if os.environ.get("HAICHIEU_PROOF") else 6


def examples(number: int) -> int:
    """Return how many of `number` examples this run tries."""
    return max(number // SHARE, 10)
