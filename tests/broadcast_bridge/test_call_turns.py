"""Turns for calls to speakers: none while Asterisk is late, or while many already wait for a seat."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from broadcast_bridge.studio.call_turns import CALLS_AT_ONCE, MOST_WAITING, CallTurns
from haichieu.ari.outgoing_lines import Lines
from tests.builders.seats import OURS, Pool, in_line
from tests.fake_asterisk import FakeAsterisk


async def settled() -> None:
    """Let everything that can happen now happen."""
    for _ in range(10):
        await asyncio.sleep(0)


class Callers:
    """Calls that each want a turn and keep it."""

    def __init__(self, turns: CallTurns) -> None:
        self._turns, self._hold, self.calling = turns, asyncio.Event(), 0

    async def call(self) -> None:
        async with self._turns:
            self.calling += 1
            await self._hold.wait()

    def begin(self, count: int) -> "list[asyncio.Task[None]]":
        return [asyncio.create_task(self.call()) for _ in range(count)]

    async def end(self, tasks: "list[asyncio.Task[None]]") -> None:
        self._hold.set()
        await asyncio.gather(*tasks)


async def test_only_a_few_speakers_are_called_at_the_same_time() -> None:
    callers = Callers(CallTurns(FakeAsterisk().client, None))
    tasks = callers.begin(3 * CALLS_AT_ONCE)
    await settled()
    assert callers.calling == CALLS_AT_ONCE
    await callers.end(tasks)
    assert callers.calling == 3 * CALLS_AT_ONCE


async def test_nobody_is_called_while_asterisk_is_late() -> None:
    prompt = asyncio.Event()
    callers = Callers(CallTurns(cast(Any, SimpleNamespace(until_prompt=prompt.wait)), None))
    tasks = callers.begin(2)
    await settled()
    assert callers.calling == 0
    prompt.set()
    await settled()
    assert callers.calling == 2
    await callers.end(tasks)


async def test_turn_of_a_call_that_is_given_up_goes_to_the_next() -> None:
    prompt = asyncio.Event()
    callers = Callers(CallTurns(cast(Any, SimpleNamespace(until_prompt=prompt.wait)), None))
    given_up, tasks = callers.begin(CALLS_AT_ONCE), callers.begin(CALLS_AT_ONCE)
    await settled()
    for task in given_up:
        task.cancel()
    await asyncio.wait(given_up)
    prompt.set()
    await settled()
    assert callers.calling == CALLS_AT_ONCE
    await callers.end(tasks)


async def test_nobody_is_called_while_many_wait_for_a_seat() -> None:
    async with Pool() as pool:
        waiting = [await in_line(pool, OURS) for _ in range(MOST_WAITING)]
        callers = Callers(CallTurns(pool.client, pool))
        tasks = callers.begin(1)
        await settled()
        assert callers.calling == 0
        pool.turns.release()
        await settled()
        assert callers.calling == 1
        await callers.end(tasks)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


@pytest.mark.parametrize(("lines", "seats"), [(10, 5), (1, 0)])
async def test_seats_leave_lines_for_the_speakers(lines: int, seats: int) -> None:
    async with Pool() as pool:
        pool.client.lines = Lines(lines)
        for _ in range(3):
            pool.prepare("alaw", 100)
        assert pool._on_the_way["alaw"] == seats
        for _ in range(seats):
            pool.turns.release()
        await pool.made("alaw", 5.0)
