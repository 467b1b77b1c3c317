"""How loud each broadcast is at this moment: from the switchboard, which hears it, to the pages that show it.

A level is true for a second and owed to nobody, so it is a small file in the home and no row: as one, it would wake
every process of the station twice a second for as long as anything is on air.
"""

import os
import time
from pathlib import Path

FRESH_SECONDS = 2.0
"""What was measured longer ago says nothing about now."""


class Levels:
    """The levels of broadcasts in a station's home. Its methods block, for as long as a file of few bytes takes."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "levels"

    def tell(self, broadcast_id: int, decibels: float) -> None:
        """Write down how loud a broadcast is (dBFS)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{broadcast_id}.new"
        fresh.write_text(f"{decibels:.1f}", encoding="ascii")
        os.replace(fresh, self._file(broadcast_id))

    def forget(self, broadcast_id: int) -> None:
        """The broadcast is over."""
        self._file(broadcast_id).unlink(missing_ok=True)

    def of(self, broadcast_id: int) -> float | None:
        """How loud a broadcast is (dBFS); None when nobody has measured it just now."""
        file = self._file(broadcast_id)
        try:
            if time.time() - file.stat().st_mtime > FRESH_SECONDS:
                return None
            return float(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _file(self, broadcast_id: int) -> Path:
        return self._folder / str(broadcast_id)
