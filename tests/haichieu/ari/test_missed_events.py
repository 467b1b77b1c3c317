"""Events that never reach the application: each wait asks again, and none lasts for ever."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

from haichieu.ari import operations, playing
from haichieu.ari.bridge import Bridge
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.events import Event
from haichieu.ari.key_events import Digits
from haichieu.ari.operations import Operation
from haichieu.demo.trial_station import until
from tests.builders.sounds import tone
from tests.fake_asterisk import FakeAsterisk

DEADLINE_SECONDS = 10


@pytest.fixture
def asterisk() -> FakeAsterisk:
    """One in which a call has arrived and sounds last."""
    made = FakeAsterisk()
    made.plays_at_once = False
    made.arrive("caller")
    return made


def call(asterisk: FakeAsterisk) -> Call:
    return Call(asterisk.client, "caller", None, "")


async def begun(asterisk: FakeAsterisk) -> None:
    """Wait until something is played or recorded."""
    await until(lambda: bool(asterisk.playbacks or asterisk.recordings), "something is played or recorded")


async def test_sound_that_ended_during_the_cut_has_ended(asterisk: FakeAsterisk) -> None:
    saying = asyncio.create_task(call(asterisk).plays("hello"))
    await begun(asterisk)
    asterisk.deaf = True
    asterisk.finish()
    asterisk.reconnect()
    assert await asyncio.wait_for(saying, DEADLINE_SECONDS)


async def test_sound_that_still_plays_after_the_cut_is_waited_for(asterisk: FakeAsterisk) -> None:
    saying = asyncio.create_task(call(asterisk).plays("hello"))
    await begun(asterisk)
    asterisk.deaf = True
    asterisk.reconnect()
    await asyncio.sleep(0.05)
    assert not saying.done()
    asterisk.finish()
    assert await asyncio.wait_for(saying, DEADLINE_SECONDS)


async def test_question_that_ended_during_the_cut_is_followed_by_silence(asterisk: FakeAsterisk) -> None:
    asking = asyncio.create_task(call(asterisk).ask("question", first_digit_seconds=0.01))
    await begun(asterisk)
    asterisk.deaf = True
    asterisk.finish()
    asterisk.reconnect()
    assert await asyncio.wait_for(asking, DEADLINE_SECONDS) == Digits("", "silence")


@pytest.mark.parametrize("is_stored", [True, False])
async def test_recording_that_ended_during_the_cut_has_ended(asterisk: FakeAsterisk, *, is_stored: bool) -> None:
    recording = asyncio.create_task(call(asterisk).record("said", max_seconds=60, silence_seconds=5))
    await begun(asterisk)
    asterisk.deaf = True
    asterisk.record_to_end()
    if not is_stored:
        asterisk.stored.clear()
    asterisk.reconnect()
    assert await asyncio.wait_for(recording, DEADLINE_SECONDS) is is_stored


async def test_answer_during_the_cut_is_noticed(asterisk: FakeAsterisk) -> None:
    async with call(asterisk) as phone:
        answered = asyncio.create_task(phone.answered())
        await asyncio.sleep(0)
        asterisk.reconnect()
        await asyncio.wait_for(answered, DEADLINE_SECONDS)


async def test_sound_that_never_ends_is_not_waited_for(
    asterisk: FakeAsterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "SPARE_SECONDS", 0.01)
    (tmp_path / "hello.wav").write_bytes(tone(0.1))
    assert await asyncio.wait_for(call(asterisk).plays(str(tmp_path / "hello")), DEADLINE_SECONDS) is False
    assert asterisk.playbacks == {}


async def test_recording_of_a_bridge_that_ended_during_the_cut_is_stored(
    asterisk: FakeAsterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haichieu.ari.bridge.FILE_CLOSES_SECONDS", 0.01)
    bridge = Bridge(asterisk.client, "broadcast-1")
    await bridge.record("broadcast-1", 60)
    asterisk.deaf = True
    assert await bridge.stop_recording("broadcast-1")


class Socket:
    """A WebSocket whose messages the test writes."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[aiohttp.WSMessage] = asyncio.Queue()

    def tell(self, kind: str, channel: str) -> None:
        body = json.dumps({"type": kind, "channel": {"id": channel}})
        self.messages.put_nowait(aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, body, None))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> aiohttp.WSMessage:
        return await self.messages.get()


async def test_call_that_arrives_while_connecting_is_a_new_call(monkeypatch: pytest.MonkeyPatch) -> None:
    socket, asterisk = Socket(), FakeAsterisk()
    asterisk.arrive("orphan")
    taken: list[str] = []
    orphans: list[str] = []

    class Client(AriClient):
        async def request(self, operation: Operation, **given: Any) -> Any:
            if operation is operations.LIST_CHANNELS:
                asterisk.arrive("new")
                socket.tell("StasisStart", "new")
                return 2 * await asterisk.request(operation, **given)  # as Asterisk may while a state changes
            if operation is operations.FILTER_EVENTS:
                return await asyncio.sleep(0.01)
            return await asterisk.request(operation, **given)

    def take(event: Event) -> None:
        taken.append(event.body["channel"]["id"])
        if event.body["channel"]["id"] == "faulty":
            raise ZeroDivisionError

    async def reconcile(channels: list[Mapping[str, Any]]) -> None:
        orphans.extend(channel["id"] for channel in channels)

    async def lost() -> None:
        raise AssertionError("the connection was lost")

    client = Client("127.0.0.1", 1, "password", take)
    monkeypatch.setattr(client, "_connect", lambda: socket)
    running = asyncio.create_task(client.run(reconcile, lost))
    await asyncio.wait_for(client.connected.wait(), DEADLINE_SECONDS)
    socket.tell("StasisStart", "faulty")
    socket.tell("StasisStart", "next")
    await until(lambda: "next" in taken, "the next call is taken")
    running.cancel()
    assert (orphans, taken) == (["orphan"], ["new", "faulty", "next"])
