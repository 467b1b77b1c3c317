"""`haichieu switchboard`: composes the studio, the reception and their collaborators over one Asterisk."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from broadcast_bridge.broadcasts import call_backs
from broadcast_bridge.programmes.emergency_recordings import EmergencyRecordings
from broadcast_bridge.programmes.phone_recordings import PhoneRecordings
from broadcast_bridge.speakers.account_sync import AccountSync
from broadcast_bridge.speakers.monitoring import SpeakerSupervisor
from broadcast_bridge.studio.levels import Levels
from broadcast_bridge.studio.live_recordings import Recordings
from broadcast_bridge.studio.orphans import clear_orphans, orphaned_callers, stop_sounds
from broadcast_bridge.studio.playout import Playout
from broadcast_bridge.studio.studio import Studio, StudioRules
from dialplans.account_file import AccountFile
from dialplans.configuration import ari_password, spool_folder
from dialplans.numbering import endpoint_for
from feedback.citizens.registry import open_citizens
from feedback.intake.missed_calls import MissedCalls
from feedback.intake.voice_messages import VoiceMessages
from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.client import ENDPOINT_EVENTS, TEXT_EVENT, AriClient
from haichieu.ari.errors import AriError
from haichieu.ari.events import Event
from haichieu.background import kept_going
from haichieu.changes import changes
from haichieu.database import Database, migrate
from haichieu.heartbeats import BEAT_SECONDS, beat
from haichieu.logs import configure_logs
from haichieu.media import MediaStore
from haichieu.process_control import READY
from haichieu.processes.answers import SpokenAnswers
from haichieu.processes.degraded import refresh_degraded
from haichieu.processes.degraded_messages import DegradedMessages
from haichieu.processes.sounds import FALLBACK_LANGUAGE, open_prompts, studio_sounds
from haichieu.processes.texts import sip_texts
from haichieu.recording_intake import RecordingIntake
from haichieu.settings import Settings
from haichieu.speech.synthesis import EspeakSynthesiser
from haichieu.spool import Spool
from haichieu.station import the_station
from haichieu.vault import open_vault
from ivr.calls.booked import BookedCalls
from ivr.calls.call_back_dispatcher import CallBackDispatcher
from ivr.calls.caller_limits import CallerLimits
from ivr.calls.reception import CitizensReception, Reception
from ivr.custom_flows.checking import FlowCheck
from ivr.custom_flows.in_use import FlowsInUse
from ivr.desks.citizen import CitizensLine, PhoneCitizenDesk
from ivr.desks.official import PhoneDesk
from ivr.prompts import calls
from ivr.prompts.recording import PromptRecorder

log = structlog.get_logger()

PROMPTS_EVERY_SECONDS = 24 * 3600.0
DRAFTS_EVERY_SECONDS = 300.0


def run_switchboard(settings: Settings) -> None:
    """Own the calls of one Asterisk until SIGTERM; then end broadcasts and calls in order."""
    configure_logs(settings.log_level, "switchboard")
    migrate(settings.resolved_database_url)
    asyncio.run(_until_terminated(settings))


async def _until_terminated(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(Switchboard(settings).run())
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


class Switchboard:
    """The composition: who is handed to whom, and what happens on connecting and on news."""

    def __init__(self, settings: Settings) -> None:
        home = settings.home.absolute()
        self._settings = settings
        self._database = Database(settings.resolved_database_url)
        self._vault = open_vault(home)
        self._client = AriClient(
            settings.ari_host, settings.ari_port, ari_password(settings), unclaimed=self._unclaimed
        )
        self._accounts = AccountSync(
            self._client, self._database, self._vault, AccountFile(home), settings.qualify_seconds
        )
        store = MediaStore(home / "media", settings.min_free_megabytes)
        folder = spool_folder(settings) / "recording"
        self._spool = Spool(folder)
        self._recordings = Recordings(folder, store)
        self._phone_recordings = PhoneRecordings(self._spool, self._database, store)
        self._answers = SpokenAnswers(settings, self._database, store, self._spool)
        self._studio = Studio(
            self._client,
            self._database,
            studio_sounds(home),
            StudioRules(
                settings.answer_seconds, settings.max_live_minutes * 60, settings.multicast_interface, settings.node
            ),
            self._recordings,
            store,
            Levels(home),
        )
        self._supervisor = SpeakerSupervisor(
            self._client, self._database, settings.node, self._studio.speaker_returned, self._studio.speaker_lost
        )
        self._prompts = open_prompts(home, self._database)
        citizens = open_citizens(home)
        self._messages = VoiceMessages(self._spool, self._database, store, citizens, settings.node)
        limits = CallerLimits()
        line = CitizensLine(
            self._client, self._database, store, citizens, self._messages, self._prompts, EspeakSynthesiser(), limits,
            endpoint_for,
        )  # fmt: skip
        missed_calls = MissedCalls(citizens)
        self._reception = Reception(
            self._client,
            self._database,
            self._prompts,
            FlowsInUse(self._database, FlowCheck(self._prompts, self._prompts.languages)),
            self._desk_for,
            CitizensReception(partial(PhoneCitizenDesk, line), limits, missed_calls),
        )
        self._call_backs = CallBackDispatcher(
            self._client, self._database, call_backs, self._reception.resume, endpoint_for, names_numbers=True
        )
        self._missed_calls = CallBackDispatcher(
            self._client, self._database, missed_calls, self._reception.return_call, endpoint_for, names_numbers=False
        )
        recorder = PromptRecorder(self._database, self._prompts, self._spool, store, self._desk_for)
        self._prompt_calls = CallBackDispatcher(
            self._client, self._database, calls, recorder.take_up, endpoint_for, names_numbers=True
        )
        self._answer_calls = self._answers.calls(self._client, self._reception, self._messages)
        self._booked_calls = BookedCalls(self._client, self._database, self._reception, endpoint_for)
        self._playout = Playout(self._client, self._database, self._studio, self._booked_calls.book)
        self._texts = sip_texts(settings, self._database, self._client)
        kinds = (
            self._messages,
            self._phone_recordings,
            self._answers.by_phone,
            DegradedMessages(home, self._database, self._messages),
            EmergencyRecordings(home, self._database, store),
        )
        self._intake = RecordingIntake(self._client, self._database, kinds)
        self._said_ready = False

    def _desk_for(self, call: Call, flow: str) -> PhoneDesk:
        delay = self._settings.call_back_delay
        cases = self._answers.cases()
        return PhoneDesk(self._database, self._studio, self._phone_recordings, delay, call, flow, cases)

    async def run(self) -> None:
        """Work until cancelled. Calls end before the connection to Asterisk does."""
        async with (
            self._client,
            kept_going(
                partial(self._client.run, self._connected, self._lost),
                self._supervisor.run,
                self._heartbeat,
                self._follow_rows,
                self._keep_prompts,
                self._intake.run,
                self._forget_abandoned_drafts,
            ),
            kept_going(
                self._call_backs.run,
                self._missed_calls.run,
                self._prompt_calls.run,
                self._booked_calls.run,
                self._playout.run,
                self._answer_calls.run,
                self._texts.run,
            ),
        ):
            await self._reception.run()

    def _unclaimed(self, event: Event) -> None:
        """Sort the events that belong to no call in hand; runs on the event loop and never waits."""
        if event.type in ENDPOINT_EVENTS:
            self._supervisor.hear(event)
        elif event.type == TEXT_EVENT:
            self._texts.hear(event)
        elif event.type == "StasisStart":
            if event.body["args"][:1] == ["inbound"]:
                self._reception.take(event)
            else:
                # A speaker that answered after nobody waited for it any more.
                self._reception.turn_away(event.body["channel"]["id"])

    async def _connected(self, channels: list[Mapping[str, Any]]) -> None:
        callers = orphaned_callers(channels, self._client.events.claimed)
        await stop_sounds(self._client, callers)
        await self._accounts.push_all()
        await clear_orphans(
            self._client, self._database, self._recordings, channels, self._settings.node, self._studio.on_air
        )
        for channel_id in callers:
            self._reception.apologise(channel_id)
        await self._supervisor.look("connected")
        await self._beat(asterisk=True)
        if not self._said_ready:
            self._said_ready = True
            print(READY, flush=True)

    async def _follow_rows(self) -> None:
        """Say the prompts as they are now, push accounts that changed, and let the degraded dialplan follow."""
        async for _ in changes(self._database):
            await asyncio.to_thread(self._prompts.look_again)
            await self._client.connected.wait()
            try:
                if await asyncio.to_thread(
                    refresh_degraded, self._settings, self._database, self._vault, self._prompts
                ):
                    await self._client.request(operations.RELOAD_MODULE, moduleName="pbx_config.so")
                if await self._accounts.push_changes():
                    await self._supervisor.look("accounts changed")
            except AriError as problem:
                log.warning("rows.not_followed", problem=str(problem))

    async def _heartbeat(self) -> None:
        """Say that we are alive, and whether Asterisk is with us: `status` and /healthz read it."""
        while True:
            await self._beat(asterisk=self._client.connected.is_set())
            await asyncio.sleep(BEAT_SECONDS)

    async def _beat(self, *, asterisk: bool) -> None:
        await self._database.run(partial(beat, component="switchboard", asterisk=asterisk))

    async def _lost(self) -> None:
        await self._beat(asterisk=False)
        await self._supervisor.asterisk_lost()

    async def _forget_abandoned_drafts(self) -> None:
        """Delete what was noted for messages whose callers hung up before the tone."""
        while True:
            await asyncio.to_thread(self._messages.forget_abandoned)
            await asyncio.sleep(DRAFTS_EVERY_SECONDS)

    async def _keep_prompts(self) -> None:
        """Make the fixed prompts ahead of the first caller, and once a day throw away what nobody hears any more."""
        while True:
            language = await self._database.run(lambda session: the_station(session).language)
            for spoken in {language, FALLBACK_LANGUAGE}:
                await self._prompts.prepare(spoken)
            await asyncio.to_thread(self._prompts.discard_unused)
            await asyncio.sleep(PROMPTS_EVERY_SECONDS)
