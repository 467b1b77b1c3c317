"""Reception of calls: the number dialled decides the flow, and the flow decides the rest."""

import asyncio
import contextlib
import datetime
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session as DatabaseSession

from broadcast_bridge.broadcasts.call_backs import PendingCall
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.speakers.zones import ZoneNotAllowed, ZoneRefused
from feedback.intake.missed_calls import MissedCalls, PendingCitizenCall
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, CallEnded, HungUp, Lost
from haichieu.ari.events import Event
from haichieu.ari.in_call import leave_to_asterisk
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, shown
from haichieu.phone_numbers import masked, same_number
from haichieu.station import the_station
from ivr.calls.caller_limits import CallerLimits, TooManyCalls
from ivr.calls.routing import ANSWER_FLOW, BOOKED_FLOW, EMERGENCY_FLOW, Dialled, route, routed_flow_at
from ivr.desks.citizen import PhoneCitizenDesk
from ivr.desks.official import PhoneDesk
from ivr.desks.protocols import AnswerDesk
from ivr.flows.definition import Flow
from ivr.flows.interpreter import run_flow
from ivr.flows.session import OfficialSeen, Prompts, Session

log = structlog.get_logger()

RING_PERIOD_SECONDS = 4.0
"""Ringing time, one period of the ringing tone, before a number with missed-call return answers."""


class Booking(Protocol):
    """A call ahead of a booked broadcast."""

    @property
    def zone_keys(self) -> str: ...

    @property
    def due_at(self) -> datetime.datetime:
        """The start time."""
        ...

    @property
    def priority(self) -> Priority: ...

    def went_on_air(self, session: DatabaseSession, broadcast_id: int) -> None:
        """Record the broadcast, in the transaction that plans it."""
        ...


class CurrentPrompts(Prompts, Protocol):
    """The prompts of the station, which people change."""

    def look_again(self) -> None:
        """Take the changes. May block: call it in a thread."""
        ...


DeskFor = Callable[[Call, str], PhoneDesk]
CitizenDeskFor = Callable[[Call, Dialled], PhoneCitizenDesk]


@dataclass(frozen=True)
class Destination:
    """The flow of a dialled number. `dialled` is None for the emergency line."""

    flow: str
    language: str
    dialled: Dialled | None = None
    missed_call_back: bool = False


@dataclass(frozen=True)
class CitizensReception:
    """The parts that only citizens' lines need: desks, limits and missed calls."""

    desk_for: CitizenDeskFor
    limits: CallerLimits
    missed_calls: MissedCalls


class Reception:
    """Takes calls and runs their flows, each in a task that ends with its call."""

    def __init__(
        self,
        client: AriClient,
        database: Database,
        prompts: CurrentPrompts,
        flows: Callable[[str], Awaitable[Flow]],
        desk_for: DeskFor,
        citizens: CitizensReception,
    ) -> None:
        self._client = client
        self._database = database
        self._prompts = prompts
        self._flows = flows
        self._desk_for = desk_for
        self._citizens = citizens
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run until cancelled; then end every call in order."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, started: Event) -> None:
        """Take a call that has just arrived, or reject it while too many are in progress; never blocks."""
        try:
            self._citizens.limits.require_room(len(self._tasks))
        except TooManyCalls:
            log.warning("call.rejected", in_progress=len(self._tasks))
            self.turn_away(started.body["channel"]["id"])
        else:
            self._spawn(self._serve(Call.arriving(self._client, started)))

    def apologise(self, channel_id: str) -> None:
        """Apologise to a caller whose switchboard restarted, and end the call."""
        self._spawn(self._say_and_end(Call(self._client, channel_id, None, ""), "station-restarted"))

    def turn_away(self, channel_id: str) -> None:
        """End a channel that belongs to no call any more."""
        self._spawn(Call(self._client, channel_id, None, "").end())

    async def resume(self, call: Call, pending: PendingCall) -> None:
        """Run the flow of a call back from its call-back entry, with official and zone known."""
        language = await self._database.look(lambda session: the_station(session).language)
        desk = self._desk_for(call, pending.flow)
        if pending.signs_in:
            await self._sign_in(Session(call, self._prompts, desk, language, called_back=True), pending.flow)
            return
        official = OfficialSeen(pending.official_id, pending.official_name)
        session = Session(
            call,
            self._prompts,
            desk,
            language,
            official=official,
            called_back=True,
            call_back_priority=pending.priority,
        )
        try:
            session.zone = await desk.find_zone(official.id, pending.zone_keys) if pending.zone_keys else None
        except ZoneRefused as refusal:
            prompt = "zone-not-allowed" if isinstance(refusal, ZoneNotAllowed) else "unknown-zone"
            await session.say(prompt, code=pending.zone_keys)
            return
        await run_flow(await self._flow(pending.flow), session)

    async def _sign_in(self, session: Session, flow_name: str) -> None:
        """Run a flow from its start on a call to a registered number."""
        flow = await self._flow(flow_name)
        await session.say("sign-in-call-greeting")
        await run_flow(flow.model_copy(update={"call_back_entry": flow.start}), session)

    async def keep_booking(self, call: Call, booking: Booking, official_id: int, official_name: str) -> None:
        """Take an official, called ahead of a booked broadcast, through PIN and countdown on air."""
        language = await self._database.look(lambda session: the_station(session).language)
        desk = self._desk_for(call, BOOKED_FLOW)
        desk.when_planned = booking.went_on_air
        zone = await desk.find_zone(official_id, booking.zone_keys)
        session = Session(
            call,
            self._prompts,
            desk,
            language,
            official=OfficialSeen(official_id, official_name),
            zone=zone,
            called_back=True,
            call_back_priority=booking.priority,
            due_at=booking.due_at,
        )
        await run_flow(await self._flow(BOOKED_FLOW), session)

    async def return_call(self, call: Call, pending: PendingCitizenCall) -> None:
        """Run the flow of the number that the citizen had dialled."""
        destination = await self._database.look(lambda session: destination_of(session, [pending.dialled], now()))
        if destination is None or destination.dialled is None:
            return
        flow = await self._flow(destination.flow)
        await self._serve_citizen(call, destination, destination.dialled, flow, called_back=True)

    async def play_answers(self, call: Call, answers: AnswerDesk, language: str) -> None:
        """Run the answer flow for a citizen whom the station has called."""
        desk = self._desk_for(call, ANSWER_FLOW)
        session = Session(call, self._prompts, desk, language, called_back=True, answer_desk=answers)
        await run_flow(await self._flow(ANSWER_FLOW), session)

    async def _serve(self, call: Call) -> None:
        async with call:
            dialled = call.may_have_dialled
            try:
                destination = await self._database.look(lambda session: destination_of(session, dialled, now()))
            except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
                log.warning("call.left_to_asterisk", call=call.id, problem=shown(problem))
                await leave_to_asterisk(self._client, call)
                return
            if destination is None:
                log.info("call.arrived", call=call.id, dialled=call.dialled, flow=None)
                await self._say_and_end(call, "number-not-in-use")
                return
            flow = await self._flow(destination.flow)
            if destination.dialled is not None and not flow.is_for_officials:
                # Citizens may stay anonymous: the log contains no part of their number.
                log.info("call.arrived", call=call.id, dialled=call.dialled, flow=destination.flow)
                await self._welcome_citizen(call, destination, destination.dialled, flow)
                return
            log.info(
                "call.arrived",
                call=call.id,
                caller=masked(call.caller_number),
                dialled=call.dialled,
                flow=destination.flow,
            )
            try:
                self._citizens.limits.officials_call(call.line)
            except TooManyCalls:
                await self._say_and_end(call, "too-many-calls")
                return
            desk = self._desk_for(call, destination.flow)
            session = Session(call, self._prompts, desk, destination.language)
            end = await run_flow(flow, session)
            log.info("call.ended", call=call.id, how=str(end))
        await desk.call_over()

    async def _welcome_citizen(self, call: Call, destination: Destination, dialled: Dialled, flow: Flow) -> None:
        others = len(self._tasks) - 1
        try:
            self._citizens.limits.require_room(others, for_citizen=True)
        except TooManyCalls:
            log.warning("call.rejected", in_progress=others)
            return
        try:
            self._citizens.limits.call(call.caller_number, call.line)
        except TooManyCalls:
            await self._say_and_end(call, "too-many-calls")
            return
        if destination.missed_call_back and call.caller_number and await self._is_missed_call(call, dialled):
            return
        await self._serve_citizen(call, destination, dialled, flow)

    async def _is_missed_call(self, call: Call, dialled: Dialled) -> bool:
        """Ring for one period; return whether the caller hung up meanwhile, and queue a call back."""
        try:
            await call.ring()
            async with asyncio.timeout(RING_PERIOD_SECONDS):
                await call.until_hung_up()
        except (TimeoutError, Lost):
            return False
        except HungUp:
            number = call.caller_number or ""
            owed = await self._database.until_written(
                lambda session: self._citizens.missed_calls.add(session, number, dialled.number, now())
            )
            log.info("call.missed", call=call.id, dialled=dialled.number, call_back=owed)
        return True

    async def _serve_citizen(
        self, call: Call, destination: Destination, dialled: Dialled, flow: Flow, *, called_back: bool = False
    ) -> None:
        if flow.call_back_entry is None:
            flow = flow.model_copy(update={"call_back_entry": flow.start})
        desk = self._citizens.desk_for(call, dialled)
        session = Session(
            call,
            self._prompts,
            self._desk_for(call, destination.flow),
            destination.language,
            called_back=called_back,
            citizens=desk,
        )
        try:
            end = await run_flow(flow, session)
            log.info("call.ended", call=call.id, how=str(end))
        finally:
            await desk.call_over()

    async def _say_and_end(self, call: Call, prompt: str) -> None:
        async with call:
            language = await self._database.look(lambda session: the_station(session).language)
            with contextlib.suppress(CallEnded, AriError):
                await call.answer()
                await call.say(await asyncio.to_thread(self._prompts.sound, prompt, language))

    async def _flow(self, name: str) -> Flow:
        """Return the flow for a call that begins now. Changed flows and prompts count from the next call on."""
        await asyncio.to_thread(self._prompts.look_again)
        return await self._flows(name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except HaiChieuError as problem:
        log.warning("call.failed", problem=shown(problem))
    except Exception:
        log.exception("call.failed")


def destination_of(session: DatabaseSession, dialled: Sequence[str], at: datetime.datetime) -> Destination | None:
    """Return where the first of these numbers leads that is ours; None if none is."""
    station = the_station(session)
    for one in dialled:
        if station.emergency_number and same_number(one, station.emergency_number):
            return Destination(EMERGENCY_FLOW, station.language)
        if (number := route(session, one)) is not None:
            break
    else:
        return None
    lead = routed_flow_at(number, at.astimezone(ZoneInfo(station.timezone)))
    return Destination(lead.flow, number.language or station.language, lead.dialled, number.missed_call_back)
