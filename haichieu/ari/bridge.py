"""Bridges that connect several channels.

A *holding bridge* passes the announcer's voice to every participant and nothing back, as a loudspeaker does.
Asterisk's `play` on a holding bridge reaches no participant, so recorded sound enters through an `Announcer`: a Local
channel whose inner leg plays and whose outer leg announces. A holding bridge reads its announcer at 8 kHz.

A *mixing bridge* uses the sample rates of its channels. With every channel muted except the announcer it serves as a
wideband loudspeaker, at the cost of mixing.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Literal

from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, HungUp, Lost, NotAnswered, NotPlayed, NotStarted

FILE_CLOSES_SECONDS = 2.0

Role = Literal["announcer", "participant"]


class Bridge:
    """One bridge of ours."""

    def __init__(self, client: AriClient, bridge_id: str, *, mutes: bool = False) -> None:
        self.id = bridge_id
        self._mutes = mutes
        self._client = client
        self._claim = client.events.claim(bridge_id)

    def release(self) -> None:
        """Stop listening to its events."""
        self._claim.release()

    async def add(self, channel_ids: Iterable[str], role: Role = "participant") -> None:
        """Put channels in, all with one request. Only an announcer is heard."""
        channels = list(channel_ids)
        announces = role == "announcer"
        if self._mutes and not announces:
            # Not by the request that adds them: for a channel that comes out of another bridge it has no effect.
            await asyncio.gather(*map(self._mute, channels))
        await self._client.request(
            operations.ADD_TO_BRIDGE,
            bridgeId=self.id,
            channel=",".join(channels),
            role=role if announces else None,
        )

    async def _mute(self, channel_id: str) -> None:
        await self._client.request(operations.MUTE, channelId=channel_id, direction="in")

    async def remove(self, channel_id: str) -> None:
        """Take a channel out; it stays with us.

        Do this before the bridge is destroyed if the channel is to hear more. Asterisk destroys a bridge while its
        channels are still on their way out, and a sound begun at that moment never starts: it waits ten minutes for a
        bridge that has ended, and everything asked of the channel waits behind it.
        """
        await self._client.request(operations.REMOVE_FROM_BRIDGE, bridgeId=self.id, channel=channel_id)

    async def record(self, name: str, max_seconds: int) -> None:
        """Record the bridge to `<spool>/recording/<name>.wav`."""
        await self._client.request(
            operations.RECORD_BRIDGE,
            bridgeId=self.id,
            name=name,
            format="wav",
            ifExists="overwrite",
            maxDurationSeconds=max_seconds,
        )

    async def stop_recording(self, name: str) -> bool:
        """End a recording and wait until its file is closed; return whether it succeeded."""
        with contextlib.suppress(AriError):  # it may have ended by itself: the disk is full, the time is up
            await self._client.request(operations.STOP_RECORDING, recordingName=name)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FILE_CLOSES_SECONDS):
                while True:
                    event = await self._claim.queue.get()
                    if event.type in ("RecordingFinished", "RecordingFailed"):
                        return event.type == "RecordingFinished"
        try:  # the event was missed, or the disk is slow
            await self._client.request(operations.GET_STORED_RECORDING, recordingName=name)
        except AriError:
            return False
        return True


@contextlib.asynccontextmanager
async def loudspeaker_bridge(client: AriClient, bridge_id: str, *, wideband: bool = False) -> AsyncIterator[Bridge]:
    """Make a bridge that everybody hears and only its announcer speaks in, for the length of the block."""
    bridge = Bridge(client, bridge_id, mutes=wideband)
    kind = "mixing" if wideband else "holding"
    try:
        await client.request(operations.CREATE_BRIDGE, bridgeId=bridge_id, type=kind, name=bridge_id)
        yield bridge
    finally:
        bridge.release()
        with contextlib.suppress(AriError):
            await client.request(operations.DESTROY_BRIDGE, bridgeId=bridge_id)


class Announcer:
    """Plays sound files into a bridge, and silence in between: devices and firewalls cut off a stream that pauses.

    A holding bridge takes one announcer at a time, and sends nothing to anyone without one: see `makes_way`.
    """

    def __init__(self, client: AriClient, bridge: Bridge, outer: Call, inner: Call) -> None:
        self._client = client
        self._bridge = bridge
        self._outer = outer
        self._inner = inner

    async def play(self, *sounds: str, skip_seconds: float = 0.0) -> None:
        """Play to the end. Everybody in the bridge hears it from the same moment on. Raises NotPlayed, or Lost."""
        try:
            if not await self._inner.plays(*sounds, skip_seconds=skip_seconds):
                raise NotPlayed("ari.not_played", sounds=tuple(sounds))
        except HungUp as problem:  # it has no other side that could hang up
            raise Lost("ari.call_lost") from problem
        finally:
            await self._hush()

    async def enter(self) -> None:
        """Join the bridge, and send silence."""
        await self._bridge.add([self._outer.id], role="announcer")
        await self._hush()

    async def until_gone(self) -> None:
        """Wait until Asterisk has ended it, or has ended itself."""
        with contextlib.suppress(HungUp):
            await self._outer.until_hung_up()

    @contextlib.asynccontextmanager
    async def makes_way(self) -> AsyncIterator[None]:
        """Leave the bridge during the block, for another announcer."""
        with contextlib.suppress(AriError):
            await self._bridge.remove(self._outer.id)
        try:
            yield
        finally:
            with contextlib.suppress(AriError):  # the bridge, or Asterisk, is going
                await self.enter()

    async def _hush(self) -> None:
        with contextlib.suppress(AriError):
            await self._client.request(operations.SEND_SILENCE, channelId=self._inner.id)


@contextlib.asynccontextmanager
async def announcer(
    client: AriClient, bridge: Bridge, *, wideband: bool = False, seconds_to_start: float = 3.0
) -> AsyncIterator[Announcer]:
    """Open an announcer in a bridge during the block. Raises NotStarted.

    With `wideband` it plays the 16 kHz form of a sound, without it the 8 kHz form: nothing is resampled. Asterisk
    halves the amplitude of a sound that it brings from 8 to 16 kHz.
    """
    name = uuid.uuid4().hex
    outer = Call(client, f"announcer-{name}", None, "")
    inner = Call(client, f"player-{name}", None, "")
    async with outer, inner:
        try:
            async with asyncio.timeout(seconds_to_start):
                await outer.place(
                    "Local/player@studio/n",
                    role="announcer",
                    timeout=seconds_to_start,
                    variables={"STUDIO": "yes"},
                    other_channel_id=inner.id,
                    formats="slin16" if wideband else "slin",
                )
                await inner.started()
                await inner.answer()
                await outer.answered()
                await outer.leave_dial_bridge()
        except (TimeoutError, NotAnswered, HungUp) as problem:
            raise NotStarted("ari.announcer_not_started", why=str(problem)) from problem
        speaking = Announcer(client, bridge, outer, inner)
        await speaking.enter()
        yield speaking
