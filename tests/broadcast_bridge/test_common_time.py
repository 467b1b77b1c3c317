"""Sounds that several nodes play in step: when each begins, and where a late node continues."""

import asyncio
import datetime
import selectors
from typing import cast

import pytest

from broadcast_bridge.broadcasts.states import BroadcastEvent
from broadcast_bridge.studio.broadcast_on_air import Airing
from broadcast_bridge.studio.common_time import CLIP_SPARE, OPENING_SPARE, CommonTime
from broadcast_bridge.studio.recorded_sound import Clip, RecordedSound
from haichieu import node_clock
from haichieu.node_clock import NodeClock, Reading

CLIPS = (Clip("one", 0.6), Clip("two", 0.2))


BEGIN = datetime.datetime(2026, 11, 30, 5, tzinfo=datetime.UTC)


class Skipping(selectors.DefaultSelector):
    """Waits for nothing: the time of its loop continues instead, however slow the machine is."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed += timeout or 0.0
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        return found


class Loop(asyncio.SelectorEventLoop):
    """An event loop in which only waiting takes time."""

    def __init__(self) -> None:
        self.skipping = Skipping()
        super().__init__(self.skipping)

    def time(self) -> float:
        return self.skipping.passed


class Bridge:
    """Plays a sound by waiting for its length, and notes when it began and how much was skipped."""

    def __init__(self) -> None:
        self.played: list[tuple[str, float, float]] = []

    async def play(self, sound: str, skip: float = 0.0) -> None:
        self.played.append((sound, asyncio.get_running_loop().time(), skip))
        await asyncio.sleep({clip.path: clip.seconds for clip in CLIPS}[sound] - skip)


def played(offset: float, started_ago: float, times: int = 1) -> list[tuple[str, float, float]]:
    """Play the clips at a node whose clock is `offset` s ahead; return each sound, its begin and what was skipped."""
    clock, bridge = NodeClock(), Bridge()
    clock.take([Reading(BEGIN, BEGIN - datetime.timedelta(seconds=offset), BEGIN)])
    starts_at = BEGIN - datetime.timedelta(seconds=offset + started_ago)
    common = CommonTime(clock, starts_at, opening_seconds=0.05)
    sound = RecordedSound(CLIPS, 0.0, times, 0.1, lambda: None, None, common.clip)
    with asyncio.Runner(loop_factory=Loop) as runner, pytest.MonkeyPatch.context() as patch:
        loop = runner.get_loop()
        patch.setattr(node_clock, "now", lambda: BEGIN + datetime.timedelta(seconds=loop.time()))
        assert runner.run(sound.run(cast(Airing, bridge))).event is BroadcastEvent.END
    return [(name, begin + started_ago, skip) for name, begin, skip in bridge.played]


@pytest.mark.parametrize("offset", [0.0, 3.0, -3.0])
def test_clips_begin_at_their_moment_whatever_the_clock_shows(offset: float) -> None:
    first = 0.05 + OPENING_SPARE.total_seconds()
    second = first + CLIPS[0].seconds + CLIP_SPARE
    again = second + CLIPS[1].seconds + CLIP_SPARE + 0.1
    found = played(offset, 0.0, times=2)
    assert [(name, skip) for name, _, skip in found] == [("one", 0.0), ("two", 0.0)] * 2
    begins = [begin for _, begin, _ in found]
    assert begins[:3] == pytest.approx([first, second, again], abs=0.001)


def test_late_node_continues_where_the_others_are() -> None:
    found = played(0.0, started_ago=0.65)
    assert [name for name, _, _ in found] == ["one", "two"]
    assert found[0][2] == pytest.approx(0.3, abs=0.001), "the rest of the clip that the others play"
    assert found[1][2] == 0.0


def test_node_that_joins_after_the_end_plays_nothing() -> None:
    assert played(0.0, started_ago=5.0) == []
