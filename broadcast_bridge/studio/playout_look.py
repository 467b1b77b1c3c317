"""The playout's look at the rows: broadcasts to begin and to end, and speakers that move between them.

A look reads first, in a transaction that blocks nobody, and takes the write lock only when there is something to write.
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import (
    catch_up,
    clearance,
    ending_here,
    expected,
    rejoining,
    sharing,
    starting,
    taking_over,
)
from broadcast_bridge.broadcasts.due_broadcasts import begin_due
from broadcast_bridge.broadcasts.expected import Expected
from broadcast_bridge.broadcasts.starting import Taken
from broadcast_bridge.broadcasts.states import Reason
from broadcast_bridge.models import Broadcast
from broadcast_bridge.schedule import dispatch
from broadcast_bridge.schedule.dispatch import BookedCall
from haichieu.database import now
from haichieu.set_aside import or_set_aside


@dataclass(frozen=True)
class News:
    """What is to be done now, according to the rows."""

    stop: Mapping[int, Reason]
    taken: Mapping[int, Sequence[int]]
    acknowledged: Mapping[int, Sequence[int]]
    begin: Sequence[tuple[int, Taken]] = ()
    expected: Sequence[Expected] = ()
    booked: Sequence[BookedCall] = ()
    returned: Mapping[int, Sequence[int]] = field(default_factory=dict)
    parts: Sequence[int] = ()
    """Broadcasts that another node has begun, of which this one has a part to begin."""
    arrived: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Deliveries of broadcasts on air whose speakers have come here from another node."""
    moved: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Deliveries of broadcasts on air whose speakers another node serves now."""
    alone: Mapping[int, bool] = field(default_factory=dict)
    """Shared broadcasts without any speaker, and whether other broadcasts took them."""
    closed: Sequence[int] = ()
    """Shared broadcasts that their leader has closed."""

    @property
    def concerns_nodes(self) -> bool:
        """Whether a broadcast on air here changes because of other nodes."""
        return bool(self.arrived or self.moved or self.alone or self.closed)


class PlayoutLook:
    """Looks at the rows for one switchboard; `run` identifies this run of its process."""

    def __init__(self, run: str, node: str, *, has_nodes: bool = False) -> None:
        """`has_nodes` is true of a database that several nodes may share."""
        self._run = run
        self._node = node
        self._has_nodes = has_nodes
        self._edition: tuple[object, ...] = ()
        self._ahead_at = now()

    def next_hour(self, session: Session, on_air: Collection[int], at: datetime.datetime) -> datetime.datetime:
        """Return when the next look is due without any commit."""
        begins = (starting.next_due(session, at), catch_up.next_try(session, at), dispatch.next_hour(session))
        others = clearance.next_expiry(session, on_air, at), expected.next_look(session, at)
        return min(hour for hour in (*begins, *others, self._ahead_at) if hour)

    def read(self, session: Session, on_air: Collection[int], at: datetime.datetime) -> News:
        """Return what has to end or be released; writes nothing."""
        running = session.scalars(sa.select(Broadcast).where(Broadcast.id.in_(on_air))).all() if on_air else ()
        found = News(
            clearance.refusals(session, running, at),
            rejoining.taken_away(session, on_air),
            ending_here.ended_here(session, on_air),
            expected=expected.soon(session, at),
        )
        if not (self._has_nodes and any(one.starts_at for one in running)):
            return found
        return replace(
            found,
            moved=sharing.moved_away(session, on_air, self._node),
            alone=sharing.left_alone(session, on_air),
            closed=sharing.closed_elsewhere(session, on_air),
        )

    def is_something_to_write(self, session: Session, on_air: Collection[int], at: datetime.datetime) -> bool:
        """Return whether `write` would do anything; writes nothing itself."""
        return (
            self._is_time_to_look_ahead(session, at)
            or dispatch.has_work(session, at)
            or bool(starting.due(session, at, self._node))
            or bool(catch_up.pending(session, at, self._node))
            or bool(rejoining.free(session, on_air, self._node))
            or (self._has_nodes and self._has_work_of_nodes(session))
        )

    def write(self, session: Session, on_air: Collection[int], at: datetime.datetime) -> News:
        """Begin what is due, and return it with all that `read` finds."""
        starting.take_turns(session)
        if self._has_nodes:
            taking_over.take_over(session, self._node)
        if self._is_time_to_look_ahead(session, at):
            dispatch.look_ahead(session, at)
            self._edition, self._ahead_at = dispatch.edition(session), at + dispatch.LOOK_AHEAD_EVERY
        booked = dispatch.put_on_air(session, self._run, at)
        begun = begin_due(session, self._node, at)
        again = or_set_aside(session, "catch_up", lambda: catch_up.begin(session, at, self._node)) or ()
        arrived = sharing.take_arrivals(session, self._node) if self._has_nodes else {}
        return replace(
            self.read(session, on_air, at),
            begin=[*begun, *((broadcast.id, Taken()) for broadcast in again)],
            booked=booked,
            returned=rejoining.give_back(session, on_air, self._node),
            parts=sharing.begin_parts(session, self._node) if self._has_nodes else (),
            arrived=arrived,
        )

    def _has_work_of_nodes(self, session: Session) -> bool:
        return sharing.has_work(session, self._node) or taking_over.has_work(session, self._node)

    def look_ahead_again(self) -> None:
        """Forget the last look ahead, since the occurrences that it made were not written."""
        self._edition, self._ahead_at = (), now()

    def _is_time_to_look_ahead(self, session: Session, at: datetime.datetime) -> bool:
        """Return whether a schedule has changed, or the last look ahead is some time ago."""
        return at >= self._ahead_at or dispatch.edition(session) != self._edition
