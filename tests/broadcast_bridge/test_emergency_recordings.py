"""Recordings of the emergency line become drafts, once."""

import datetime
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes import intake
from broadcast_bridge.programmes.emergency_recordings import found, keep
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.audio.ingest import UnusableSound
from haichieu.audio.sound import Sound, write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database
from haichieu.media import MediaStore
from haichieu.people import Level, Unit
from tests.faulty_database import database_away
from tests.hashed_outside import refuse_hashing_in_transactions

NAME = "emergency-1790000000-1790000000.12.wav"


@pytest.fixture
def spool(database: Database, tmp_path: Path) -> Path:
    with database.session() as session:
        session.add(Unit(code="BL", name="Bảo Lạc", level=Level.DISTRICT))
    folder = tmp_path / "spool/emergency"
    folder.mkdir(parents=True)
    return folder


def test_it_is_a_draft_once_although_a_crash_leaves_it_in_the_spool(
    database: Database, spool: Path, tmp_path: Path
) -> None:
    store = MediaStore(tmp_path / "media", 1)
    write_wav(spool / NAME, attention_chime(8000))
    (spool / "something-else.wav").touch()
    shutil.copyfile(spool / NAME, tmp_path / NAME)

    [recording] = found(tmp_path)
    assert recording.channel == "1790000000.12"
    assert recording.at == datetime.datetime(2026, 9, 21, 14, 13, 20, tzinfo=datetime.UTC)
    number = keep(recording, database, store)
    assert found(tmp_path) == []
    shutil.copyfile(tmp_path / NAME, spool / NAME)
    assert keep(recording, database, store) == number

    with database.session() as session:
        [programme] = session.scalars(sa.select(Programme))
        assert (programme.title, programme.author, programme.priority, programme.state) == (
            "Đường dây khẩn cấp 21/09/2026 21:13", "system", "emergency", ProgrammeState.DRAFT,
        )  # fmt: skip


def test_it_stays_in_the_spool_until_its_draft_is_committed(
    database: Database, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MediaStore(tmp_path / "media", 1)
    write_wav(spool / NAME, attention_chime(8000))
    [recording] = found(tmp_path)
    with monkeypatch.context() as patches:
        hashed = refuse_hashing_in_transactions(patches, database)
        patches.setattr(intake, "add", database_away)
        with pytest.raises(sa.exc.OperationalError):
            keep(recording, database, store)
    assert (found(tmp_path), len(hashed) > 0) == ([recording], True)
    assert keep(recording, database, store)


def test_one_in_which_nobody_spoke_is_discarded(database: Database, spool: Path, tmp_path: Path) -> None:
    silence = attention_chime(8000)
    write_wav(spool / NAME, Sound(silence.samples * 0, silence.rate))
    [recording] = found(tmp_path)
    with pytest.raises(UnusableSound):
        keep(recording, database, MediaStore(tmp_path / "media", 1))
    assert found(tmp_path) == []
