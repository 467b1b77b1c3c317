"""Words about a fault: stored once with their report, after a hang-up or a crash too, and deleted in time."""

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.repairs.errors import NoSuchReport
from broadcast_bridge.repairs.fault_recordings import FaultRecordings, forget_words
from broadcast_bridge.repairs.models import FaultReport
from haichieu.audio.sound import Sound, write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, now
from haichieu.media import DiskFull, Media, MediaStore
from haichieu.spool import Spool
from tests.builders.places import commune
from tests.builders.repairs import repair
from tests.hashed_outside import refuse_hashing_in_transactions


@pytest.fixture
def recordings(database: Database, tmp_path: Path) -> FaultRecordings:
    (tmp_path / "spool").mkdir()
    return FaultRecordings(Spool(tmp_path / "spool"), database, MediaStore(tmp_path / "media", 1))


@pytest.fixture
def report_id(database: Database) -> int:
    with database.session() as session:
        return repair(session, commune(session).speakers[0].id).reports[0].id


def speak(recordings: FaultRecordings, name: str, loudness: float = 1.0) -> Path:
    wav = Path(f"{recordings.sound(name)}.wav")
    chime = attention_chime(8000)
    write_wav(wav, Sound(chime.samples * loudness, chime.rate))
    return wav


def sounds(database: Database) -> list[int | None]:
    with database.session() as session:
        return list(session.scalars(sa.select(FaultReport.sound_id)))


def test_words_are_stored_once_with_their_report(
    database: Database, recordings: FaultRecordings, report_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_hashing_in_transactions(monkeypatch, database)
    name = recordings.begin(report_id)
    wav = speak(recordings, name)
    spoken = wav.read_bytes()
    assert recordings.left_behind() == []
    assert recordings.keep(name)
    assert not wav.exists()
    (stored,) = sounds(database)
    assert stored is not None
    wav.write_bytes(spoken)  # as a crash after the commit leaves it
    recordings.let_go(name)
    assert recordings.take_in(name) == f"fault report {report_id}"
    assert sounds(database) == [stored]
    assert not wav.exists()


def test_words_of_a_caller_who_hung_up_are_left_for_the_intake(
    database: Database, recordings: FaultRecordings, report_id: int
) -> None:
    name = recordings.begin(report_id)
    speak(recordings, name)
    recordings.let_go(name)
    assert recordings.left_behind() == [name]
    assert recordings.take_in(name) == f"fault report {report_id}"
    assert sounds(database) != [None]


def test_silence_is_deleted_and_the_report_stays(
    database: Database, recordings: FaultRecordings, report_id: int
) -> None:
    name = recordings.begin(report_id)
    wav = speak(recordings, name, 0.0)
    assert not recordings.keep(name)
    assert recordings.take_in(name) is None
    assert not wav.exists()
    assert sounds(database) == [None]


def test_words_without_their_report_stay_in_the_spool(recordings: FaultRecordings) -> None:
    name = recordings.begin(77)
    wav = speak(recordings, name)
    with pytest.raises(NoSuchReport):
        recordings.take_in(name)
    assert wav.exists()


def test_full_disk_records_nothing(database: Database, recordings: FaultRecordings, tmp_path: Path) -> None:
    full = FaultRecordings(Spool(tmp_path / "spool"), database, MediaStore(tmp_path / "media", 10**9))
    with pytest.raises(DiskFull):
        full.begin(1)


def test_words_are_deleted_some_time_after_the_repair_was_closed(
    database: Database, recordings: FaultRecordings, report_id: int, tmp_path: Path
) -> None:
    name = recordings.begin(report_id)
    speak(recordings, name)
    recordings.keep(name)
    store, day = MediaStore(tmp_path / "media", 1), datetime.timedelta(days=1)
    with database.session() as session:
        assert forget_words(session, store, 30, now() + 99 * day) == 0
        made = session.scalars(sa.select(FaultReport)).one().repair
        made.state, made.closed_at = "closed", now()
    with database.session() as session:
        assert forget_words(session, store, 0, now() + 99 * day) == 0
        assert forget_words(session, store, 30, now() + 29 * day) == 0
        assert forget_words(session, store, 30, now() + 31 * day) == 1
    assert sounds(database) == [None]
    assert list((tmp_path / "media").rglob("*.wav")) == []
    with database.session() as session:
        assert session.scalars(sa.select(Media)).all() == []
