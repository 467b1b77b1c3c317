"""Begin and end of this node's part of a broadcast, in the rows that all nodes share."""

import asyncio
import contextlib
import datetime
from functools import partial

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, sharing
from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.studio.broadcast_on_air import Ending
from broadcast_bridge.studio.broadcast_plan import Plan
from broadcast_bridge.studio.common_time import CommonTime
from haichieu.ari.playing import seconds_of
from haichieu.changes import changes
from haichieu.database import Database
from haichieu.node_clock import NodeClock

PARTS_SECONDS = 5.0
"""The leader waits this long for the parts of other nodes to end after its own."""


def common_time(plan: Plan, clock: NodeClock) -> CommonTime | None:
    """Return the agreed moments of a broadcast that several nodes play, None for any other."""
    if plan.starts_at is None:
        return None
    label = seconds_of(plan.label) if plan.label and not plan.is_urgent else 0.0
    return CommonTime(clock, plan.starts_at, seconds_of(plan.opening) + label)


async def end_part(database: Database, broadcast_id: int, node: str, ending: Ending) -> bool:
    """End the part of a node; return whether it has to close the broadcast: then the other parts have ended, too."""
    is_broken = ending.event is BroadcastEvent.FAIL or ending.reason is Reason.STATION_STOPPED
    broke_off = (ending.reason or Reason.INTERNAL_ERROR) if is_broken else None
    closes = await database.until_written(
        lambda session: sharing.end_part(session, broadcast_id, node, broke_off=broke_off)
    )
    if closes:
        others = partial(sharing.open_parts, broadcast_id=broadcast_id, besides=node)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTS_SECONDS):
                async for _ in changes(database):
                    if not await database.until_read(others):
                        break
    return closes


def set_on_air(session: Session, plan: Plan, at: datetime.datetime) -> None:
    """Set a broadcast on air; of a recording by any of its nodes, of a live voice by the one that has the official."""
    if plan.starts_at is not None:
        sharing.opens(session, plan.broadcast_id, plan.starts_at)
    elif not plan.is_relayed:
        broadcast_lifecycle.advance(session, plan.broadcast_id, BroadcastEvent.OPEN, at)
