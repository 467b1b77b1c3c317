"""Repairs by phone: implements `FaultDesk` and `RepairDesk` over the repairs of speakers."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.broadcasts.starting import ZoneBusy
from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs import repair_steps
from broadcast_bridge.repairs.errors import PoleElsewhere
from broadcast_bridge.repairs.fault_recordings import FaultRecordings
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.reporting import Reported, open_repair_of, report, speaker_at
from broadcast_bridge.repairs.states import Fault, Origin, Outcome
from broadcast_bridge.speakers.test_tone import CannotTry, ask_for_tone, tone_in
from haichieu.ari.call import Call
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Official, units_under
from haichieu.phone_numbers import national
from haichieu.station import the_station
from ivr.calls.caller_limits import CallerLimits
from ivr.calls.routing import number_for_faults
from ivr.desks.repair_protocols import PoleOfAnotherLine, PoleSeen, RepairSeen, ToneOutcome

LOOK_SECONDS = 0.3
TONE_SECONDS = 40.0
"""A tone that has not ended by then is not waited for: the speaker answers late, or the station is busy."""
MOST_SOUNDS = 5
"""Recordings of citizens that are played for one repair, the newest ones."""


@dataclass(frozen=True)
class RepairLine:
    """The parts that the desks of all calls share."""

    database: Database
    store: MediaStore
    recordings: FaultRecordings
    limits: CallerLimits


class PhoneFaultDesk:
    """The desk of one call of a citizen to a number of a unit."""

    def __init__(self, line: RepairLine, call: Call, unit_id: int) -> None:
        self._line = line
        self._call = call
        self._unit_id = unit_id

    async def pole(self, code: str) -> PoleSeen:
        """Return the speaker, if the unit of the number or one below it has it."""
        return await self._line.database.look(
            lambda session: _pole(session, code, units_under(session, [self._unit_id]))
        )

    async def report(self, pole: PoleSeen, fault: Fault) -> int:
        """Store the report, even when the caller hangs up meanwhile; it counts as a message of the caller."""
        self._line.limits.message(self._call.caller_number, self._call.line)
        what = Reported(fault, Origin.FAULT_LINE)
        return await self._line.database.until_written(lambda session: report(session, pole.speaker_id, what, now()).id)

    async def begin_words(self, report_id: int) -> str:
        return await asyncio.to_thread(self._line.recordings.begin, report_id)

    async def keep_words(self, name: str) -> bool:
        """Store the words, even when the caller hangs up meanwhile."""
        return await asyncio.shield(asyncio.to_thread(self._line.recordings.keep, name))

    def release_words(self, name: str) -> None:
        self._line.recordings.let_go(name)


class PhoneRepairDesk:
    """The desk of one call of an official."""

    def __init__(self, line: RepairLine) -> None:
        self._database = line.database
        self._store = line.store
        self._test_id: int | None = None
        """The tone that the speaker has played on this call."""

    async def open_repairs(self, official_id: int) -> Sequence[int]:
        return await self._database.look(
            lambda session: repair_steps.open_in(session, repair_steps.technician(session, official_id))
        )

    async def repair(self, repair_id: int) -> RepairSeen | None:
        """Return a repair with the newest recordings of citizens."""

        def look(session: Session) -> RepairSeen | None:
            found = session.get(Repair, repair_id, options=[selectinload(Repair.reports).joinedload(FaultReport.sound)])
            if found is None or not found.is_open:
                return None
            opened_at = found.opened_at.astimezone(ZoneInfo(the_station(session).timezone))
            said = [one.sound for one in found.reports if one.sound is not None][-MOST_SOUNDS:]
            sounds = tuple(str(self._store.path(one).with_suffix("")) for one in said)
            name = session.get_one(Speaker, found.speaker_id).name
            return RepairSeen(found.id, name, Fault(found.fault), opened_at, len(found.reports), sounds)

        return await self._database.look(look)

    async def pole(self, official_id: int, code: str) -> PoleSeen:
        self._test_id = None
        return await self._database.look(
            lambda session: _pole(session, code, repair_steps.technician(session, official_id))
        )

    async def report(self, official_id: int, pole: PoleSeen, fault: Fault) -> None:
        def write(session: Session) -> None:
            repair_steps.technician(session, official_id)
            report(session, pole.speaker_id, Reported(fault, Origin.PHONE, _who(session, official_id)), now())

        await self._database.until_written(write)

    async def play_tone(self, official_id: int, pole: PoleSeen) -> ToneOutcome:
        """Request the tone, and wait until its delivery has ended."""
        self._test_id = None
        try:
            test_id = await asyncio.to_thread(self._ask_for_tone, official_id, pole)
        except ZoneBusy:
            return ToneOutcome.BUSY
        except CannotTry as refusal:
            muted = refusal.message.key == "speaker.muted"
            return ToneOutcome.MUTED if muted else ToneOutcome.UNREACHABLE
        deadline = time.monotonic() + TONE_SECONDS
        while time.monotonic() < deadline:
            played = await self._database.look(lambda session: repair_steps.test_played(session, test_id))
            if played is not None:
                self._test_id = test_id if played else None
                return ToneOutcome.PLAYED if played else ToneOutcome.NOT_PLAYED
            await asyncio.sleep(LOOK_SECONDS)
        return ToneOutcome.NOT_PLAYED

    async def close(self, official_id: int, pole: PoleSeen) -> bool:
        """Close the repair, even when the official hangs up meanwhile."""

        def write(session: Session) -> bool:
            repair_steps.technician(session, official_id)
            repair = open_repair_of(session, pole.speaker_id)
            if repair is None or self._test_id is None:
                return False
            who = _who(session, official_id)
            repair_steps.close(session, repair, Outcome.TESTED, who, now(), self._test_id)
            return True

        return await self._database.until_written(write)

    def _ask_for_tone(self, official_id: int, pole: PoleSeen) -> int:
        with tone_in(self._store) as tone, self._database.session() as session:
            repair_steps.technician(session, official_id)
            speaker = session.get_one(Speaker, pole.speaker_id)
            return ask_for_tone(session, self._store, tone, speaker, _who(session, official_id), now()).id


def _pole(session: Session, code: str, units: Collection[int]) -> PoleSeen:
    """Return the speaker of a code within these units; of one elsewhere, raise the number to call if there is one."""
    try:
        speaker = speaker_at(session, code, units)
    except PoleElsewhere as elsewhere:
        number = number_for_faults(session, elsewhere.unit_id)
        if number is None:
            raise
        dialled = national(number.number)
        raise PoleOfAnotherLine(elsewhere.unit_id, number.unit.name, dialled) from None
    repair = open_repair_of(session, speaker.id)
    return PoleSeen(speaker.id, speaker.name, repair.id if repair is not None else None)


def _who(session: Session, official_id: int) -> str:
    return f"official:{session.get_one(Official, official_id).code}"
