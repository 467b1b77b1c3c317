"""The switchboard's connection to the fan-out: a fan-out that hangs, and a switchboard that was late itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from broadcast_bridge.fan_out.control import socket_path
from broadcast_bridge.studio.fan_out_link import SILENT_SECONDS, FanOutLink
from haichieu.background import in_background
from haichieu.demo.trial_station import until

ALIVE = b'{"is":"alive"}\n'


class Scene:
    """A connected link, and the other end of its connection."""

    def __init__(self, home: Path) -> None:
        self.link = FanOutLink(home, 5079)
        self.writer: asyncio.StreamWriter | None = None
        self.news: list[str] = []
        self.sign_at = 0.0
        """When the only sign of life at the beginning was sent."""
        self.link.listen("key", self.news.append)

    async def connected(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer, self.sign_at = writer, time.monotonic()
        writer.write(ALIVE)

    def beat(self) -> None:
        assert self.writer is not None
        self.writer.write(ALIVE)


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    path = socket_path(tmp_path)
    path.parent.mkdir()
    async with await asyncio.start_unix_server(scene.connected, path), in_background(scene.link.run()):
        await until(lambda: scene.link.works, "connected")
        yield scene
        assert scene.writer is not None
        scene.writer.close()


async def test_fan_out_without_a_sign_of_life_is_gone(scene: Scene) -> None:
    await until(lambda: scene.news == ["gone"], "gone")
    assert time.monotonic() - scene.sign_at > SILENT_SECONDS * 0.9


async def test_fan_out_is_not_gone_because_the_switchboard_was_late(scene: Scene) -> None:
    scene.beat()
    await asyncio.sleep(0.05)
    time.sleep(SILENT_SECONDS + 0.1)  # noqa: ASYNC251 (the whole process is late)
    scene.beat()
    await asyncio.sleep(0.05)
    assert scene.link.works
    assert scene.news == []
