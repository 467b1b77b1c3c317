"""Simulated bulletins of the province, for calls without a telephone."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from broadcast_bridge.source_system.by_phone import DeclineReason
from broadcast_bridge.source_system.errors import DecisionNotAllowed
from haichieu.errors import HaiChieuError
from ivr.desks.protocols import OfferedSeen


@dataclass
class SimulatedProvince:
    """Bulletins that wait for an official."""

    bulletins: Mapping[int, OfferedSeen | None] = field(default_factory=dict)
    """By id; None for one that was decided before its turn."""
    may_decide: bool = True
    refusal: HaiChieuError | None = None
    """Raised by every decision."""
    decisions: list[tuple[object, ...]] = field(default_factory=list)
    """Each as the name of the step, the id, and what was chosen."""

    async def count(self, official_id: int) -> int:
        return len(self.bulletins) if self.may_decide else 0

    async def waiting(self, official_id: int) -> list[int]:
        if not self.may_decide:
            raise DecisionNotAllowed("source.may_not_decide", code="1001")
        return list(self.bulletins)

    async def open(self, official_id: int, bulletin_id: int) -> OfferedSeen | None:
        return self.bulletins[bulletin_id]

    async def accept(self, official_id: int, bulletin_id: int, *, called_back: bool) -> None:
        self._decide("accept", bulletin_id)

    async def schedule(
        self, official_id: int, bulletin_id: int, clock: datetime.time | None, *, called_back: bool
    ) -> datetime.datetime:
        self._decide("schedule", bulletin_id, clock)
        return datetime.datetime.combine(datetime.date(2026, 11, 21), clock or datetime.time(9, 0))

    async def decline(self, official_id: int, bulletin_id: int, reason: DeclineReason) -> None:
        self._decide("decline", bulletin_id, reason)

    async def decide(self, official_id: int, bulletin_id: int, *, source_first: bool) -> None:
        self._decide("decide", bulletin_id, source_first)

    def _decide(self, *step: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.decisions.append(step)
