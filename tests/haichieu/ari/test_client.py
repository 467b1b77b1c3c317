"""The connection to Asterisk: cut, and taken up again with what happened meanwhile."""

import asyncio
from collections import Counter

import pytest

from haichieu.ari import operations
from haichieu.ari.client import CALL_EVENTS
from haichieu.ari.errors import AsteriskUnavailable, Lost, NoSuchThing
from haichieu.ari.events import Event
from haichieu.ari.key_events import Digits
from haichieu.demo.trial_station import until
from tests.haichieu.ari.conftest import Line

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]


async def cut_off(line: Line) -> None:
    """Cut the connection and keep it so."""
    losses = len(line.losses)
    line.gateway.shut = True
    line.gateway.cut()
    await until(lambda: len(line.losses) > losses, "the loss")


async def test_missing_channel_raises_no_such_thing(line: Line) -> None:
    with pytest.raises(NoSuchThing):
        await line.client.request(operations.HANG_UP, channelId="nobody")


async def test_call_brings_only_events_that_are_waited_for(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    types: Counter[str] = Counter()

    def count(event: Event) -> None:
        types[event.type] += 1
        dispatch(event)

    dispatch = line.client.events.dispatch
    monkeypatch.setattr(line.client.events, "dispatch", count)
    async with await line.call() as call:
        asking = asyncio.create_task(call.ask("demo-congrats"))
        await line.phone.digits("1#")
        await asyncio.wait_for(asking, 5)
    await line.phone.ended()
    await until(lambda: types["StasisEnd"] > 0, "the end of the call")
    assert set(types) - set(CALL_EVENTS) == set()
    assert types.total() < 20


async def test_call_survives_a_cut_connection(line: Line) -> None:
    async with await line.call() as call:
        await cut_off(line)
        with pytest.raises(AsteriskUnavailable):
            await line.client.request(operations.LIST_CHANNELS)
        line.gateway.shut = False
        await asyncio.wait_for(line.client.connected.wait(), 5)
        assert [channel["id"] for channel in line.connections[-1]] == [call.id]
        asking = asyncio.create_task(call.ask("demo-congrats"))
        await line.phone.digits("1#")
        assert await asyncio.wait_for(asking, 5) == Digits("1", "terminator")
    await line.phone.ended()


async def test_call_that_ended_during_the_cut_raises_lost(line: Line) -> None:
    async with await line.call() as call:
        waiting = asyncio.create_task(call.until_hung_up())
        await cut_off(line)
        await line.phone.hang_up()
        await line.phone.ended()
        await line.asterisk.calls_over()
        line.gateway.shut = False
        with pytest.raises(Lost):
            await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(line.client.connected.wait(), 5)
    assert line.connections[-1] == []


async def test_sound_that_ends_during_the_cut_is_not_waited_for(line: Line) -> None:
    async with await line.call() as call:
        saying = asyncio.create_task(call.plays("vm-goodbye"))
        await asyncio.sleep(0.3)
        await cut_off(line)
        await asyncio.sleep(2)  # the sound is shorter
        line.gateway.shut = False
        assert await asyncio.wait_for(saying, 10)
    await line.phone.ended()


async def test_keys_arrive_once_and_in_order(line: Line) -> None:
    """With pauses as phones make them; without any, see test_repeated_keys.py."""
    async with await line.call() as call:
        await line.phone.digits("11234567890*#", gap=0.1)
        assert await call.ask(terminator="#", first_digit_seconds=5) == Digits("11234567890*", "terminator")
    await line.phone.ended()
