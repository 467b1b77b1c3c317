"""Booked live broadcasts: calls the official ahead of the start time, with the fallback programme if nobody answers.

Each number of each official is tried in order. Without an official on air, the schedule's fallback programme is played
at the start time; without one, the occurrence is missed and an alarm is raised.
"""

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import LiveNotAllowed
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Zone
from broadcast_bridge.schedule import dispatch, due
from broadcast_bridge.schedule.dispatch import BookedCall
from broadcast_bridge.schedule.errors import ClaimLost
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.schedule.states import OccurrenceState
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import dial
from haichieu.ari.errors import AriError, HungUp, NotAnswered
from haichieu.background import Tasks, kept_going
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, shown
from haichieu.people import Official
from haichieu.phone_numbers import masked
from ivr.calls.call_back_dispatcher import RING_SECONDS, LegsFor
from ivr.calls.reception import Reception

log = structlog.get_logger()


@dataclass(frozen=True)
class Booking:
    """A call to an official: zones (codes, joined by commas), start time, and the claimed occurrence."""

    occurrence_id: int
    claimed_by: str
    due_at: datetime.datetime
    zone_keys: str
    priority: Priority

    def went_on_air(self, session: Session, broadcast_id: int) -> None:
        """Attach the broadcast to the occurrence, in the transaction that makes it.

        Raises ClaimLost, or LiveNotAllowed when the schedule was removed or changed during the call.
        """
        if not due.still_belongs(session.get_one(Occurrence, self.occurrence_id)):
            raise LiveNotAllowed("schedule.occurrence.not_to_come")
        due.attach_broadcast(session, self.occurrence_id, self.claimed_by, broadcast_id)


@dataclass(frozen=True)
class _Candidate:
    official_id: int
    official_name: str
    number: str


class BookedCalls:
    """Places the calls that the playout books."""

    def __init__(self, client: AriClient, database: Database, reception: Reception, legs_for: LegsFor) -> None:
        self._client = client
        self._database = database
        self._reception = reception
        self._legs_for = legs_for
        self._wanted: asyncio.Queue[tuple[BookedCall, str]] = asyncio.Queue()

    def book(self, call: BookedCall, claimed_by: str) -> None:
        """Queue a call; never blocks."""
        self._wanted.put_nowait((call, claimed_by))

    async def run(self) -> None:
        """Work until cancelled."""
        async with Tasks() as calls:
            while True:
                call, claimed_by = await self._wanted.get()
                calls.begin(self._keep(call, claimed_by))

    async def _keep(self, call: BookedCall, claimed_by: str) -> None:
        """Handle one occurrence from the first call to its fallback, extending its claim."""
        try:
            booking = await self._database.until_read(lambda session: _booking(session, call, claimed_by))
            async with kept_going(partial(self._hold, booking)):
                for candidate in await self._database.until_read(lambda session: _candidates(session, call)):
                    if await self._on_air(booking) or await self._tried(booking, candidate):
                        return
            if not await self._on_air(booking):
                await self._database.until_written(
                    lambda session: dispatch.play_instead(session, booking.occurrence_id, claimed_by, now())
                )
        except HaiChieuError as problem:
            log.warning("booked_call.failed", occurrence=call.occurrence_id, problem=shown(problem))
        except Exception:
            log.exception("booked_call.failed", occurrence=call.occurrence_id)

    async def _tried(self, booking: Booking, candidate: _Candidate) -> bool:
        """Call one number and put the official on air; return whether the broadcast took place."""
        try:
            legs = await self._legs_for(candidate.number)
            async with dial(self._client, legs, timeout=RING_SECONDS, called_number=candidate.number) as phone:
                await self._reception.keep_booking(phone, booking, candidate.official_id, candidate.official_name)
                outcome = "answered"
        except (NotAnswered, HungUp, AriError, HaiChieuError) as problem:
            outcome = shown(problem)
        except Exception as problem:
            log.exception("booked_call.number_failed", occurrence=booking.occurrence_id)
            outcome = type(problem).__name__
        log.info(
            "booked_call.tried", occurrence=booking.occurrence_id, number=masked(candidate.number), outcome=outcome
        )
        return await self._on_air(booking)

    async def _on_air(self, booking: Booking) -> bool:
        """Return whether there is a broadcast, or none is wanted any more."""

        def look(session: Session) -> bool:
            occurrence = session.get_one(Occurrence, booking.occurrence_id)
            if occurrence.broadcast_id is not None or occurrence.state != OccurrenceState.CLAIMED:
                return True
            return not due.still_belongs(occurrence)

        return await self._database.until_read(look)

    async def _hold(self, booking: Booking) -> None:
        """Extend the claim until there is a broadcast."""
        while True:
            await asyncio.sleep(dispatch.LEASE.total_seconds() / 3)
            try:
                await self._database.run(
                    lambda session: due.extend_claim(
                        session, booking.occurrence_id, booking.claimed_by, now(), dispatch.LEASE
                    )
                )
            except ClaimLost:
                return


def _booking(session: Session, call: BookedCall, claimed_by: str) -> Booking:
    zones = [session.get_one(Zone, zone_id).code for zone_id in call.zone_ids]
    return Booking(call.occurrence_id, claimed_by, call.due_at, ",".join(zones), call.priority)


def _candidates(session: Session, call: BookedCall) -> Sequence[_Candidate]:
    officials = [session.get_one(Official, official_id) for official_id in call.official_ids]
    return [_Candidate(official.id, official.name, phone.number) for official in officials for phone in official.phones]
