"""Speakers that wait for a seat at the fan-out: the order, the end of waiting, and no seat that is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio

from broadcast_bridge.studio import direct_sound
from broadcast_bridge.studio.direct_sound import DirectSound
from broadcast_bridge.studio.seats import Seat
from broadcast_bridge.studio.speaker_target import LegTarget
from haichieu.ari.call import Call
from haichieu.ari.errors import HungUp
from tests.builders.seats import OURS, THEIRS, Pool, in_line


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool() as made:
        yield made


async def given(*waiting: "asyncio.Task[Seat | None]") -> list[bool]:
    """Return those that have a seat now."""
    for _ in range(10):
        await asyncio.sleep(0)
    return [task.done() and task.result() is not None for task in waiting]


async def test_seats_go_to_those_who_wait_in_their_order(pool: Pool) -> None:
    first, second = await in_line(pool, OURS), await in_line(pool, THEIRS)
    assert await given(first, second) == [False, False]
    pool.turns.release()
    assert await given(first, second) == [True, False]
    pool.turns.release()
    assert await given(first, second) == [True, True]
    assert first.result() is not second.result()


async def test_only_those_of_the_owner_are_woken_without_a_seat(pool: Pool) -> None:
    ours, theirs = await in_line(pool, OURS), await in_line(pool, THEIRS)
    pool.wake(OURS)
    assert await ours is None
    pool.turns.release()
    assert await given(theirs) == [True]


async def test_nobody_waits_when_no_seat_can_be_made(pool: Pool) -> None:
    pool.fails = True
    waiting = [await in_line(pool, OURS) for _ in range(3)]
    for _ in waiting:
        pool.turns.release()
    assert await asyncio.gather(*waiting) == [None, None, None]


@pytest.mark.parametrize("how", ["cancelled", "timed out"])
async def test_seat_of_one_who_waits_no_longer_goes_to_the_next(pool: Pool, how: str) -> None:
    gone = await in_line(pool, OURS, 0.01 if how == "timed out" else None)
    stays = await in_line(pool, OURS)
    if how == "cancelled":
        gone.cancel()
    await asyncio.wait([gone])
    pool.turns.release()
    assert await given(stays) == [True]


async def test_seat_that_comes_as_the_waiting_is_cancelled_is_not_lost(pool: Pool) -> None:
    gone = await in_line(pool, OURS)
    pool.turns.release()
    while pool._waiters["alaw"]:  # noqa: ASYNC110 (the seat is handed over)
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    assert pool.take("alaw") is not None


class Leaving:
    """An answered speaker that leaves when the test says so."""

    def __init__(self) -> None:
        self.call = self
        self.leaves = asyncio.Event()

    async def until_hung_up(self) -> None:
        await self.leaves.wait()
        raise HungUp("ari.given_up")


async def test_speaker_that_is_given_up_in_line_leaves_at_once(pool: Pool) -> None:
    """An emergency that wants it must not wait for a seat."""
    direct, speaker = DirectSound(pool, cast("Any", None), cast("Any", None)), Leaving()
    waiting = asyncio.create_task(direct._in_line(cast("Any", speaker), "alaw", None))
    await asyncio.sleep(0)
    speaker.leaves.set()
    with pytest.raises(HungUp):
        await asyncio.wait_for(waiting, 1)
    assert not any(pool._waiters.values())


class Joiner:
    """The bridge of a broadcast."""

    def __init__(self) -> None:
        self.joined: list[str] = []

    async def join(self, channel: str) -> None:
        self.joined.append(channel)


async def test_no_more_speakers_join_the_bridge_than_it_can_bear(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def source(_: str) -> str:
        return "stream"

    monkeypatch.setattr(direct_sound, "MOST_STANDING", 2)
    joiner, hear, over = Joiner(), list[str](), asyncio.Event()
    direct = DirectSound(pool, cast("Any", None), cast("Any", joiner))
    monkeypatch.setattr(direct, "_source", source)
    monkeypatch.setattr(direct, "_begin_source", lambda _: None)
    targets = [LegTarget(1, code, code, True, True, direct_codecs=("alaw",)) for code in "abcd"]

    async def listen(target: LegTarget) -> None:
        async with Call(pool.client, target.code, None, "") as call, direct.place(target, call):
            hear.append(target.code)
            await over.wait()

    direct.begin(targets)
    listening = [asyncio.create_task(listen(one)) for one in targets]
    await given()
    assert (hear, joiner.joined) == (["a", "b"], ["a", "b"])
    pool.turns.release()
    await given()
    assert (hear, joiner.joined) == (["a", "b", "c"], ["a", "b"])
    pool.turns.release()
    await given()
    assert hear == ["a", "b", "c", "d"]
    over.set()
    await asyncio.gather(*listening)
