"""Recordings by phone: whose they are, what a crash leaves behind, and that nothing is kept twice."""

import os
import shutil
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Zone
from broadcast_bridge.programmes import intake
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.phone_recordings import PhoneRecordings, RecordNotAllowed
from haichieu.audio.ingest import SilentSound
from haichieu.audio.sound import Sound, write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database
from haichieu.media import DiskFull, MediaStore
from haichieu.people import Level, Official, Right, Unit
from haichieu.spool import Spool
from tests.faulty_database import database_away
from tests.hashed_outside import refuse_hashing_in_transactions


def official(database: Database, *rights: Right) -> int:
    """An official of a commune with two zones."""
    with database.session() as session:
        unit = Unit(code="CB", name="Cô Ba", level=Level.COMMUNE)
        found = Official(code="1001", name="Hải", unit=unit, pin_hash="x", may=[str(right) for right in rights])
        found.zones = [Zone(code="12", name="Hai"), Zone(code="11", name="Một")]  # type: ignore[attr-defined]
        session.add(found)
        session.flush()
        return found.id


@pytest.fixture
def recordings(database: Database, tmp_path: Path) -> PhoneRecordings:
    (tmp_path / "spool").mkdir()
    return PhoneRecordings(Spool(tmp_path / "spool"), database, MediaStore(tmp_path / "media", 1))


def begin(database: Database, recordings: PhoneRecordings, official_id: int) -> str:
    with database.session() as session:
        return recordings.begin(session, official_id)


def speak(recordings: PhoneRecordings, name: str) -> Path:
    """What Asterisk leaves in the spool."""
    wav = Path(recordings.sound(name) + ".wav")
    write_wav(wav, attention_chime(8000))
    return wav


def programmes(database: Database) -> list[Programme]:
    with database.session() as session:
        everything = sa.select(Programme).options(sa.orm.joinedload(Programme.original)).order_by(Programme.id)
        return list(session.scalars(everything))


def original_of(tmp_path: Path, programme: Programme) -> Path:
    """Return the stored file of what was recorded, before it was cleaned for loudspeakers."""
    assert programme.original is not None
    return MediaStore(tmp_path / "media", 1).path(programme.original)


def test_only_officials_who_may_record_get_a_recording_name(database: Database, recordings: PhoneRecordings) -> None:
    official_id = official(database, Right.LIVE)
    with pytest.raises(RecordNotAllowed):
        begin(database, recordings, official_id)


def test_nothing_is_recorded_on_a_full_disk(database: Database, tmp_path: Path) -> None:
    full = PhoneRecordings(Spool(tmp_path), database, MediaStore(tmp_path / "media", 10**9))
    official_id = official(database, Right.RECORD)
    with pytest.raises(DiskFull):
        begin(database, full, official_id)


@pytest.mark.parametrize(
    ("rights", "state"), [((Right.RECORD,), "draft"), ((Right.RECORD, Right.SCHEDULE), "submitted")]
)
def test_a_recording_is_a_draft_or_submitted_by_the_rights_of_its_official(
    database: Database, recordings: PhoneRecordings, tmp_path: Path, rights: tuple[Right, ...], state: str
) -> None:
    name = begin(database, recordings, official(database, *rights))
    wav = speak(recordings, name)
    recorded = wav.read_bytes()
    kept = recordings.keep(name, "*")
    programme = programmes(database)[0]
    assert original_of(tmp_path, programme).read_bytes() == recorded
    assert (programme.state, kept.submitted) == (state, state == "submitted")
    assert (programme.author, programme.zone_codes) == ("official:1001", ["11", "12"])
    assert not wav.exists()


def test_a_recording_of_a_running_call_is_not_left_behind(database: Database, recordings: PhoneRecordings) -> None:
    name = begin(database, recordings, official(database, Right.RECORD))
    wav = speak(recordings, name)
    assert recordings.left_behind() == []
    recordings.let_go(name)
    assert recordings.left_behind() == [name]
    assert not recordings.is_still(name)
    os.utime(wav, (time.time() - 60, time.time() - 60))
    assert recordings.is_still(name)


def test_a_recording_cut_off_by_a_crash_is_kept_whole(database: Database, recordings: PhoneRecordings) -> None:
    name = begin(database, recordings, official(database, Right.RECORD))
    wav = speak(recordings, name)
    content = bytearray(wav.read_bytes())
    content[4:8] = content[40:44] = bytes(4)  # Asterisk writes the lengths when it closes the file
    wav.write_bytes(content)
    assert recordings.keep(name).seconds > 1


def test_a_crash_after_the_commit_does_not_make_a_second_programme(
    database: Database, recordings: PhoneRecordings, tmp_path: Path
) -> None:
    name = begin(database, recordings, official(database, Right.RECORD))
    copy = shutil.copy(speak(recordings, name), tmp_path / "copy.wav")
    first = recordings.keep(name)
    shutil.move(copy, recordings.sound(name) + ".wav")  # as if it had not been removed
    assert recordings.keep(name).number == first.number
    assert len(programmes(database)) == 1


def test_recording_stays_in_the_spool_until_its_programme_is_committed(
    database: Database, recordings: PhoneRecordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(database, recordings, official(database, Right.RECORD))
    wav = speak(recordings, name)
    with monkeypatch.context() as patches:
        hashed = refuse_hashing_in_transactions(patches, database)
        patches.setattr(intake, "add", database_away)
        with pytest.raises(sa.exc.OperationalError):
            recordings.keep(name)
    assert (wav.exists(), len(hashed) > 0) == (True, True)
    assert recordings.keep(name).number == programmes(database)[0].id


def test_silence_is_refused_and_discarded(database: Database, recordings: PhoneRecordings) -> None:
    name = begin(database, recordings, official(database, Right.RECORD))
    wav = speak(recordings, name)
    silence = attention_chime(8000)
    write_wav(wav, Sound(silence.samples * 0, silence.rate))
    with pytest.raises(SilentSound):
        recordings.keep(name)
    assert not wav.exists()
    assert programmes(database) == []


def test_other_files_in_the_spool_are_left_alone(recordings: PhoneRecordings, tmp_path: Path) -> None:
    for name in ("programme-x.wav", "programme-1-..wav", "broadcast-7.wav"):
        (tmp_path / "spool" / name).touch()
    assert recordings.left_behind() == []
