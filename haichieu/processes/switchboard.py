"""`haichieu switchboard`: the studio, the reception and calls of the station, over one Asterisk."""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.studio.orphans import clear_orphans, orphaned_callers, stop_sounds, unanswered
from dialplans.carrier_certificates import authorities_file
from dialplans.carrier_names import CarrierNames
from dialplans.configuration import ari_password
from dialplans.trunk_watch import TrunkWatch
from haichieu.ari import operations, sign_of_life
from haichieu.ari.client import ENDPOINT_EVENTS, TEXT_EVENT, AriClient
from haichieu.ari.errors import AriError
from haichieu.ari.events import Event
from haichieu.ari.outgoing_lines import shared_out
from haichieu.background import in_background, kept_going, until_terminated
from haichieu.changes import changes
from haichieu.database import now
from haichieu.errors import shown
from haichieu.heartbeats import BEAT_SECONDS, beat
from haichieu.logs import configure_logs
from haichieu.node_clock import NodeClock
from haichieu.node_lock import node_lock
from haichieu.node_watch import watch_nodes
from haichieu.nodes import announcement
from haichieu.process_control import READY, open_many_files
from haichieu.process_pulse import Pulse, beat_from_loop
from haichieu.processes.asterisk_absence import AsteriskAbsence
from haichieu.processes.degraded_dialplan import refresh_degraded
from haichieu.processes.followed_rows import followed_rows, pause_after
from haichieu.processes.hung_process import report_hang
from haichieu.processes.opened_station import OpenedStation, open_station
from haichieu.processes.sounds import FALLBACK_LANGUAGE
from haichieu.processes.spooled_texts import report_refused
from haichieu.processes.switchboard_parts import caller_part, media_keeper, outgoing_part, speaker_part
from haichieu.processes.text_gate_keeper import TextGateKeeper
from haichieu.processes.texts import sip_texts, spooled_texts
from haichieu.recording_intake import RecordingIntake
from haichieu.settings import Settings
from haichieu.station import the_station
from haichieu.station_status import FAN_OUT

log = structlog.get_logger()

PROMPTS_EVERY_SECONDS = 24 * 3600.0
DRAFTS_EVERY_SECONDS = 300.0
ACCOUNTS_EVERY_SECONDS = 60.0
COMPARED_SECONDS = 10.0
THREADS_SECONDS = 60.0
"""A switchboard whose threads accept no work for this long counts as hung; a database may be slow for a while."""


def run_switchboard(settings: Settings, pulse: Pulse) -> None:
    """Run the calls of one Asterisk until SIGTERM; then end broadcasts and calls in order."""
    configure_logs(settings.log_level, "switchboard")
    asyncio.run(until_terminated(partial(_work, settings, pulse)))


async def _work(settings: Settings, pulse: Pulse) -> None:
    async with in_background(beat_from_loop(pulse, THREADS_SECONDS)):
        station = open_station(settings)
        report_hang(station.database, "switchboard", pulse)
        clock = NodeClock()
        async with node_lock(station.database, announcement(settings), clock):
            await Switchboard(station, clock).run()


class Switchboard:
    """The composition of the parts, and what happens on connecting to Asterisk and on changed rows."""

    def __init__(self, station: OpenedStation, clock: NodeClock) -> None:
        settings = station.settings
        self._station = station
        self._database = station.database
        self._client = AriClient(
            settings.ari_host,
            settings.ari_port,
            ari_password(settings),
            unclaimed=self._unclaimed,
            most_calls=shared_out(settings.rtp_pairs, open_many_files())[1],
        )
        keeper, watch = media_keeper(station), partial(watch_nodes, station.database, settings.node, clock)
        self._of_nodes = (watch, keeper.run, self._compare_speakers) if keeper else ()
        self._speakers = speaker_part(station, self._client, clock, keeper)
        self._callers = caller_part(station, self._client, self._speakers.studio)
        certificates = authorities_file(station.home) if settings.verify_carriers else None
        self._trunks = TrunkWatch(self._client, station.database, self._speakers.accounts.refused, certificates)
        self._carrier_names = CarrierNames(station.database)
        self._outgoing = outgoing_part(station, self._client, self._speakers.studio, self._callers)
        self._texts = sip_texts(station, self._client)
        kinds = (spooled_texts(station, self._texts), *self._callers.recording_kinds, self._speakers.recordings)
        self._intake = RecordingIntake(self._client, station.database, kinds)
        self._texting: set[str] = set()
        self._text_gate = TextGateKeeper(self._client, station.database, station.home)
        self._absence = AsteriskAbsence(settings.node)
        self._printed_ready = False

    async def run(self) -> None:
        """Work until cancelled. Calls end before the connection to Asterisk does."""
        seats = self._speakers.seats
        async with (
            self._client,
            seats or contextlib.nullcontext(),
            kept_going(*((seats.link.run,) if seats else ())),
            self._speakers.studio,
            kept_going(
                partial(self._client.run, self._connected, self._lost),
                self._speakers.supervisor.run,
                self._trunks.run,
                self._carrier_names.run,
                self._retry_accounts,
                self._heartbeat,
                partial(sign_of_life.keep_showing, self._client, self._works),
                self._follow_rows,
                self._prepare_prompts,
                self._intake.run,
                self._report_refused_texts,
                self._text_gate.run,
                self._delete_abandoned_drafts,
                *self._of_nodes,
            ),
            kept_going(*self._outgoing, self._texts.run),
        ):
            await self._callers.reception.run()

    def _unclaimed(self, event: Event) -> None:
        """Dispatch the events that belong to no current call. Runs on the event loop and never waits."""
        if event.type in ENDPOINT_EVENTS:
            self._speakers.supervisor.hear(event)
        elif event.type == TEXT_EVENT:
            # Only a hint: the text itself is in the spool, if its account may text.
            self._intake.hurry()
            self._texting.add(event.body.get("endpoint", {}).get("resource", ""))
        elif event.type == "StasisStart":
            kind = event.body["args"][:1]
            if kind == ["inbound"]:
                self._callers.reception.take(event)
            elif kind == ["node"]:
                self._speakers.studio.relays.take(event)
            else:
                # a speaker that answered too late
                self._callers.reception.turn_away(event.body["channel"]["id"])

    async def _connected(self, channels: list[Mapping[str, Any]]) -> None:
        callers = orphaned_callers(channels, self._client.events.claimed)
        await stop_sounds(self._client, [caller["id"] for caller in callers])
        await self._speakers.accounts.push_all()
        await self._text_gate.asterisk_connected()
        await clear_orphans(
            self._client,
            self._database,
            self._speakers.recordings,
            channels,
            self._station.settings.node,
            lambda broadcast_id: broadcast_id in self._speakers.studio.on_air,
        )
        for caller in callers:
            if arrival := unanswered(caller):
                self._unclaimed(arrival)
            else:
                self._callers.reception.apologise(caller["id"])
        await self._speakers.supervisor.look("comparison with Asterisk after connecting")
        await self._beat(asterisk=True)
        await sign_of_life.show(self._client)
        if not self._printed_ready:
            self._printed_ready = True
            print(READY, flush=True)

    async def _follow_rows(self) -> None:
        """On changed rows, reload prompts, push changed accounts and rewrite the degraded dialplan."""
        followed = b""
        clock = asyncio.get_running_loop().time
        async for _ in changes(self._database):
            began = clock()
            if (rows := await self._database.look(followed_rows)) == followed:
                await asyncio.sleep(pause_after(clock() - began))
                continue
            await asyncio.to_thread(self._callers.prompts.look_again)
            await self._client.connected.wait()
            try:
                if await asyncio.to_thread(refresh_degraded, self._station, self._callers.prompts):
                    await self._client.request(operations.RELOAD_MODULE, moduleName="pbx_config.so")
                if await self._speakers.accounts.push_changes():
                    await self._speakers.supervisor.look("comparison with Asterisk after a change of accounts")
                followed = rows
            except AriError as problem:
                log.warning("rows.not_followed", problem=shown(problem))

    async def _heartbeat(self) -> None:
        """Write the heartbeat that `status` and /healthz read, with the state of the connection to Asterisk."""
        while True:
            await self._beat(asterisk=self._client.connected.is_set())
            await asyncio.sleep(BEAT_SECONDS)

    async def _beat(self, *, asterisk: bool) -> None:
        detail: dict[str, int | bool] = {"asterisk": asterisk}
        if seats := self._speakers.seats:
            detail |= {FAN_OUT: seats.link.works, "served_directly": len(seats.direct)}

        def work(session: Session) -> None:
            beat(session, "switchboard", self._station.settings.node, **detail)
            self._absence.note(session, now(), connected=asterisk)

        await self._database.run(work)

    async def _works(self) -> bool:
        """Return whether the switchboard can serve a caller: its threads run, and the database can be read."""
        try:
            await self._database.look(lambda session: session.execute(sa.select(1)))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    async def _lost(self) -> None:
        await self._beat(asterisk=False)
        await self._speakers.supervisor.asterisk_lost()

    async def _report_refused_texts(self) -> None:
        while True:
            while self._texting:
                await asyncio.to_thread(report_refused, self._database, self._texting.pop())
            await asyncio.sleep(BEAT_SECONDS)

    async def _retry_accounts(self) -> None:
        """Push accounts again that Asterisk refused: DNS may have the carrier's address by now."""
        while True:
            await asyncio.sleep(ACCOUNTS_EVERY_SECONDS)
            with contextlib.suppress(AriError):
                await self._speakers.accounts.push_refused()

    async def _compare_speakers(self) -> None:
        """Look at the speakers regularly: other nodes count this one as lost while it cannot reach the database."""
        while True:
            await asyncio.sleep(COMPARED_SECONDS)
            if self._client.connected.is_set():
                with contextlib.suppress(AriError, sa.exc.DBAPIError, sa.exc.TimeoutError):
                    await self._speakers.supervisor.look("regular comparison with Asterisk")

    async def _delete_abandoned_drafts(self) -> None:
        """Delete the drafts of messages whose callers hung up before the tone."""
        while True:
            await asyncio.to_thread(self._callers.messages.forget_abandoned)
            await asyncio.sleep(DRAFTS_EVERY_SECONDS)

    async def _prepare_prompts(self) -> None:
        """Synthesise the fixed prompts before the first caller; once a day delete those that are no longer used."""
        while True:
            language = await self._database.look(lambda session: the_station(session).language)
            for spoken in {language, FALLBACK_LANGUAGE}:
                await self._callers.prompts.prepare(spoken)
            await asyncio.to_thread(self._callers.prompts.discard_unused)
            await asyncio.sleep(PROMPTS_EVERY_SECONDS)
