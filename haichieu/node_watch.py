"""Alarms about nodes: one that is down, and a clock that is off.

Each node watches its own clock. The first by name of those that are up watches the others.
"""

import asyncio

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database
from haichieu.errors import shown
from haichieu.locale import message
from haichieu.node_clock import MOST_SECONDS, NodeClock
from haichieu.nodes import BEAT_SECONDS, NodeStatus, node_states

log = structlog.get_logger()

Findings = dict[str, bool]
"""Whether each node that this one watches is lost."""


async def watch_nodes(database: Database, name: str, clock: NodeClock) -> None:
    """Look after every beat until cancelled; write only what has changed since the last look."""
    told: tuple[Findings, bool] | None = None
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            found = (await database.look(lambda session: watched(session, name)), clock.is_off)
            if found != told:
                await database.run(lambda session, found=found: note(session, name, found[0], clock))  # type: ignore[misc]
                told = found
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
            log.warning("nodes.database_away", problem=shown(problem))


def watched(session: Session, name: str) -> Findings:
    """Return which of the nodes that `name` watches are lost."""
    states = node_states(session, {})
    first = next((node.name for node in states if node.ok), name)
    return {node.name: _is_lost(node) for node in states if node.name != name} if first == name else {}


def note(session: Session, name: str, findings: Findings, clock: NodeClock) -> None:
    """Raise and clear the alarms that the node `name` is responsible for."""
    for node, is_lost in findings.items():
        if is_lost:
            raise_alarm(session, AlarmKind.NODE_DOWN, f"node:{node}", message("base.nodes.down", node=node))
        else:
            alarm_is_over(session, AlarmKind.NODE_DOWN, f"node:{node}")
    alarm_is_over(session, AlarmKind.NODE_DOWN, f"node:{name}")
    if clock.is_off:
        text = message("base.nodes.clock", node=name, seconds=round(clock.offset or 0.0, 2), most=MOST_SECONDS)
        raise_alarm(session, AlarmKind.CLOCK_OFF, f"node:{name}", text)
    else:
        alarm_is_over(session, AlarmKind.CLOCK_OFF, f"node:{name}")


def _is_lost(node: NodeStatus) -> bool:
    return not node.ok and not node.left
