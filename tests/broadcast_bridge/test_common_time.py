"""Sounds that several nodes play in step: when each begins, and where a late node continues."""

import asyncio
import datetime
import time
from typing import cast

import pytest

from broadcast_bridge.broadcasts.states import BroadcastEvent
from broadcast_bridge.studio.broadcast_on_air import Airing
from broadcast_bridge.studio.common_time import CLIP_SPARE, OPENING_SPARE, CommonTime
from broadcast_bridge.studio.recorded_sound import Clip, RecordedSound
from haichieu.database import now
from haichieu.node_clock import NodeClock, Reading

CLIPS = (Clip("one", 0.6), Clip("two", 0.2))


class Bridge:
    """Plays a sound by waiting for its length, and notes when it began and how much was skipped."""

    def __init__(self) -> None:
        self.played: list[tuple[str, float, float]] = []

    async def play(self, sound: str, skip: float = 0.0) -> None:
        self.played.append((sound, time.monotonic(), skip))
        await asyncio.sleep({clip.path: clip.seconds for clip in CLIPS}[sound] - skip)


async def played(offset: float, started_ago: float, times: int = 1) -> list[tuple[str, float, float]]:
    """Play the clips at a node whose clock is `offset` s ahead; return each sound, its begin and what was skipped."""
    clock, at = NodeClock(), now()
    clock.take([Reading(at, at - datetime.timedelta(seconds=offset), at)])
    starts_at = at - datetime.timedelta(seconds=offset + started_ago)
    common, bridge = CommonTime(clock, starts_at, opening_seconds=0.05), Bridge()
    sound = RecordedSound(CLIPS, 0.0, times, 0.1, lambda: None, None, common.clip)
    began = time.monotonic()
    assert (await sound.run(cast(Airing, bridge))).event is BroadcastEvent.END
    return [(name, begin - began + started_ago, skip) for name, begin, skip in bridge.played]


@pytest.mark.parametrize("offset", [0.0, 3.0, -3.0])
async def test_clips_begin_at_their_moment_whatever_the_clock_shows(offset: float) -> None:
    first = 0.05 + OPENING_SPARE.total_seconds()
    second = first + CLIPS[0].seconds + CLIP_SPARE
    again = second + CLIPS[1].seconds + CLIP_SPARE + 0.1
    found = await played(offset, 0.0, times=2)
    assert [(name, skip) for name, _, skip in found] == [("one", 0.0), ("two", 0.0)] * 2
    begins = [begin for _, begin, _ in found]
    assert begins[:3] == pytest.approx([first, second, again], abs=0.08)


async def test_late_node_continues_where_the_others_are() -> None:
    found = await played(0.0, started_ago=0.65)
    assert [name for name, _, _ in found] == ["one", "two"]
    assert found[0][2] == pytest.approx(0.3, abs=0.08), "the rest of the clip that the others play"
    assert found[1][2] == 0.0


async def test_node_that_joins_after_the_end_plays_nothing() -> None:
    assert await played(0.0, started_ago=5.0) == []
