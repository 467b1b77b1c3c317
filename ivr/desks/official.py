"""The officials' desk: implements `OfficialDesk` over broadcasts and programmes."""

import asyncio
import datetime
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import acknowledgement, call_backs
from broadcast_bridge.broadcasts.broadcast_lifecycle import last_broadcast_of, outcome_of
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.phone_recordings import Kept, PhoneRecordings
from broadcast_bridge.speakers.zones import find_zone
from broadcast_bridge.studio.dial_ahead import DialAhead
from broadcast_bridge.studio.studio import Studio, WhenPlanned
from haichieu.ari.call import Call
from haichieu.database import Database, now
from haichieu.people import Official, official_with_phone
from haichieu.phone_sign_in import CallBackNeeded, Caller, PhoneSignIn
from haichieu.pins import choose_pin
from haichieu.station import the_station
from haichieu.vault import Vault
from ivr.calls.caller_limits import CallerLimits
from ivr.desks.programme_protocols import ProgrammeDesk
from ivr.desks.protocols import CaseDesk, ProvinceDesk
from ivr.desks.repair_protocols import RepairDesk
from ivr.flows.session import CallBackRequired, LastReport, LiveResult, OfficialSeen, ZoneSeen


@dataclass(frozen=True)
class OfficialsLine:
    """The parts that the desks of all calls share."""

    database: Database
    vault: Vault
    studio: Studio
    recordings: PhoneRecordings
    limits: CallerLimits
    call_back_delay: float
    province: ProvinceDesk
    programmes: ProgrammeDesk


class PhoneDesk:
    """The desk of one call, whose voice goes on air. `flow` is the flow that a call back resumes."""

    def __init__(self, line: OfficialsLine, call: Call, flow: str, cases: CaseDesk, repairs: RepairDesk) -> None:
        self._database = line.database
        self._vault = line.vault
        self._studio = line.studio
        self._recordings = line.recordings
        self._limits = line.limits
        self._call_back_delay = line.call_back_delay
        self._call = call
        self._flow = flow
        self.cases = cases
        self.province = line.province
        self.programmes = line.programmes
        self.repairs = repairs
        self._owed: int | None = None
        self._ahead: DialAhead | None = None
        self._expected: object = None
        self.when_planned: WhenPlanned | None = None
        """Called with the first broadcast of this call, in the transaction that plans it."""

    async def knows_caller(self, caller_number: str | None, *, called_back: bool) -> bool:
        """Return whether to identify the caller by number.

        While many sign-ins are begun and not finished, all callers are asked for the staff code, so that forged numbers
        do not show which of them belong to officials.
        """
        hides = not called_back and self._limits.too_many_unfinished_sign_ins()
        if not caller_number or hides:
            return False
        return await self._database.look(lambda session: official_with_phone(session, caller_number) is not None)

    async def sign_in(
        self, caller_number: str | None, code: str | None, pin: str, *, called_back: bool
    ) -> OfficialSeen:
        """Check a PIN; the attempt is counted before it is compared."""
        service, caller = PhoneSignIn(self._database, self._vault), Caller(caller_number, self._call.line, called_back)
        try:
            official = await asyncio.shield(asyncio.to_thread(service.sign_in, caller, code, pin))
        except CallBackNeeded as refusal:
            official_id = refusal.official_id
            self._owed = await self._database.run(
                lambda session: call_backs.request_sign_in_call(session, official_id, self._flow, now())
            )
            raise
        if not called_back:
            self._limits.sign_in_finished()
        return OfficialSeen(official.id, official.name)

    async def choose_pin(self, official_id: int, pin: str) -> None:
        """Set another PIN."""
        await asyncio.shield(asyncio.to_thread(choose_pin, self._database, self._vault, official_id, pin))

    async def find_zone(self, official_id: int, keys: str) -> ZoneSeen:
        def look(session: Session) -> ZoneSeen:
            zone = find_zone(session, session.get_one(Official, official_id), keys)
            return ZoneSeen(zone.keys, zone.name, zone.reachable, zone.total)

        return await self._database.look(look)

    def expect_live(
        self, official_id: int, zone: ZoneSeen, due_at: datetime.datetime | None, *, called_back: bool
    ) -> None:
        """Call the speakers of the zone ahead; they are released as soon as the official hangs up."""
        expected = official_id, zone.keys, due_at
        if expected != self._expected:
            self.expect_nothing()
            self._expected = expected
            self._ahead = self._studio.expects.live(official_id, zone.keys, due_at, called_back=called_back)
            self._call.when_gone(self.expect_nothing)

    def expect_nothing(self) -> None:
        """Release the speakers that are not on air."""
        ahead, self._ahead, self._expected = self._ahead, None, None
        if ahead is not None:
            ahead.call_off()

    async def go_live(self, official_id: int, zone: ZoneSeen, priority: Priority, *, called_back: bool) -> LiveResult:
        """Put the call on air, unless the official has to be called back first."""
        if not called_back:
            self._owed = await self._database.run(self._owes_call_back(official_id, zone.keys, priority))
            if self._owed is not None:
                raise CallBackRequired
        try:
            outcome = await self._studio.go_live(
                self._call, official_id, zone.keys, priority, ahead=self._ahead, when_planned=self.when_planned
            )
        finally:
            self.expect_nothing()
        self.when_planned = None
        return LiveResult(outcome.heard, outcome.total, outcome.reason, outcome.unconfirmed)

    async def begin_recording(self, official_id: int) -> str:
        return await self._database.run(lambda session: self._recordings.begin(session, official_id))

    def recording_sound(self, name: str) -> str:
        return self._recordings.sound(name)

    async def keep_recording(self, name: str, zone_keys: str) -> Kept:
        """Make a programme of it, even when the caller hangs up meanwhile."""
        return await asyncio.shield(asyncio.to_thread(self._recordings.keep, name, zone_keys))

    def discard_recording(self, name: str) -> None:
        self._recordings.discard(name)

    def release_recording(self, name: str) -> None:
        self._recordings.let_go(name)

    async def emergency_sounds(self, official_id: int) -> bool:
        """Return whether an emergency is repeated where the official answers."""

        def look(session: Session) -> bool:
            return bool(acknowledgement.emergencies_at(session, session.get_one(Official, official_id)))

        return await self._database.look(look)

    async def acknowledge(self, official_id: int) -> int:
        """Record the acknowledgement; the speakers there fall silent within a moment."""

        def write(session: Session) -> int:
            return len(acknowledgement.acknowledge(session, session.get_one(Official, official_id), now()))

        return await self._database.until_written(write)  # the sirens end with the commit

    async def last_report(self, official_id: int) -> LastReport | None:
        def look(session: Session) -> LastReport | None:
            broadcast = last_broadcast_of(session, official_id)
            if broadcast is None:
                return None
            outcome = outcome_of(broadcast.deliveries)
            clock = zoneinfo.ZoneInfo(the_station(session).timezone)
            when = (broadcast.on_air_at or broadcast.created_at).astimezone(clock)
            counts = outcome.heard, outcome.total, outcome.missed, outcome.unconfirmed
            return LastReport(broadcast.zone_names, when, *counts)

        return await self._database.look(look)

    async def call_over(self) -> None:
        """Make the pending call back due, now that the caller is gone."""
        if (owed := self._owed) is not None:
            due = now() + datetime.timedelta(seconds=self._call_back_delay)
            await self._database.run(lambda session: call_backs.make_due(session, owed, due))

    def _owes_call_back(self, official_id: int, zone_keys: str, priority: Priority) -> Callable[[Session], int | None]:
        def owe(session: Session) -> int | None:
            official = session.get_one(Official, official_id)
            if not official.call_back:
                return None
            return call_backs.request(session, official, zone_keys, priority, self._flow, now()).id

        return owe
