"""The worker's transcription beside bare faster-whisper on the same files, and a backlog. Needs no station, no calls.

Both are measured on one processor thread and by processor time, so that what else runs on the machine does not count.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.models import Message, Transcript
from feedback.states import Channel, Direction
from feedback.transcription.model_folder import default_folder
from feedback.transcription.transcription_jobs import TranscriptionJobs
from feedback.transcription.whisper import WhisperEngine
from haichieu.audio.sound import Sound, resample
from haichieu.database import Database, migrate, now
from haichieu.jobs import Job, JobState
from haichieu.media import Media, MediaStore
from tests.benchmarks.table import Row
from tests.builders.cases import office
from tests.builders.sounds import kept
from tests.feedback.transcription.sounds import asterisk_speech, nobody_speaking, write

SPEECHES = ("demo-congrats", "demo-moreinfo", "demo-echotest", "tt-weasels")
"""Human speech from three seconds to half a minute."""
BACKLOG = 1000
SPOKEN_EVERY = 40
"""One message in so many of the backlog has a voice in it; in the others nobody says anything, as after most rings."""


def measure(runs: int = 3, backlog: int = BACKLOG) -> Iterator[Row]:
    """Measure on SQLite, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'transcription.sqlite'}"
        migrate(url)
        database = Database(url)
        try:
            yield from _measure(database, MediaStore(Path(folder) / "media", 0), runs, backlog)
        finally:
            database.close()


def _measure(database: Database, store: MediaStore, runs: int, backlog: int) -> Iterator[Row]:
    speeches = [asterisk_speech(name) for name in SPEECHES]
    seconds = sum(speech.seconds for speech in speeches)
    engine = WhisperEngine(default_folder())
    desk = TranscriptionJobs(database, store, engine)
    bare = _bare_whisper()
    ours, theirs = [], []
    _queue(database, store, speeches[-1:])
    asyncio.run(_empty(desk))  # what is done for the first time in a process is slower
    bare(speeches[-1])
    for _ in range(runs):
        _queue(database, store, speeches)
        ours.append(seconds / _processor_seconds(lambda: asyncio.run(_empty(desk))))
        theirs.append(seconds / _processor_seconds(lambda: [bare(speech) for speech in speeches]))
    mine, other = statistics.median(ours), statistics.median(theirs)
    yield (
        f"transcription of {seconds:.0f} s of human speech: seconds of sound per second of one core, beside bare "
        "faster-whisper", f"{mine:.2f}", f"{other:.2f}", f"{mine / other:.2f}", "≥ 1.0",
    )  # fmt: skip
    _queue_many(database, store, [speeches[-1], _seconds_of_noise(3)], backlog)
    begin = time.monotonic()
    asyncio.run(_empty(desk))
    took = time.monotonic() - begin
    with database.session() as session:
        settled = _count(session, Job, Job.kind == job_kinds.TRANSCRIBE, Job.state == JobState.DONE)
        written = _count(session, Transcript)
        asked = _count(session, Message)
    label = f"backlog of {backlog} messages, {backlog // SPOKEN_EVERY} of them spoken: all written down after (s)"
    yield (label, f"{took:.0f}", "", "", "")
    yield ("backlog: messages, done, transcripts", f"{asked}, {settled}, {written}", "", "", "all equal")


def _seconds_of_noise(seconds: int) -> Sound:
    noise = nobody_speaking()["faint noise"]
    return Sound(noise.samples[: seconds * noise.rate], noise.rate)


def _bare_whisper() -> Callable[[Sound], str]:
    """The library with nothing around it: its own defaults for voice detection and no times of words."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(default_folder()), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)

    def transcribe(sound: Sound) -> str:
        samples = resample(sound, 16_000).samples.astype(np.float32)
        found, _ = model.transcribe(
            samples, language="en", beam_size=5, vad_filter=True, condition_on_previous_text=False
        )
        return " ".join(segment.text for segment in found)

    return transcribe


async def _empty(desk: TranscriptionJobs) -> None:
    while await desk.step():
        pass


def _queue(database: Database, store: MediaStore, sounds: list[Sound]) -> None:
    store.folder.mkdir(parents=True, exist_ok=True)
    with database.session() as session:
        about = _about(session)
        for sound in sounds:
            _open(session, about, kept(session, store, write(store.folder, sound)))


def _queue_many(database: Database, store: MediaStore, sounds: list[Sound], count: int) -> None:
    with database.session() as session:
        about = _about(session)
        spoken, silent = [kept(session, store, write(store.folder, sound)) for sound in sounds]
        for number in range(count):
            _open(session, about, silent if number % SPOKEN_EVERY else spoken)


def _about(session: Session) -> Opening:
    known = session.scalar(sa.select(Message.case_id).limit(1))
    unit_id = office(session).co_ba.id if known is None else session.get_one(Message, 1).case.unit_id
    return Opening(Channel.CALL, unit_id, "number", language="en")


def _open(session: Session, about: Opening, sound: Media) -> None:
    open_case(session, about, Said(Direction.IN, Channel.CALL, "citizen", sound=sound, language="en"), now())


def _processor_seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _count(session: Session, table: type[Job | Transcript | Message], *conditions: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0
