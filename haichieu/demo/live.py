"""`haichieu demo`: the station's main functions with real SIP calls, proven by recordings.

An official calls and is heard on three loudspeakers, one of them Baresip (`listeners`), while a fourth is switched off;
then a scheduled programme is played and an emergency interrupts it (`programmes`); then a province's bulletin is
broadcast and reported (`circle`); then a citizen calls and texts the hotline and is answered (`hotline`). Recordings of
all sides are compared with the sent sound: an answered call alone proves nothing.
"""

import asyncio
import datetime
import json
import signal
import socket
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from rich.table import Table
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState, Kind, Reason, reason_message
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from feedback.texts.twilio_stand_in import TwilioStandIn
from haichieu.audio.sound import Sound, measure, read_wav, write_wav
from haichieu.command_language import language, say, terminal
from haichieu.demo.audio_matching import Match, match
from haichieu.demo.circle import Circle, bulletin_and_log
from haichieu.demo.evidence_tables import table_of, table_of_speakers
from haichieu.demo.hotline import Hotline, speak_write_and_be_answered, with_carrier
from haichieu.demo.human_speech import human_speech
from haichieu.demo.listeners import CODES, Listener, all_are_our_own, switch_on
from haichieu.demo.programmes import Emergency, Scheduled, programme_and_emergency
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, free_port, free_ports, trial_station, until
from haichieu.locale import Field, render
from haichieu.media import Media
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings
from haichieu.sip.library import require_pjsua2

DISTRICT = Path(__file__).parents[2] / "examples" / "demo.toml"
SWITCHED_OFF = "cb-04"
PHONE = "can-bo"
SPEECH, SPEECH_SECONDS = "demo-congrats", 12.0
BULLETIN, BULLETIN_SECONDS = "demo-instruct", 16.0

CORRELATION = 0.8
"""Threshold for the same speech: other speech stays below 0.4, G.711 stays above 0.95."""
HEARD_SHARE = 0.75
"""On a busy machine a jitter buffer shifts the sound by a frame now and then: that costs the second it falls in,
of which most was heard."""
LOUD_DBFS = -45.0
RECORDINGS = Path.home() / ".cache/haichieu/demo"
"""Where the recordings of the speakers are left."""


@dataclass(frozen=True)
class Heard:
    """Evidence of one loudspeaker: its software, its recording and the station's log."""

    speaker: str
    software: str
    correlation: float
    share_found: float
    seconds_of_speech: float
    level_dbfs: float
    delivery: str
    delivery_seconds: float
    loss: float | None
    proven: bool


@dataclass(frozen=True)
class Missed:
    """A speaker that the broadcast did not reach, with the reason."""

    speaker: str
    delivery: str
    reason: str | None
    reason_en: str | None
    proven: bool


@dataclass(frozen=True)
class Aired:
    """The broadcast in the station's log."""

    id: int
    state: str
    official: str
    zone: str
    confirmed_to_first_audio_seconds: float | None
    live_seconds: float | None


@dataclass(frozen=True)
class Sent:
    """The sound that the official's phone sent."""

    seconds: float
    seconds_of_speech: float
    dbfs: float


@dataclass(frozen=True)
class Recording:
    """The station's recording of the broadcast."""

    kept: bool
    seconds: float
    correlation: float
    proven: bool


@dataclass(frozen=True)
class Report:
    """The evidence of one demonstration."""

    ok: bool
    broadcast: Aired
    sent: Sent
    heard: list[Heard]
    missed: list[Missed]
    recording: Recording
    scheduled: Scheduled | None = None
    emergency: Emergency | None = None
    circle: Circle | None = None
    hotline: Hotline | None = None
    recordings: tuple[str, ...] = ()
    """The WAV files of what each speaker heard from beginning to end."""


def run_demo(*, once: bool, as_json: bool) -> int:
    """Run it; return 0 only if every step was proven. Raises SipLibraryMissing before anything is started."""
    require_pjsua2()
    try:
        return asyncio.run(_demo(once=once, as_json=as_json))
    except KeyboardInterrupt:
        return 130


async def _demo(*, once: bool, as_json: bool) -> int:
    installation = find_or_fetch(load_settings())
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="haichieu-demo-")))
        _say("demo.starting")
        twilio, carrier_port = stack.enter_context(TwilioStandIn()), free_port(socket.SOCK_DGRAM)
        district = with_carrier(DISTRICT, folder, carrier_port)
        station = await stack.enter_async_context(trial_station(district, **_texts_through(twilio)))
        sent = human_speech(installation, folder, SPEECH, SPEECH_SECONDS)
        listeners = await _switch_on(station, folder, stack)
        report = await _official_is_heard(station, folder, sent, listeners)
        bulletin = human_speech(installation, folder, BULLETIN, BULLETIN_SECONDS)
        _say("demo.bulletin_waits")
        heard = {code: listener.heard for code, listener in listeners.items()}
        scheduled, emergency = await programme_and_emergency(station, bulletin, heard)
        _say("demo.province_issues")
        circle = await bulletin_and_log(station, heard)
        _say("demo.citizen_calls")
        hotline = await speak_write_and_be_answered(station, twilio, carrier_port, folder, sent)
        recordings = await asyncio.to_thread(_leave_recordings, listeners)
        proven = report.ok and all(part.proven for part in (scheduled, emergency, circle, hotline))
        report = replace(report, ok=proven, scheduled=scheduled, emergency=emergency, circle=circle, hotline=hotline)
        report = replace(report, recordings=recordings)
        if as_json:
            print(json.dumps(asdict(report), ensure_ascii=False, indent=2), flush=True)
        else:
            _print(report)
        if not once:
            web = f"http://{station.settings.bind}:{station.settings.web_port}/healthz"
            _say("demo.station_stays_up", server=station.server, web=web)
            await until_interrupted()
    return 0 if report.ok else 1


def _texts_through(twilio: TwilioStandIn) -> dict[str, str | int]:
    """Return settings for texts through the stand-in, and give it the station's webhook."""
    ports = free_ports()
    public_url = f"http://{ports['bind']}:{ports['web_port']}"
    twilio.webhook = f"{public_url}/webhooks/twilio/sms"
    return {
        **ports,
        "public_url": public_url,
        "twilio_account_sid": twilio.account_sid,
        "twilio_auth_token": twilio.token,
        "twilio_number": twilio.number,
        "twilio_base_url": twilio.base_url,
    }


async def _switch_on(station: TrialStation, folder: Path, stack: AsyncExitStack) -> dict[str, Listener]:
    listeners = await switch_on(station.server, folder, stack)
    await until(lambda: _reachable(station) == set(CODES), "three speakers reachable")
    _say("demo.speakers_registered", count=len(CODES), off=SWITCHED_OFF)
    if all_are_our_own(listeners):
        _say("demo.no_baresip")
    return listeners


async def _official_is_heard(station: TrialStation, folder: Path, sent: Path, listeners: dict[str, Listener]) -> Report:
    """Make the call, and compare the recordings with the sent sound."""
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(
            SoftPhone(server=station.server, id=PHONE, password=f"phone-{PHONE}-secret", record=folder / "phone.wav")
        )
        await phone.registered()
        await phone.call("1900")
        for keys in ("246810#", "1", "11#", "1"):
            await phone.digits(keys)
        _say("demo.official_goes_live")
        await until(lambda: _broadcast(station).live_at is not None, "the official is live", seconds=20)
        await phone.play(sent)
        await phone.digits("#")
        await until(lambda: _broadcast(station).ended_at is not None, "the broadcast has ended", seconds=20)
        await phone.hang_up()
    return await asyncio.to_thread(_report, station, sent, listeners)


def _leave_recordings(listeners: dict[str, Listener]) -> tuple[str, ...]:
    """Write what the speakers heard where people can listen to it; the next demonstration replaces it."""
    RECORDINGS.mkdir(parents=True, exist_ok=True)
    files = {RECORDINGS / f"{code}.wav": listener for code, listener in listeners.items()}
    for file, listener in files.items():
        write_wav(file, listener.heard())
    return tuple(str(file) for file in files)


def _reachable(station: TrialStation) -> set[str]:
    with station.database.session() as session:
        return set(session.scalars(sa.select(Speaker.code).where(Speaker.reachable)))


def _broadcast(station: TrialStation) -> Broadcast:
    with station.database.session() as session:
        newest = session.scalar(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1))
        return newest or Broadcast()


def _report(station: TrialStation, sent: Path, listeners: dict[str, Listener]) -> Report:
    source = read_wav(sent)
    with station.database.session() as session:
        broadcast = session.scalars(sa.select(Broadcast).where(Broadcast.kind == Kind.LIVE)).one()
        deliveries = {delivery.speaker.code: delivery for delivery in broadcast.deliveries}
        heard = [
            _heard(deliveries[code], listener.software, match(source, listener.heard()))
            for code, listener in listeners.items()
        ]
        missed = [_missed(delivery) for code, delivery in deliveries.items() if code not in listeners]
        recording = _recording(session, station, broadcast, source)
        levels = measure(source)
        return Report(
            ok=broadcast.state == BroadcastState.ENDED
            and recording.proven
            and all(item.proven for item in heard)
            and all(item.proven for item in missed),
            broadcast=Aired(
                broadcast.id,
                broadcast.state,
                broadcast.on_air_name,
                broadcast.zone_names,
                _seconds(broadcast.created_at, broadcast.on_air_at),
                _seconds(broadcast.live_at, broadcast.ended_at),
            ),
            sent=Sent(round(levels.seconds, 2), round(levels.active_seconds, 2), round(levels.active_dbfs, 1)),
            heard=heard,
            missed=missed,
            recording=recording,
        )


def _heard(delivery: Delivery, software: str, found: Match) -> Heard:
    alike = found.correlation >= CORRELATION and found.fraction >= HEARD_SHARE and found.level_db > LOUD_DBFS
    return Heard(
        speaker=delivery.speaker.code,
        software=software,
        correlation=round(found.correlation, 3),
        share_found=round(found.fraction, 3),
        seconds_of_speech=round(found.matched_seconds, 2),
        level_dbfs=round(found.level_db, 1),
        delivery=delivery.state,
        delivery_seconds=delivery.seconds,
        loss=None if delivery.loss is None else round(delivery.loss, 4),
        proven=alike and delivery.state == DeliveryState.PLAYED,
    )


def _missed(delivery: Delivery) -> Missed:
    why = reason_message(delivery.reason)
    return Missed(
        speaker=delivery.speaker.code,
        delivery=delivery.state,
        reason=None if why is None else render(why, "vi"),
        reason_en=None if why is None else render(why, "en"),
        proven=delivery.state == DeliveryState.MISSED and delivery.reason == Reason.NOT_REGISTERED,
    )


def _recording(session: Session, station: TrialStation, broadcast: Broadcast, source: Sound) -> Recording:
    media = session.get(Media, broadcast.recording_id) if broadcast.recording_id else None
    if media is None:
        return Recording(kept=False, seconds=0.0, correlation=0.0, proven=False)
    found = match(source, read_wav(station.opened.media.path(media)))
    return Recording(True, media.seconds, round(found.correlation, 3), found.correlation >= CORRELATION)


def _seconds(begin: datetime.datetime | None, end: datetime.datetime | None) -> float | None:
    return round((end - begin).total_seconds(), 3) if begin and end else None


def _print(report: Report) -> None:
    table = table_of(say("demo.who_heard_what"), "speaker", "software", "state", "alike", "seconds", "level", "reason")
    for item in report.heard:
        table.add_row(
            item.speaker, item.software, item.delivery, f"{item.correlation:.2f}", f"{item.seconds_of_speech:.1f}",
            f"{item.level_dbfs:.1f}", "",
        )  # fmt: skip
    for gone in report.missed:
        table.add_row(
            gone.speaker, "", gone.delivery, "", "", "", (gone.reason if language() == "vi" else gone.reason_en) or ""
        )
    console = terminal()
    console.print(
        say(
            "demo.sent",
            official=report.broadcast.official,
            zone=report.broadcast.zone,
            seconds=report.sent.seconds_of_speech,
            dbfs=report.sent.dbfs,
        )
    )
    console.print(table)
    if report.scheduled:
        title = say(
            "demo.scheduled", at=report.scheduled.due_at, seconds=round(report.scheduled.late_by_seconds or 0.0, 2)
        )
        console.print(table_of_speakers(title, report.scheduled.heard))
    if report.emergency:
        title = say("demo.emergency", seconds=round(report.emergency.command_to_air_seconds or 0.0, 2))
        console.print(table_of_speakers(title, report.emergency.heard))
    if report.circle:
        title = say("demo.circle", seconds=round(report.circle.issued_to_air_seconds or 0.0, 1))
        console.print(table_of_speakers(title, report.circle.heard))
    if report.hotline:
        console.print(_of_hotline(report.hotline))
    for file in report.recordings:
        console.print(say("demo.recording", file=file))
    console.print(say("demo.proven" if report.ok else "demo.not_proven"))


def _of_hotline(hotline: Hotline) -> Table:
    spoken, answered, written = hotline.spoken, hotline.answered, hotline.written
    table = table_of(say("demo.citizens_answered"), "step", "result")
    heard, filed = f"{spoken.number}: {spoken.seconds:.1f} s, {spoken.correlation:.2f}", spoken.due_at
    for what, outcome in (
        ("spoken", heard),
        ("transcript", f"“{spoken.transcript}” ({spoken.words_right:.0%})"),
        ("filed", f"{spoken.category} ({spoken.category_by}) → {spoken.department}, {filed}"),
        ("answered_by_text", f"{answered.text_state}: “{answered.texted}”"),
        ("answered_by_call", f"{answered.call_state}, {answered.heard_correlation:.2f}"),
        ("written", f"{written.number}: “{written.text}” → {written.category}"),
        ("receipt", str(written.receipt)),
    ):
        table.add_row(say(f"demo.step.{what}"), outcome)
    return table


def _say(key: str, **fields: Field) -> None:
    print(say(key, **fields), file=sys.stderr, flush=True)


async def until_interrupted() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
