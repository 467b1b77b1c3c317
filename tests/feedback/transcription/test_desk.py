"""Transcription desk: each message is transcribed once, or waits for a person with a reason."""

import asyncio
import datetime
import os
import signal
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from feedback import job_kinds
from feedback.models import Message, Transcript
from feedback.transcription.errors import TranscriptionFailed
from feedback.transcription.model_folder import default_folder
from feedback.transcription.transcribing import did_not_work
from feedback.transcription.transcription_jobs import TranscriptionJobs
from feedback.transcription.whisper import WhisperEngine
from haichieu import jobs
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from haichieu.heartbeats import beat
from haichieu.jobs import ClaimLost, Job
from haichieu.locale import render
from tests.command_line import haichieu
from tests.feedback.transcription.scripted_engine import ScriptedEngine
from tests.feedback.transcription.sounds import asterisk_speech, nobody_speaking
from tests.feedback.transcription.spoken_case import message, spoken_case, store_in

WEASELS = "weasels"
LEASE = datetime.timedelta(minutes=1)


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


def job(database: Database, message_id: int, kind: str = job_kinds.TRANSCRIBE) -> Job:
    with database.session() as session:
        found = jobs.find(session, kind, message_id)
        assert found is not None
        return found


def words(found: Job) -> str:
    assert found.problem is not None
    return render(found.problem, "en")


def alarms(database: Database) -> list[tuple[str, str]]:
    with database.session() as session:
        return [(alarm.kind, render(alarm.text, "en")) for alarm in open_alarms(session)]


async def test_whisper_transcribes_a_message_and_its_case_moves_on(
    database: Database, tmp_path: Path, whisper: WhisperEngine
) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, asterisk_speech("tt-weasels"))
    desk = TranscriptionJobs(database, store, whisper)
    assert await desk.step()
    assert not await desk.step()
    with database.session() as session:
        found, case = message(session, said)
        transcript = found.transcript
        assert transcript is not None
        assert WEASELS in transcript.text.lower()
        assert transcript.text == transcript.original_text
        assert (transcript.engine, transcript.model, transcript.language) == ("faster-whisper", "whisper-base", "en")
        assert transcript.words[0]["s"] < transcript.words[-1]["e"] <= 3.1
        assert case.status == "transcribed"
    assert job(database, said).state == "done"
    assert job(database, said, job_kinds.FILE).state == "waiting"


async def test_two_workers_never_transcribe_a_message_twice(
    database: Database, tmp_path: Path, engine: ScriptedEngine
) -> None:
    store = store_in(tmp_path)
    silence = nobody_speaking()["silence"]
    said = [spoken_case(database, store, silence, "vi") for _ in range(12)]

    async def work() -> int:
        desk = TranscriptionJobs(database, store, engine)
        done = 0
        while await desk.step():
            done += 1
        return done

    shares = await asyncio.gather(work(), work())
    assert sum(shares) == len(said)
    assert [(job(database, one).state, job(database, one).attempts) for one in said] == [("done", 1)] * len(said)
    with database.session() as session:
        assert session.scalars(sa.select(sa.func.count()).select_from(Transcript)).one() == len(said)


async def test_message_of_a_dead_worker_is_transcribed_once(
    database: Database, tmp_path: Path, engine: ScriptedEngine
) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"])
    with database.session() as session:
        assert jobs.claim(session, [job_kinds.TRANSCRIBE], now(), LEASE)
    desk = TranscriptionJobs(database, store, engine)
    assert not await desk.step(), "the dead worker's lease is still valid"
    with database.session() as session:
        session.get_one(Job, job(database, said).id).leased_until = now()
    assert await desk.step()
    with database.session() as session:
        assert session.scalars(sa.select(sa.func.count()).select_from(Transcript)).one() == 1
    assert (job(database, said).state, job(database, said).attempts) == ("done", 2)


@pytest.mark.proof
async def test_message_of_a_killed_worker_is_transcribed_once(
    database: Database, tmp_path: Path, whisper: WhisperEngine
) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, asterisk_speech("demo-moreinfo"))
    environment = {
        **os.environ,
        "HAICHIEU_HOME": str(tmp_path),
        "HAICHIEU_DATABASE_URL": database.url.render_as_string(hide_password=False),
    }
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "haichieu", "worker"), env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: job(database, said).state == "running", "the worker takes the message", 60)
    finally:
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    left = job(database, said)
    assert (left.state, left.attempts) == ("running", 1)

    desk = TranscriptionJobs(database, store, whisper)
    assert not await desk.step(), "the dead worker's lease still holds"
    with database.session() as session:
        session.get_one(Job, left.id).leased_until = now()
    assert await desk.step()
    with database.session() as session:
        (transcript,) = session.scalars(sa.select(Transcript))
        assert "open" in transcript.text.lower()
    assert (job(database, said).state, job(database, said).attempts) == ("done", 2)


async def test_stopping_worker_releases_its_message(database: Database, tmp_path: Path, engine: ScriptedEngine) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"])
    engine.may_finish.clear()
    work = asyncio.create_task(TranscriptionJobs(database, store, engine).run())
    await until(lambda: job(database, said).state == "running", "the desk takes the message", 20)
    work.cancel()
    engine.may_finish.set()
    await asyncio.wait([work])
    given_back = job(database, said)
    assert (given_back.state, given_back.attempts) == ("waiting", 0)
    with database.session() as session:
        assert session.get_one(Message, said).transcript is None


def test_message_that_failed_three_times_waits_for_a_person(database: Database, tmp_path: Path) -> None:
    said = spoken_case(database, store_in(tmp_path), nobody_speaking()["silence"])
    problem = TranscriptionFailed("transcript.engine_failed", engine="viet-asr", problem="no memory")
    at = now()
    for attempt in (1, 2, 3):
        with database.session() as session:
            (held,) = jobs.claim(session, [job_kinds.TRANSCRIBE], at, LEASE)
            assert held.attempts == attempt
            did_not_work(session, held, problem, at)
        at += datetime.timedelta(minutes=5)
    failed = job(database, said)
    assert (failed.state, failed.problem) == ("failed", problem.message)
    assert [kind for kind, _ in alarms(database)] == [AlarmKind.TRANSCRIPTION_FAILED]
    assert job(database, said, job_kinds.FILE).state == "waiting", "somebody has to be told of it"
    with database.session() as session, pytest.raises(ClaimLost):
        did_not_work(session, held, problem, at)


@pytest.mark.parametrize("ending", ["killed", "postponed"])
async def test_message_that_never_finishes_waits_for_a_person(
    database: Database, tmp_path: Path, engine: ScriptedEngine, ending: str
) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"])
    for _ in range(3):
        with database.session() as session:
            (held,) = jobs.claim(session, [job_kinds.TRANSCRIBE], now(), datetime.timedelta())
            if ending == "postponed":
                jobs.put_off(session, held, now(), None)
    assert await TranscriptionJobs(database, store, engine).step() == 0
    assert job(database, said).state == "failed"
    assert job(database, said, job_kinds.FILE).state == "waiting", "its case is never filed"
    ((kind, text),) = alarms(database)
    assert kind == AlarmKind.TRANSCRIPTION_FAILED
    assert "3" in text


async def test_missing_sound_fails_at_once_with_a_reason(
    database: Database, tmp_path: Path, engine: ScriptedEngine
) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"])
    with database.session() as session:
        sound = session.get_one(Message, said).sound
        assert sound is not None
        store.path(sound).unlink()
    await TranscriptionJobs(database, store, engine).step()
    failed = job(database, said)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert "is missing" in words(failed)


async def test_file_that_is_no_sound_fails_at_once(database: Database, tmp_path: Path, engine: ScriptedEngine) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"])
    with database.session() as session:
        sound = session.get_one(Message, said).sound
        assert sound is not None
        store.path(sound).write_bytes(b"RIFF")
    await TranscriptionJobs(database, store, engine).step()
    assert job(database, said).state == "failed"
    assert "cannot be read" in words(job(database, said))


async def test_unknown_language_is_left_to_a_person(database: Database, tmp_path: Path, engine: ScriptedEngine) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"], "tyz")
    await TranscriptionJobs(database, store, engine).step()
    assert "A person has to listen" in words(job(database, said))
    assert job(database, said, job_kinds.FILE).state == "waiting"
    assert alarms(database) == [], "nothing is broken"
    with database.session() as session:
        found, case = message(session, said)
        assert (found.transcript, case.status) == (None, "new")


async def test_messages_wait_until_a_broken_engine_is_repaired(
    database: Database, tmp_path: Path, engine: ScriptedEngine
) -> None:
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"])
    desk = TranscriptionJobs(database, store, engine)
    engine.broken = "/no/such/folder"
    assert await desk.step()
    waiting = job(database, said)
    assert (waiting.state, waiting.attempts) == ("waiting", 0)
    assert "/no/such/folder" in words(waiting)
    assert [kind for kind, _ in alarms(database)] == [AlarmKind.TRANSCRIBER_DOWN]
    assert not await desk.step(), "it is not tried again and again"
    engine.broken = ""
    with time_machine.travel(now() + datetime.timedelta(minutes=2)):
        assert await desk.step()
    assert job(database, said).state == "done"
    assert alarms(database) == []


@pytest.mark.proof
async def test_messages_wait_until_a_broken_model_is_repaired(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in default_folder().iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "model.bin").unlink()
    with (default_folder() / "model.bin").open("rb") as whole:
        (folder / "model.bin").write_bytes(whole.read(1_000_000))
    store = store_in(tmp_path)
    said = spoken_case(database, store, asterisk_speech("vm-goodbye"))
    desk = TranscriptionJobs(database, store, WhisperEngine(folder))

    assert await desk.step()
    waiting = job(database, said)
    assert (waiting.state, waiting.attempts) == ("waiting", 0)
    assert str(folder) in words(waiting)
    assert [kind for kind, _ in alarms(database)] == [AlarmKind.TRANSCRIBER_DOWN]
    assert not await desk.step(), "it is not tried again and again"

    (folder / "model.bin").unlink()
    (folder / "model.bin").symlink_to(default_folder() / "model.bin")
    with time_machine.travel(now() + datetime.timedelta(minutes=2)):
        assert await desk.step()
    assert job(database, said).state == "done"
    assert alarms(database) == []


def test_messages_wait_without_a_transcriber(migrated_sqlite: Path, tmp_path: Path) -> None:
    (tmp_path / "haichieu.sqlite").write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'haichieu.sqlite'}")
    store = store_in(tmp_path)
    said = spoken_case(database, store, nobody_speaking()["silence"])
    desk = TranscriptionJobs(database, store, None)
    asyncio.run(desk.run())
    assert not asyncio.run(desk.step())
    assert job(database, said).state == "waiting"
    with database.session() as session:
        beat(session, "worker", transcriber="none")
    database.close()
    shown = haichieu("status", "--home", str(tmp_path)).stdout
    assert "HAICHIEU_TRANSCRIBER=none" in shown
    assert "waiting for transcription: 1" in " ".join(shown.split())
