"""A worker killed while it makes a programme of an answer: exactly one programme is made."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes.models import Programme
from feedback import job_kinds
from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.models import CaseChange, Reply
from feedback.states import Way
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.media import Media
from tests.builders.cases import case, office
from tests.crashes.pausing import PausedProgram
from tests.crashes.workers import worker
from tests.waiting import wait_until


@pytest.fixture
def ffmpeg(tmp_path: Path) -> Iterator[PausedProgram]:
    program = PausedProgram("ffmpeg", tmp_path / "bin")
    yield program
    program.end()


@contextmanager
def while_the_sound_is_made(database: Database, ffmpeg: PausedProgram) -> Iterator[None]:
    ffmpeg.pause()
    wait_until(ffmpeg.is_waiting, "ffmpeg is started")
    yield
    ffmpeg.end()


@contextmanager
def while_it_is_written(database: Database, ffmpeg: PausedProgram) -> Iterator[None]:
    """The programme is in a transaction, its files in the store; nothing is committed. Needs a lock on one row."""
    ffmpeg.pause()
    wait_until(ffmpeg.is_waiting, "ffmpeg is started")
    with database.session() as session:
        session.execute(sa.select(Job.id).where(Job.kind == job_kinds.ANSWER_AIR).with_for_update())
        ffmpeg.resume()
        wait_until(lambda: waiting_for_a_lock(database) == 1, "the worker waits for the lock")
        yield


def waiting_for_a_lock(database: Database) -> int:
    with database.session() as session:
        return int(session.scalar(sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")) or 0)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("kind", "moment"),
    [
        ("sqlite", while_the_sound_is_made),
        ("postgresql", while_it_is_written),
    ],
)
def test_answer_on_air_becomes_one_programme(
    request: pytest.FixtureRequest, tmp_path: Path, ffmpeg: PausedProgram, kind: str,
    moment: Callable[[Database, PausedProgram], AbstractContextManager[None]],
) -> None:  # fmt: skip
    home = tmp_path / "home"
    home.mkdir()
    if kind == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), home / 'haichieu.sqlite')}"
    else:
        url = request.getfixturevalue("postgres_url")
    database = Database(url)
    with database.session() as session:
        opened = case(session, office(session))
        replies.answer(session, opened, Answer("account:truc@example.vn", [Way.AIR], "Cầu đã sửa xong."), now())

    def reply() -> Reply:
        with database.session() as session:
            return session.scalars(sa.select(Reply)).one()

    with worker(home, path=str(ffmpeg.folder), database_url=url) as first, moment(database, ffmpeg):
        first.kill()
        first.wait()
    assert (reply().state, reply().programme_id) == ("under_way", None)
    with database.session() as session:
        assert session.scalars(sa.select(Programme)).all() == []
        job = session.scalars(sa.select(Job).where(Job.kind == job_kinds.ANSWER_AIR)).one()
        assert job.state == "running"
        job.leased_until = now()  # as if that time had passed
    with worker(home, database_url=url) as second:
        wait_until(lambda: reply().state == "filed", "the reply is filed")
        second.terminate()
        assert second.wait(10) == 0
    filed = reply()
    with database.session() as session:
        programme = session.scalars(sa.select(Programme)).one()
        assert (programme.state, filed.programme_id, filed.attempts) == ("submitted", programme.id, 2)
        assert session.scalars(sa.select(Job.state).where(Job.kind == job_kinds.ANSWER_AIR)).all() == ["done"]
        assert session.scalars(sa.select(CaseChange.what)).all().count("answer_on_air") == 1
        sound = session.scalars(sa.select(Media)).one()
        assert programme.sound_id == sound.id
    files = {file.name for file in (home / "media").glob("??/*")}
    assert files == {f"{sound.sha256}.wav", f"{sound.sha256}.wav16"}
    database.close()
