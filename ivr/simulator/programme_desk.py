"""Simulated programmes that wait for approval, for calls without a telephone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broadcast_bridge.programmes.phone_approval import HearingNotAllowed
from haichieu.errors import HaiChieuError
from ivr.desks.programme_protocols import ProgrammeSeen


@dataclass
class SimulatedProgrammes:
    """Programmes that an official may hear."""

    programmes: Mapping[int, ProgrammeSeen | None] = field(default_factory=dict)
    """By id; None for one that was approved before its turn."""
    may_hear: bool = True
    refusal: HaiChieuError | None = None
    """Raised by `approve`."""
    approved: list[int] = field(default_factory=list)

    async def waiting(self, official_id: int) -> list[int]:
        if not self.may_hear:
            raise HearingNotAllowed("programme.approval.may_not_hear", code="1001")
        return list(self.programmes)

    async def open(self, official_id: int, programme_id: int) -> ProgrammeSeen | None:
        return self.programmes[programme_id]

    async def approve(self, official_id: int, programme: ProgrammeSeen, *, called_back: bool) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.approved.append(programme.id)
