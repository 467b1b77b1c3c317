"""Interfaces between flows and the repairs of speakers: for citizens who report a fault, and for technicians."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from broadcast_bridge.repairs.errors import PoleElsewhere
from broadcast_bridge.repairs.states import Fault


class PoleOfAnotherLine(PoleElsewhere):
    """The speaker is outside of the units of this call, and `number` of `unit` takes reports about it."""

    def __init__(self, unit_id: int, unit: str, number: str) -> None:
        super().__init__(unit_id)
        self.unit, self.number = unit, number


@dataclass(frozen=True)
class PoleSeen:
    """The speaker on a pole. `repair_id` is its open repair, None without one."""

    speaker_id: int
    name: str
    repair_id: int | None


@dataclass(frozen=True)
class RepairSeen:
    """An open repair as it is played. `opened_at` is in the station's time zone."""

    id: int
    speaker: str
    fault: Fault
    opened_at: datetime.datetime
    reports: int
    sounds: tuple[str, ...]
    """What citizens said, as paths without extension, oldest first."""


class ToneOutcome(Enum):
    """The result of a test tone on a speaker."""

    PLAYED = auto()
    NOT_PLAYED = auto()
    UNREACHABLE = auto()
    MUTED = auto()
    BUSY = auto()


class FaultDesk(Protocol):
    """Reports of faults by a citizen on one call."""

    async def pole(self, code: str) -> PoleSeen:
        """Return the speaker with this code. Raises PoleRefused (`broadcast_bridge.repairs.errors`)."""
        ...

    async def report(self, pole: PoleSeen, fault: Fault) -> int:
        """Report a fault, committed when this returns, and return the report. Raises TooManyMessages, PoleRetired."""
        ...

    async def begin_words(self, report_id: int) -> str:
        """Return the name to record the caller's words to. Raises DiskFull."""
        ...

    async def keep_words(self, name: str) -> bool:
        """Store the words with their report; return False for silence."""
        ...

    def release_words(self, name: str) -> None:
        """Release the recording at the end of the call: the station stores what was not stored."""
        ...


class RepairDesk(Protocol):
    """The repairs of speakers for an official on one call. Every method may raise RepairNotAllowed."""

    async def open_repairs(self, official_id: int) -> Sequence[int]:
        """Return the ids of the open repairs in the official's unit and below, the urgent ones first."""
        ...

    async def repair(self, repair_id: int) -> RepairSeen | None:
        """Return a repair; None when it was closed meanwhile."""
        ...

    async def pole(self, official_id: int, code: str) -> PoleSeen:
        """Return the speaker with this code. Raises PoleRefused (`broadcast_bridge.repairs.errors`)."""
        ...

    async def report(self, official_id: int, pole: PoleSeen, fault: Fault) -> None:
        """Open a repair. Raises PoleRetired."""
        ...

    async def play_tone(self, official_id: int, pole: PoleSeen) -> ToneOutcome:
        """Play the test tone on the speaker, and return when it has ended."""
        ...

    async def close(self, official_id: int, pole: PoleSeen) -> bool:
        """Close the repair with the last tone as its proof; return False when it was closed meanwhile."""
        ...
