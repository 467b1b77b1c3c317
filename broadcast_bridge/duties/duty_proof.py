"""Proof of a duty: the broadcasts of its programme, and which villages heard each, from their deliveries.

Runs are all broadcasts of the programme since the decision, and those that brought them later to speakers that were
away. A village heard a run if at least one of its speakers played it to the end.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker
from haichieu.station import the_station

UNDER_WAY = (BroadcastState.PLANNED, BroadcastState.CALLING, BroadcastState.ON_AIR)


@dataclass(frozen=True)
class Run:
    """One broadcast in one village: when its first speaker began, in local time.

    `played` of its speakers played it to the end, and `confirmed` of these reported that sound arrived.
    """

    broadcast_id: int
    at: datetime.datetime
    speakers: int
    played: int
    confirmed: int


@dataclass(frozen=True)
class Missed:
    """One broadcast that is over and that a village did not hear: its local start time, and until when it is caught up.

    `until` is None when it is not played later.
    """

    at: datetime.datetime
    until: datetime.datetime | None


@dataclass
class RunSeen:
    """One broadcast as a whole: its local start time, in how many villages it was heard, and in how many it was due."""

    broadcast_id: int
    at: datetime.datetime
    heard: int = 0
    villages: int = 0


@dataclass(frozen=True)
class DutyProof:
    """The runs that were heard, by unit and in order, and the local start times of those that are not over.

    `runs` are all that began; `missed` are those that a village did not hear, by unit.
    """

    heard: Mapping[int, Sequence[Run]]
    under_way: Sequence[datetime.datetime]
    runs: Sequence[RunSeen] = ()
    missed: Mapping[int, Sequence[Missed]] = field(default_factory=dict)


def proof_of(session: Session, duty: Duty) -> DutyProof:
    """Read the proof of a duty, in a fixed number of queries."""
    zone = ZoneInfo(the_station(session).timezone)
    since = datetime.datetime.combine(duty.decided_on, datetime.time(), zone)
    numbers = _broadcasts(session, duty, since)
    moment = sa.func.coalesce(
        sa.func.min(Delivery.first_audio_at), sa.func.min(Broadcast.on_air_at), type_=Broadcast.created_at.type
    )
    played = Delivery.state == DeliveryState.PLAYED
    rows = session.execute(
        sa.select(
            Speaker.unit_id, Delivery.broadcast_id, moment, sa.func.count(), sa.func.count().filter(played),
            sa.func.count().filter(played, Delivery.packets_lost.is_not(None)), sa.func.max(Broadcast.ended_at),
            sa.func.max(Broadcast.worth_hearing_until, type_=Broadcast.created_at.type),
        )
        .join(Broadcast, Broadcast.id == Delivery.broadcast_id)
        .join(Speaker, Speaker.id == Delivery.speaker_id)
        .where(Delivery.broadcast_id.in_(numbers))
        .group_by(Speaker.unit_id, Delivery.broadcast_id)
        .order_by(Delivery.broadcast_id)
    )  # fmt: skip
    heard: dict[int, list[Run]] = defaultdict(list)
    runs: dict[int, RunSeen] = {}
    missed: dict[int, list[Missed]] = defaultdict(list)
    for unit_id, number, at, speakers, count, confirmed, ended_at, until in rows:
        if at is None:
            continue
        seen = runs.setdefault(number, RunSeen(number, _local(at, zone)))
        seen.at = min(seen.at, _local(at, zone))
        seen.villages += 1
        if count:
            seen.heard += 1
            heard[unit_id].append(Run(number, _local(at, zone), speakers, count, confirmed))
        elif ended_at is not None:
            missed[unit_id].append(Missed(_local(at, zone), _local(until, zone) if until is not None else None))
    begun = session.scalars(
        sa.select(sa.func.coalesce(Broadcast.due_at, Broadcast.created_at, type_=Broadcast.created_at.type)).where(
            Broadcast.id.in_(numbers), Broadcast.state.in_([str(state) for state in UNDER_WAY])
        )
    )
    return DutyProof(heard, [_local(at, zone) for at in begun], list(runs.values()), missed)


def _broadcasts(session: Session, duty: Duty, since: datetime.datetime) -> Collection[int]:
    with_programme = (
        sa.select(BroadcastSound.broadcast_id)
        .join(Broadcast, Broadcast.id == BroadcastSound.broadcast_id)
        .where(BroadcastSound.programme_id.in_(duty.programmes), Broadcast.created_at >= since)
    )
    found = set(session.scalars(with_programme))
    return found | set(session.scalars(sa.select(Broadcast.id).where(Broadcast.again_of_id.in_(found))))


def _local(at: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    return at.astimezone(zone).replace(tzinfo=None)
