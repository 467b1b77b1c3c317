"""Level of a broadcast, as measured and as reported."""

import os
import time
from pathlib import Path

import pytest

from broadcast_bridge.studio.level_meter import level_of
from broadcast_bridge.studio.levels import FRESH_SECONDS, Levels
from haichieu.audio.sound import LOWEST_DBFS


def test_a_tone_is_as_loud_as_it_is() -> None:
    loudest, silence = b"\x80\x00" * 80, b"\xff\x7f" * 80  # G.711: both signs of the largest and the smallest code
    assert level_of(loudest) == pytest.approx(-0.17, abs=0.05)
    assert level_of(loudest + silence) == pytest.approx(-3.18, abs=0.05)
    assert level_of(silence) == level_of(b"") == LOWEST_DBFS


def test_only_recent_measurements_are_returned(tmp_path: Path) -> None:
    levels = Levels(tmp_path)
    assert levels.of(7) is None
    levels.tell(7, -18.25)
    assert levels.of(7) == pytest.approx(-18.2, abs=0.06)
    long_ago = time.time() - FRESH_SECONDS - 1
    os.utime(tmp_path / "levels" / "7", (long_ago, long_ago))
    assert levels.of(7) is None
    levels.tell(7, -20.0)
    levels.forget(7)
    levels.forget(7)
    assert levels.of(7) is None
