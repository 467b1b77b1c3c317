"""Ways for a recording into a hundred speakers, side by side: the figures behind the decision on the announcer."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from dialplans.configuration import ari_password
from haichieu.ari import operations
from haichieu.ari.client import USER, AriClient
from haichieu.demo.trial_station import TrialStation
from tests.benchmarks.sink import RtpSink
from tests.benchmarks.speakers import cpu_seconds

APPLICATION = "ways"
ORIGINATE = operations.Operation(
    "POST",
    "/channels/{channelId}",
    frozenset({"endpoint", "app", "appArgs", "timeout", "otherChannelId"}),
    sends_body=True,
)
CPU_SECONDS = 4.0


@dataclass(frozen=True)
class WayRun:
    """How one way did: seconds from the request to the first sound at the last speaker, cores of Asterisk."""

    first_sound: float
    apart: float
    """Seconds between the first and the last speaker's first sound."""
    cores: float


class Ways:
    """Speakers called under an application of our own, beside the station's."""

    def __init__(self, client: AriClient, sink: RtpSink, asterisk: int, started: "asyncio.Queue[str]") -> None:
        self._client = client
        self._sink = sink
        self._asterisk = asterisk
        self._started = started

    async def announcer(self, size: int, sound: Path) -> WayRun:
        """A holding bridge with a Local channel as announcer: the way that the station goes."""
        async with self._speakers(size) as channels, self._bridge("holding", channels) as bridge:
            outer, inner = f"w-outer-{uuid.uuid4().hex}", f"w-inner-{uuid.uuid4().hex}"
            await self._client.request(
                ORIGINATE, channelId=outer, otherChannelId=inner, endpoint="Local/player@ways/n",
                app=APPLICATION, appArgs="announcer", timeout=3, body={},
            )  # fmt: skip
            async with asyncio.timeout(5):
                assert await self._started.get() == inner
                await self._client.request(operations.ANSWER, channelId=inner)
                assert await self._started.get() == outer

            async def play() -> None:
                await self._client.request(operations.ADD_TO_BRIDGE, bridgeId=bridge, channel=outer, role="announcer")
                await self._play(inner, sound)

            return await self._measure(size, play, [outer])

    async def each(self, size: int, sound: Path) -> WayRun:
        """A playback on every speaker's own channel."""
        async with self._speakers(size) as channels:

            async def play() -> None:
                await asyncio.gather(*(self._play(channel, sound) for channel in channels))

            return await self._measure(size, play)

    async def mixing(self, size: int, sound: Path) -> WayRun:
        """A playback on a mixing bridge."""
        async with self._speakers(size) as channels, self._bridge("mixing", channels) as bridge:

            async def play() -> None:
                await self._client.request(PLAY_ON_BRIDGE, bridgeId=bridge, media=f"sound:{sound.with_suffix('')}")

            return await self._measure(size, play)

    async def _measure(self, size: int, play: Callable[[], Awaitable[None]], extra: list[str] | None = None) -> WayRun:
        self._sink.clear()
        loop = asyncio.get_running_loop()
        begin, wall = loop.time(), time.time()
        await play()
        while len(self._sink.first_sound) < size and loop.time() < begin + 8:  # noqa: ASYNC110 (a thread counts)
            await asyncio.sleep(0.02)
        heard = sorted(self._sink.first_sound.values())
        await asyncio.sleep(1.0)
        used = cpu_seconds(self._asterisk)
        await asyncio.sleep(CPU_SECONDS)
        cores = (cpu_seconds(self._asterisk) - used) / CPU_SECONDS
        for channel in extra or ():
            await self._client.request(operations.HANG_UP, channelId=channel)
        return WayRun(heard[-1] - wall, heard[-1] - heard[0], cores)

    async def _play(self, channel: str, sound: Path) -> None:
        await self._client.request(
            operations.PLAY, channelId=channel, playbackId=uuid.uuid4().hex, media=f"sound:{sound.with_suffix('')}"
        )

    @contextlib.asynccontextmanager
    async def _speakers(self, size: int) -> AsyncIterator[list[str]]:
        channels = [f"w-{index}-{uuid.uuid4().hex}" for index in range(size)]
        for begin in range(0, size, 8):
            await asyncio.gather(
                *(
                    self._client.request(
                        ORIGINATE, channelId=channel, endpoint=f"PJSIP/s{begin + place:03}",
                        app=APPLICATION, timeout=10, body={},
                    )
                    for place, channel in enumerate(channels[begin : begin + 8])
                )
            )  # fmt: skip
        arrived: set[str] = set()
        async with asyncio.timeout(20):
            while not arrived >= set(channels):
                arrived.add(await self._started.get())
        try:
            yield channels
        finally:
            for channel in channels:
                await self._client.request(operations.HANG_UP, channelId=channel)
            await asyncio.sleep(1.0)

    @contextlib.asynccontextmanager
    async def _bridge(self, kind: str, channels: list[str]) -> AsyncIterator[str]:
        bridge = f"ways-{uuid.uuid4().hex}"
        await self._client.request(operations.CREATE_BRIDGE, bridgeId=bridge, type=kind, name=bridge)
        for begin in range(0, len(channels), 16):
            batch = ",".join(channels[begin : begin + 16])
            await self._client.request(operations.ADD_TO_BRIDGE, bridgeId=bridge, channel=batch)
        try:
            yield bridge
        finally:
            await self._client.request(operations.DESTROY_BRIDGE, bridgeId=bridge)


PLAY_ON_BRIDGE = operations.Operation("POST", "/bridges/{bridgeId}/play", frozenset({"media"}))


@contextlib.asynccontextmanager
async def open_ways(station: TrialStation, sink: RtpSink, asterisk: int) -> AsyncIterator[Ways]:
    """Ways over the Asterisk of a station, with a connection for events of its own."""
    settings = station.settings
    password = ari_password(settings)
    started: asyncio.Queue[str] = asyncio.Queue()
    url = f"http://127.0.0.1:{settings.ari_port}/ari/events"
    headers = {"Authorization": aiohttp.encode_basic_auth(USER, password)}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(url, params={"app": APPLICATION}) as socket,
        AriClient("127.0.0.1", settings.ari_port, password, lambda _: None) as client,
    ):

        async def listen() -> None:
            async for message in socket:
                event = message.json()
                if event["type"] == "StasisStart":
                    started.put_nowait(event["channel"]["id"])

        listening = asyncio.create_task(listen())
        try:
            yield Ways(client, sink, asterisk, started)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
