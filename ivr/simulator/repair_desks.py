"""Simulated desks for faults and repairs, in memory."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broadcast_bridge.repairs.errors import PoleElsewhere, PoleRetired, UnknownPole
from broadcast_bridge.repairs.pole_codes import pole_code, speaker_of_code
from broadcast_bridge.repairs.states import Fault
from haichieu.errors import HaiChieuError
from ivr.desks.repair_protocols import PoleOfAnotherLine, PoleSeen, RepairSeen, ToneOutcome

HERE, BROKEN, RETIRED, ELSEWHERE, WITHOUT_LINE = 1, 2, 3, 4, 5
"""Speakers by id: without a repair, with an open one, taken out of use, and of communes with and without a number."""
POLES: Mapping[int, PoleSeen] = {
    HERE: PoleSeen(HERE, "Nhà văn hóa Nà Sài", None),
    BROKEN: PoleSeen(BROKEN, "Ngã ba Cô Ba", 7),
}
CODE, CODE_OF_BROKEN = pole_code(HERE), pole_code(BROKEN)


def find_pole(code: str) -> PoleSeen:
    """Return the speaker of a code, with the errors of the real desks."""
    speaker_id = speaker_of_code(code)
    if speaker_id == RETIRED:
        raise PoleRetired("Loa cũ")
    if speaker_id == ELSEWHERE:
        raise PoleOfAnotherLine(2, "Xã Cốc Pàng", "1044")
    if speaker_id == WITHOUT_LINE:
        raise PoleElsewhere(3)
    if speaker_id not in POLES:
        raise UnknownPole
    return POLES[speaker_id]


@dataclass
class SimulatedFaults:
    """Reports of faults by a citizen."""

    refusal: HaiChieuError | None = None
    """Raised by `report`."""
    no_disk: HaiChieuError | None = None
    """Raised by `begin_words`."""
    silences: int = 0
    """The number of silent recordings still to come."""
    reported: list[tuple[str, Fault]] = field(default_factory=list)
    kept: int = 0
    let_go: int = 0

    async def pole(self, code: str) -> PoleSeen:
        return find_pole(code)

    async def report(self, pole: PoleSeen, fault: Fault) -> int:
        if self.refusal is not None:
            raise self.refusal
        self.reported.append((pole.name, fault))
        return len(self.reported)

    async def begin_words(self, report_id: int) -> str:
        if self.no_disk is not None:
            raise self.no_disk
        return f"fault-{report_id}"

    async def keep_words(self, name: str) -> bool:
        """False for the first `silences` calls."""
        self.silences -= 1
        self.kept += self.silences < 0
        return self.silences < 0

    def release_words(self, name: str) -> None:
        self.let_go += 1


@dataclass
class SimulatedRepairs:
    """The repairs of an official."""

    waiting: Mapping[int, RepairSeen | None] = field(
        default_factory=lambda: {
            7: RepairSeen(7, "Ngã ba Cô Ba", Fault.SILENT, datetime.datetime(2026, 11, 24, 17, 0), 2, ("♫ report",))
        }
    )
    """By id; None for one that is closed before its turn."""
    refusal: HaiChieuError | None = None
    """Raised by every method that names the official."""
    tones: Sequence[ToneOutcome] = ()
    """The result of each test tone; PLAYED after the last."""
    reported: list[tuple[str, Fault]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    tested: int = 0
    closed_before: bool = False
    """Whether another person closes it during the call."""

    async def open_repairs(self, official_id: int) -> Sequence[int]:
        self._require_right()
        return list(self.waiting)

    async def repair(self, repair_id: int) -> RepairSeen | None:
        return self.waiting.get(repair_id)

    async def pole(self, official_id: int, code: str) -> PoleSeen:
        self._require_right()
        return find_pole(code)

    async def report(self, official_id: int, pole: PoleSeen, fault: Fault) -> None:
        self._require_right()
        self.reported.append((pole.name, fault))

    async def play_tone(self, official_id: int, pole: PoleSeen) -> ToneOutcome:
        self.tested += 1
        return self.tones[self.tested - 1] if self.tested <= len(self.tones) else ToneOutcome.PLAYED

    async def close(self, official_id: int, pole: PoleSeen) -> bool:
        if self.closed_before:
            return False
        self.closed.append(pole.name)
        return True

    def _require_right(self) -> None:
        if self.refusal is not None:
            raise self.refusal
