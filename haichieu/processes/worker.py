"""`haichieu worker`: background jobs: alerts, source systems, transcription, texts, retention."""

import asyncio
import datetime
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.alert_jobs import AlertDesk
from broadcast_bridge.alerts.feed import watch_feeds
from broadcast_bridge.broadcasts.draft_conversion import DraftConversion
from broadcast_bridge.broadcasts.spoken_rests import SpokenRests
from broadcast_bridge.duties.duty_watch import watch_duties
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes import making_jobs, programme_retention
from broadcast_bridge.repairs.absences import watch_absences
from broadcast_bridge.repairs.fault_recordings import forget_words
from broadcast_bridge.source_system.bulletin_desk import BulletinDesk
from broadcast_bridge.source_system.source_links import SourceLinks
from broadcast_bridge.source_system.source_watch import SourceWatch
from broadcast_bridge.station_book.expiry_alarms import watch_expiry
from feedback.cases import case_retention
from feedback.cases.reminders import watch_due_dates
from feedback.citizens.privacy import TABLES
from feedback.intake.filing import FilingJobs
from feedback.transcription.engines import engine_named
from feedback.transcription.known_names import place_name
from feedback.transcription.station_names import station_names
from feedback.transcription.transcription_jobs import TranscriptionJobs
from haichieu import audit
from haichieu.background import in_thread, kept_going, until_terminated
from haichieu.backup.backup_jobs import BackupJobs
from haichieu.database import Database, now
from haichieu.heartbeats import BEAT_SECONDS, beat
from haichieu.logs import configure_logs
from haichieu.media import MediaStore
from haichieu.process_control import READY
from haichieu.process_pulse import Pulse, beat_from_loop
from haichieu.processes.answers import answers_off_air, answers_on_air
from haichieu.processes.hung_process import report_hang
from haichieu.processes.opened_station import OpenedStation, open_station
from haichieu.processes.texts import received_texts, text_dispatcher
from haichieu.settings import Settings
from haichieu.sign_in_counters import prune
from haichieu.speech.voice_alarms import report_voices

log = structlog.get_logger()

VOICES_SECONDS = 60.0
HOUR_SECONDS = 3600.0
DAY_SECONDS = 24 * HOUR_SECONDS


def run_worker(settings: Settings, pulse: Pulse) -> None:
    """Work until SIGTERM."""
    configure_logs(settings.log_level, "worker")
    station = open_station(settings)
    report_hang(station.database, "worker", pulse)
    asyncio.run(until_terminated(partial(_work, station, pulse)))


async def _work(station: OpenedStation, pulse: Pulse) -> None:
    settings, database, store = station.settings, station.database, station.media
    rules = programme_retention.Rules(
        settings.keep_withdrawn_days, settings.keep_expired_days, settings.keep_recordings_days
    )
    alerts = AlertDesk(database, store, station.synthesiser)
    engine = engine_named(settings.transcriber, settings.asr_model, settings.transcriber_threads)
    transcription = TranscriptionJobs(database, store, engine, expected_names)
    await database.run(partial(_beat, station))
    print(READY, flush=True)
    received = received_texts(station)
    sources = SourceLinks(database, station.vault)
    bulletins = BulletinDesk(database, store, station.synthesiser, sources.wire_to)
    of_cases = case_retention.Rules(settings.keep_message_sound_days, settings.keep_cases_days)
    away = datetime.timedelta(hours=settings.speaker_away_hours)
    nightly = [BackupJobs(database, settings, settings.backup_folder).run] if settings.backup_folder else []
    async with kept_going(
        *nightly,
        partial(beat_from_loop, pulse),
        partial(_heartbeat, station),
        partial(_watch_voices, station),
        partial(_clean, database, store, rules),
        partial(_clean_cases, database, store, of_cases),
        partial(_clean_repairs, database, store, settings.keep_message_sound_days),
        *([partial(watch_absences, database, away)] if away else []),
        partial(_log_audit_head, database),
        partial(_prune_sign_ins, database),
        FilingJobs(database).run,
        partial(watch_due_dates, database),
        partial(watch_duties, database),
        partial(watch_expiry, database),
        transcription.run,
        SpokenRests(database, store, station.synthesiser).run,
        DraftConversion(database, store).run,
        making_jobs.ProgrammesInMaking(database, store, station.synthesiser).run,
        text_dispatcher(station).run,
        answers_on_air(station).run,
        answers_off_air(station).run,
        partial(watch_feeds, database),
        sources.run,
        SourceWatch(database, sources).run,
        bulletins.run,
        *([received.run] if received else []),
    ):
        await alerts.run()


def expected_names(session: Session) -> list[str]:
    """Return the names that the recogniser may expect. Zones are unknown to `feedback`."""
    zones = session.scalars(sa.select(Zone.name).where(Zone.removed_at.is_(None)))
    return [*station_names(session), *map(place_name, zones)]


async def _heartbeat(station: OpenedStation) -> None:
    while True:
        await station.database.run(partial(_beat, station))
        await asyncio.sleep(BEAT_SECONDS)


def _beat(station: OpenedStation, session: Session) -> None:
    voices = ", ".join(f"{language}: {name}" for language, name in station.synthesiser.spoken_by().items())
    beat(session, "worker", station.settings.node, transcriber=station.settings.transcriber, voices=voices)


async def _watch_voices(station: OpenedStation) -> None:
    """Once a minute, raise or clear the alarm of each language whose voice cannot be used."""
    while True:
        await asyncio.sleep(VOICES_SECONDS)  # first: calls can be taken before a voice is tried
        await in_thread(station.synthesiser.check)
        problems = station.synthesiser.problems()
        await station.database.run(partial(report_voices, problems=problems))


async def _clean(database: Database, store: MediaStore, rules: programme_retention.Rules) -> None:
    """Once a day, delete sounds whose retention has ended."""

    def clean(session: Session) -> programme_retention.Discarded:
        making_jobs.forget_old(session, now())
        return programme_retention.apply(session, store, rules, now())

    while True:
        discarded = await database.run(clean)
        if discarded.files:
            log.info("media.discarded", files=discarded.files, bytes=discarded.bytes)
        await asyncio.sleep(DAY_SECONDS)


async def _clean_cases(database: Database, store: MediaStore, rules: case_retention.Rules) -> None:
    """Once a day, delete cases and citizens whose retention has ended."""
    while True:
        while discarded := await database.run(lambda session: case_retention.apply(session, store, rules, now())):
            log.info("cases.discarded", **vars(discarded))
            await asyncio.to_thread(database.forget, TABLES)
        await asyncio.sleep(DAY_SECONDS)


async def _clean_repairs(database: Database, store: MediaStore, days: int) -> None:
    """Once a day, delete what callers said about repairs that were closed long ago."""
    while True:
        while deleted := await database.run(lambda session: forget_words(session, store, days, now())):
            log.info("repairs.words_discarded", sounds=deleted)
        await asyncio.sleep(DAY_SECONDS)


async def _prune_sign_ins(database: Database) -> None:
    """Once an hour, delete the counters of failed sign-ins that are a day old."""
    while True:
        await database.run(lambda session: prune(session, now()))
        await asyncio.sleep(HOUR_SECONDS)


async def _log_audit_head(database: Database) -> None:
    """Once a day, log the head of the audit trail: with the log stored elsewhere, a rewritten trail is detected."""
    while True:
        head = await database.look(audit.head)
        log.info("audit.head", position=head.position, digest=head.digest)
        await asyncio.sleep(DAY_SECONDS)
