"""The parts of the switchboard: the studio, callers, and calls that the station makes."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import call_backs
from broadcast_bridge.programmes.emergency_recordings import EmergencyRecordings
from broadcast_bridge.programmes.phone_recordings import PhoneRecordings
from broadcast_bridge.repairs.fault_recordings import FaultRecordings
from broadcast_bridge.speakers.account_sync import AccountSync
from broadcast_bridge.speakers.direct_calls import DirectCallChecks
from broadcast_bridge.speakers.monitoring import SpeakerSupervisor
from broadcast_bridge.studio.broadcast_plan import StudioRules
from broadcast_bridge.studio.fan_out_link import FanOutLink
from broadcast_bridge.studio.levels import Levels
from broadcast_bridge.studio.live_recordings import Recordings
from broadcast_bridge.studio.media_keeper import MediaKeeper
from broadcast_bridge.studio.playout import Playout
from broadcast_bridge.studio.seats import SeatPool
from broadcast_bridge.studio.speaker_target import Shown
from broadcast_bridge.studio.studio import Studio
from dialplans.account_file import AccountFile
from dialplans.configuration import write_authorities
from dialplans.numbering import OutgoingCalls
from dialplans.registration import Registration
from feedback.citizens.consent_recordings import ConsentRecordings
from feedback.intake.missed_calls import MissedCalls
from feedback.intake.voice_messages import VoiceMessages
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.outgoing_lines import shared_out
from haichieu.node_clock import NodeClock
from haichieu.outgoing import Use
from haichieu.process_control import open_many_files
from haichieu.processes.answers import SpokenAnswers
from haichieu.processes.degraded_messages import DegradedMessages
from haichieu.processes.opened_station import OpenedStation
from haichieu.processes.sounds import open_prompts, studio_sounds, synthetic_label
from haichieu.recording_intake import LeftRecordings
from haichieu.spool import Spool
from haichieu.station import the_station
from ivr.calls.booked import BookedCalls
from ivr.calls.call_back_dispatcher import CallBackDispatcher
from ivr.calls.caller_limits import CallerLimits, limits_for
from ivr.calls.reception import CitizensReception, Reception
from ivr.calls.routing import number_shown, our_number
from ivr.calls.trial_calls import TrialCalls
from ivr.custom_flows.in_use import FlowsInUse
from ivr.custom_flows.versions import FlowCheck
from ivr.desks.citizen import CitizensLine, PhoneCitizenDesk
from ivr.desks.official import OfficialsLine, PhoneDesk
from ivr.desks.official_bulletins import OfficialBulletins
from ivr.desks.official_programmes import OfficialProgrammes
from ivr.desks.repairs import PhoneRepairDesk, RepairLine
from ivr.prompts import calls
from ivr.prompts.recording import PromptRecorder
from ivr.prompts.store import PromptStore

Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class SpeakerPart:
    """Speakers and broadcasts."""

    accounts: AccountSync
    recordings: Recordings
    studio: Studio
    supervisor: SpeakerSupervisor
    seats: SeatPool | None
    """At the fan-out, where the station has one."""


@dataclass(frozen=True)
class CallerPart:
    """Incoming calls."""

    prompts: PromptStore
    spool: Spool
    messages: VoiceMessages
    recording_kinds: tuple[LeftRecordings, ...]
    answers: SpokenAnswers
    missed_calls: MissedCalls
    official_desk: "OfficialDesk"
    reception: Reception


class OfficialDesk:
    """Makes the desk of one call of an official."""

    def __init__(self, line: OfficialsLine, answers: SpokenAnswers, repairs: RepairLine) -> None:
        self._line = line
        self._answers = answers
        self._repairs = repairs

    def __call__(self, call: Call, flow: str) -> PhoneDesk:
        return PhoneDesk(self._line, call, flow, self._answers.cases(), PhoneRepairDesk(self._repairs))


def shown_to_speakers(session: Session) -> Shown:
    """Return how the station presents itself to loudspeakers."""
    station = the_station(session)
    return Shown(number_shown(session) or station.emergency_number or "haichieu", station.name)


def speaker_part(
    station: OpenedStation, client: AriClient, clock: NodeClock, keeper: MediaKeeper | None
) -> SpeakerPart:
    """Return the studio with its accounts, recordings and speaker supervision."""
    settings, database = station.settings, station.database
    recordings = Recordings(Spool(station.recordings), database, station.media)
    rules = StudioRules(
        settings.answer_seconds,
        settings.qualify_seconds,
        settings.max_live_minutes * 60,
        settings.max_hold_seconds,
        settings.multicast_source,
        settings.node,
        settings.multicast_ttl,
        shown_to_speakers,
        settings.dial_ahead,
        synthetic_label(station),
    )
    seats = SeatPool(client, FanOutLink(station.home, settings.fan_out_port)) if settings.fan_out else None
    studio = Studio(
        client, database, studio_sounds(station.home), rules, recordings, station.media, Levels(station.home), seats,
        clock, keeper.bring_broadcast if keeper else None,
    )  # fmt: skip
    file = AccountFile(station.home)
    node = "" if database.is_sqlite else settings.node
    registration = Registration(settings.registration_seconds, through_proxy=settings.behind_proxy)
    accounts = AccountSync(
        client, database, station.vault, file, settings.qualify_seconds, fan_out=settings.fan_out, node=node,
        authorities=partial(write_authorities, settings),
        registration=registration,
    )  # fmt: skip
    return SpeakerPart(
        accounts,
        recordings,
        studio,
        SpeakerSupervisor(
            client,
            database,
            settings.node,
            studio.speaker_returned,
            studio.speaker_lost,
            accounts.push_changes,
            check_direct_calls=settings.check_direct_calls,
            qualify_seconds=settings.qualify_seconds,
        ),
        seats,
    )


def media_keeper(station: OpenedStation) -> MediaKeeper | None:
    """Return what fetches sounds from other nodes; None for a station that has no other nodes."""
    files = station.media_from_nodes
    return MediaKeeper(station.database, files, station.settings.node) if files else None


def caller_part(station: OpenedStation, client: AriClient, studio: Studio) -> CallerPart:
    """Return the reception of incoming calls with its desks."""
    database, spool, prompts = station.database, Spool(station.recordings), open_prompts(station)
    phone_recordings = PhoneRecordings(spool, database, station.media)
    answers = SpokenAnswers(station, spool)
    messages = VoiceMessages(spool, database, station.media, station.citizens, station.settings.node)
    consents = ConsentRecordings(spool, database, station.media)
    incoming, _ = shared_out(station.settings.rtp_pairs, open_many_files())
    limits, missed_calls = CallerLimits(limits_for(incoming)), MissedCalls(station.citizens, station.outgoing)
    faults = FaultRecordings(spool, database, station.media)
    repairs = RepairLine(database, station.media, faults, limits)
    line = CitizensLine(
        client, database, station.media, station.citizens, messages, prompts, station.synthesiser, limits,
        OutgoingCalls(database, station.outgoing, Use.DUTY_DESK, our_number), repairs, consents,
    )  # fmt: skip
    officials = OfficialsLine(
        database, station.vault, studio, phone_recordings, limits, station.settings.call_back_delay,
        OfficialBulletins(database, station.media), OfficialProgrammes(database, station.media),
    )  # fmt: skip
    desk = OfficialDesk(officials, answers, repairs)
    reception = Reception(
        client,
        database,
        prompts,
        FlowsInUse(database, FlowCheck(prompts, prompts.languages)),
        desk,
        CitizensReception(partial(PhoneCitizenDesk, line), limits, missed_calls),
    )
    kinds = (
        messages,
        consents,
        phone_recordings,
        answers.by_phone,
        faults,
        DegradedMessages(station.home, database, messages),
        EmergencyRecordings(station.home, database, station.media),
    )
    return CallerPart(prompts, spool, messages, kinds, answers, missed_calls, desk, reception)


def outgoing_part(station: OpenedStation, client: AriClient, studio: Studio, callers: CallerPart) -> tuple[Work, ...]:
    """Return the work that calls people and plays programmes; each runs until cancelled."""
    database, reception = station.database, callers.reception
    recorder = PromptRecorder(database, callers.prompts, callers.spool, station.media, callers.official_desk)
    to_officials = OutgoingCalls(database, station.outgoing, Use.OFFICIALS, our_number)
    to_missed = OutgoingCalls(database, station.outgoing, Use.MISSED_CALLS, our_number)
    booked_calls = BookedCalls(client, database, reception, to_officials)
    returned_calls = CallBackDispatcher(
        client, database, callers.missed_calls, reception.return_call, to_missed, names_numbers=False
    )
    return (
        CallBackDispatcher(client, database, call_backs, reception.resume, to_officials, names_numbers=True).run,
        returned_calls.run,
        CallBackDispatcher(client, database, calls, recorder.take_up, to_officials, names_numbers=True).run,
        TrialCalls(client, database, callers.prompts, to_officials).run,
        booked_calls.run,
        Playout(client, database, studio, booked_calls.book, studio.clock).run,
        callers.answers.calls(client, reception, callers.messages).run,
        DirectCallChecks(client, database, station.settings.node).run,
    )
