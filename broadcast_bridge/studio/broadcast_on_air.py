"""A broadcast on air: its bridge, its announcer, and all its legs."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.speaker_leg import SpeakerLeg
from broadcast_bridge.studio.speaker_target import LegTarget
from haichieu.ari.bridge import Announcer, Bridge

CHIME_WAITS_SECONDS = 0.8
"""The chime begins with the first speaker, or after this time; later speakers hear the rest of it.

Waiting for all of three hundred would let the slowest decide when the village hears anything.
"""

REPORT_SECONDS = 0.3
MEASURE_EVERY = 17
"""Reports between two measurements: RTCP reports come about every five seconds (RFC 3550 §6.2)."""


@dataclass(frozen=True)
class Ending:
    """The event and reason with which a broadcast is closed."""

    event: BroadcastEvent
    reason: Reason | None = None


class Airing:
    """A running broadcast."""

    def __init__(
        self,
        bridge: Bridge,
        voice: Announcer,
        legs: Sequence[SpeakerLeg],
        settle: Callable[[], Awaitable[None]] | None = None,
        admit: Callable[[LegTarget], SpeakerLeg] | None = None,
    ) -> None:
        """`settle` makes use of the silence before the content.

        `admit` calls another speaker, in a broadcast that several nodes share; such a one stays on air without
        speakers, which other nodes may have.
        """
        self.bridge = bridge
        self._settle = settle
        self.over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        """Set when a request to stop or a more urgent broadcast ends this one."""
        self._voice = voice
        self._legs = legs
        self._admit = admit
        self._audio_from: datetime.datetime | None = None
        self._voice_turn = asyncio.Lock()

    def end(self, ending: Ending) -> None:
        """End the broadcast and stop waiting for its sound."""
        if not self.over.done():
            self.over.set_result(ending)

    async def give_up(self, delivery_ids: Collection[int], ending: Ending) -> None:
        """Release speakers that are no longer ours; without any left, the broadcast is over."""
        await asyncio.gather(*(leg.give_up() for leg in self._legs if leg.target.delivery_id in delivery_ids))
        if self._admit is None and not any(leg.ours for leg in self._legs):
            self.end(ending)

    def admit(self, target: LegTarget) -> None:
        """Serve a speaker that has come from another node, from now on."""
        if (known := [leg for leg in self._legs if leg.target.delivery_id == target.delivery_id]) or not self._admit:
            for leg in known:
                if not leg.ours:
                    leg.take_back()
            return
        leg = self._admit(target)
        if self._audio_from is not None:
            leg.audio_begins(self._audio_from)

    def take_back(self, delivery_ids: Collection[int]) -> None:
        """Call speakers again that were taken away and are free."""
        for leg in self._legs:
            if leg.target.delivery_id in delivery_ids:
                leg.take_back()

    async def first_listener(self) -> None:
        """Wait until the first speaker has joined, but not for long."""
        await asyncio.sleep(0)  # a speaker that was called ahead joins at once
        if any(leg.joined.is_set() for leg in self._legs):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHIME_WAITS_SECONDS):
                joined = [asyncio.create_task(leg.joined.wait()) for leg in self._legs]
                try:
                    await asyncio.wait(joined, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in joined:
                        task.cancel()

    def audio_begins(self, at: datetime.datetime) -> None:
        """Count sound from this moment on."""
        self._audio_from = at
        for leg in self._legs:
            leg.audio_begins(at)

    async def play(self, sound: str, skip_seconds: float = 0.0) -> None:
        """Play a sound to every speaker, to its end. Raises NotPlayed."""
        async with self._voice_turn:
            await self._voice.play(sound, skip_seconds=skip_seconds)

    async def open(self, sound: str) -> None:
        """Play the opening to every speaker, and keep the silence after it that changes of their sound need."""
        await self.play(sound)
        if self._settle is not None:
            await self._settle()

    @contextlib.asynccontextmanager
    async def another_voice(self) -> AsyncIterator[None]:
        """Leave the speakers to another announcer during the block; before and after it they get silence."""
        async with self._voice_turn, self._voice.makes_way():
            yield

    def speaker_returned(self, code: str, *, moved: bool) -> None:
        """Call a speaker that can be reached again; one that has not `moved` stays in its call."""
        for leg in self._legs_of(code):
            leg.returned(moved=moved)

    def speaker_lost(self, code: str) -> None:
        """Take the news that a speaker does not answer OPTIONS."""
        for leg in self._legs_of(code):
            leg.lost()

    def _legs_of(self, code: str) -> list[SpeakerLeg]:
        return [leg for leg in self._legs if leg.target.code == code]

    async def measure(self) -> None:
        """Fetch the receiver statistics of every speaker."""
        await asyncio.gather(*(leg.measure() for leg in self._legs))

    async def report_until_cancelled(self, report: Callable[[], Awaitable[None]]) -> None:
        """Update the log of deliveries several times a second, until cancelled."""
        rounds = 0
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            rounds += 1
            if rounds % MEASURE_EVERY == 0:
                await self.measure()
            await report()


class Content(Protocol):
    """The content of a broadcast after the chime."""

    async def run(self, airing: Airing) -> Ending:
        """Play the content and return how it ended; cancelled when something else ends the broadcast."""
        ...


async def until_over(sounding: Coroutine[Any, Any, Ending], airing: Airing) -> Ending:
    """Run the content until it ends or the broadcast is ended otherwise."""
    work = asyncio.create_task(sounding)
    try:
        await asyncio.wait((work, airing.over), return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else airing.over.result()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)  # it takes its voice off air
