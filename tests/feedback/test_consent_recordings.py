"""Recorded consents: stored once, never from silence, and never for a case whose citizen is gone."""

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from feedback.citizens.consent_recordings import ConsentRecordings
from feedback.citizens.models import Consent
from feedback.citizens.registry import open_citizens
from feedback.models import Case
from feedback.states import Purpose
from haichieu.audio.sound import Sound, write_wav
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.spool import Spool
from tests.builders.cases import case, office


@pytest.fixture
def recordings(database: Database, tmp_path: Path) -> ConsentRecordings:
    (tmp_path / "spool").mkdir()
    return ConsentRecordings(Spool(tmp_path / "spool"), database, MediaStore(tmp_path / "media", 1))


def begun(database: Database, recordings: ConsentRecordings, tmp_path: Path, level: float) -> Path:
    """Record for a second at a level; the file in the spool."""
    with database.session() as session:
        opened = case(session, office(session), citizen=open_citizens(tmp_path).meet(session, "+84912345678", now()))
        name = recordings.begin(opened.id, Purpose.VOICE_ON_AIR)
    wav = tmp_path / "spool" / f"{name}.wav"
    noise = np.random.default_rng(1).uniform(-level, level, 8000).astype(np.float32)
    write_wav(wav, Sound(noise, 8000))
    return wav


def stored(database: Database) -> list[Consent]:
    with database.session() as session:
        return list(session.scalars(sa.select(Consent)))


def test_consent_is_stored_once_however_often_it_is_taken_in(
    database: Database, recordings: ConsentRecordings, tmp_path: Path
) -> None:
    wav = begun(database, recordings, tmp_path, 0.3)
    content = wav.read_bytes()
    assert recordings.keep(wav.stem)
    wav.write_bytes(content)  # as if the switchboard had died before it deleted the file
    recordings.let_go(wav.stem)
    assert recordings.left_behind() == [wav.stem]
    recordings.take_in(wav.stem)
    (consent,) = stored(database)
    assert (consent.purpose, consent.form, consent.sound_id is not None) == ("voice", "call", True)
    assert not wav.exists()


def test_silence_is_no_consent(database: Database, recordings: ConsentRecordings, tmp_path: Path) -> None:
    wav = begun(database, recordings, tmp_path, 0.0)
    assert not recordings.keep(wav.stem)
    assert stored(database) == []
    assert not wav.exists()


def test_consent_of_an_erased_case_is_discarded(
    database: Database, recordings: ConsentRecordings, tmp_path: Path
) -> None:
    wav = begun(database, recordings, tmp_path, 0.3)
    with database.session() as session:
        session.scalars(sa.select(Case)).one().citizen_id = None
    assert recordings.take_in(wav.stem) is None
    assert stored(database) == []
    assert not wav.exists()
