"""The broadcasts on air at one switchboard, and what others do to them: end them, or take their speakers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.speakers.reachability import reachable_of
from broadcast_bridge.studio.broadcast_on_air import Airing, Ending
from haichieu.background import retried
from haichieu.database import Database

BringSound = Callable[[int], Awaitable[None]]
"""Makes sure that the sounds of a broadcast are here, as far as other nodes have them."""


class Airings:
    """Running broadcasts by their id."""

    def __init__(self) -> None:
        self._on_air: dict[int, Airing] = {}
        self._arriving: dict[int, set[int]] = {}
        """Deliveries whose speakers came from other nodes before their broadcast was on air here."""

    def stop(self, broadcast_id: int, reason: Reason) -> None:
        """End a broadcast on air here, in order; does nothing when it is not."""
        if airing := self._on_air.get(broadcast_id):
            airing.end(Ending(BroadcastEvent.END, reason))

    async def give_up(self, taken: Mapping[int, Sequence[int]]) -> None:
        """Release speakers that a more urgent broadcast has taken, by broadcast; returns when their lines are free."""
        await self._release(taken, Ending(BroadcastEvent.PRE_EMPT, Reason.PRE_EMPTED))

    async def fall_silent(self, acknowledged: Mapping[int, Sequence[int]]) -> None:
        """Release speakers whose official has acknowledged the emergency, by broadcast."""
        await self._release(acknowledged, Ending(BroadcastEvent.END, Reason.ACKNOWLEDGED))

    async def _release(self, of: Mapping[int, Sequence[int]], without_any_left: Ending) -> None:
        airings = ((self._on_air.get(broadcast_id), deliveries) for broadcast_id, deliveries in of.items())
        await asyncio.gather(*(airing.give_up(ids, without_any_left) for airing, ids in airings if airing))

    def take_back(self, returned: Mapping[int, Sequence[int]]) -> None:
        """Call speakers again that were taken from broadcasts which are still running."""
        for broadcast_id, deliveries in returned.items():
            if airing := self._on_air.get(broadcast_id):
                airing.take_back(deliveries)

    def airing_or_later(self, broadcast_id: int, arrived: Sequence[int]) -> Airing | None:
        """Return a broadcast on air; None before it is, and what has `arrived` is remembered for then."""
        airing = self._on_air.get(broadcast_id)
        if airing is None:
            self._arriving.setdefault(broadcast_id, set()).update(arrived)
        return airing

    def follow_sharing(self, alone: Mapping[int, bool], closed: Iterable[int]) -> None:
        """End broadcasts of several nodes that have no speaker left, taken by others or not, or that are closed."""
        for broadcast_id in closed:
            self.stop(broadcast_id, Reason.STOPPED)
        for broadcast_id, was_taken in alone.items():
            if airing := self._on_air.get(broadcast_id):
                taken = Ending(BroadcastEvent.PRE_EMPT, Reason.PRE_EMPTED)
                airing.end(taken if was_taken else Ending(BroadcastEvent.END, Reason.ACKNOWLEDGED))

    async def let_move(self, moved: Mapping[int, Sequence[int]]) -> None:
        """End the calls to speakers that another node serves now."""
        await self._release(moved, Ending(BroadcastEvent.END))


async def call_returned(database: Database, airing: Airing, absent: Sequence[str]) -> None:
    """Call speakers that have returned since the plan was made; the broadcast hears of later returns itself."""
    if absent:
        look = partial(database.look, partial(reachable_of, codes=absent))
        for code in await retried(look, SQLAlchemyError):
            airing.speaker_returned(code, moved=False)
