"""Sounds that Asterisk plays to callers, as its events report them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from haichieu.background import in_background
from haichieu.settings import Settings
from tests.asterisk_rest import authorization

RECONNECT_SECONDS = 0.1


@dataclass(frozen=True)
class Playback:
    """One sound of a playback that has begun: the channel's name, and the path without an extension."""

    channel: str
    sound: str


class Playbacks:
    """Subscribes to every event of an Asterisk beside the switchboard, and again after a restart."""

    def __init__(self, settings: Settings) -> None:
        self.begun: list[Playback] = []
        """The oldest first."""
        self.connected = asyncio.Event()
        self._names: dict[str, str] = {}
        self._settings = settings

    async def run(self) -> None:
        """Listen until cancelled."""
        url = f"http://{self._settings.ari_host}:{self._settings.ari_port}/ari/events"
        headers = {"Authorization": authorization(self._settings)}
        query = {"app": "test-playbacks", "subscribeAll": "true"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with session.ws_connect(url, params=query, heartbeat=5) as events:
                        self.connected.set()
                        async for event in events:
                            self._take(json.loads(event.data))
                self.connected.clear()
                await asyncio.sleep(RECONNECT_SECONDS)

    def _take(self, event: dict[str, object]) -> None:
        channel, playback = event.get("channel"), event.get("playback")
        if isinstance(channel, dict):
            self._names[channel["id"]] = channel["name"]
        if isinstance(playback, dict) and event["type"] in ("PlaybackStarted", "PlaybackContinuing"):
            kind, _, target = playback["target_uri"].partition(":")
            name = self._names.get(target, target) if kind == "channel" else target
            self.begun.append(Playback(name, playback["media_uri"].removeprefix("sound:")))


@contextlib.asynccontextmanager
async def playbacks_of(settings: Settings) -> AsyncIterator[Playbacks]:
    """Record what an Asterisk plays for the length of the block."""
    found = Playbacks(settings)
    async with in_background(found.run()):
        await asyncio.wait_for(found.connected.wait(), 10)
        yield found
