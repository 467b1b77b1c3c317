"""Current level of each broadcast, passed from the switchboard to the pages.

A level is valid for a second only, so it is a small file in the home and not a row: a row would wake every process of
the station twice a second while anything is on air.
"""

import os
import time
from pathlib import Path

FRESH_SECONDS = 2.0
"""Older measurements say nothing about now."""


class Levels:
    """The levels of broadcasts in a station's home. Its methods block for the time of a small file access."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "levels"

    def tell(self, broadcast_id: int, decibels: float) -> None:
        """Store the level of a broadcast (dBFS)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{broadcast_id}.new"
        fresh.write_text(f"{decibels:.1f}", encoding="ascii")
        os.replace(fresh, self._file(broadcast_id))

    def forget(self, broadcast_id: int) -> None:
        """Remove the level of a broadcast that is over."""
        self._file(broadcast_id).unlink(missing_ok=True)

    def of(self, broadcast_id: int) -> float | None:
        """Return the level of a broadcast (dBFS), or None without a recent measurement."""
        file = self._file(broadcast_id)
        try:
            if time.time() - file.stat().st_mtime > FRESH_SECONDS:
                return None
            return float(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _file(self, broadcast_id: int) -> Path:
        return self._folder / str(broadcast_id)
