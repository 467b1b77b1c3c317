"""The media store: files first and without a transaction, then their row."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from haichieu import media
from haichieu.database import Database
from haichieu.media import Media, MediaStore
from tests.builders.sounds import wav

SAMPLES = b"\0\1" * 800


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", 0)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "recording.wav"
    file.write_bytes(wav(SAMPLES))
    return file


def test_nothing_is_hashed_or_synced_in_a_transaction(
    database: Database, store: MediaStore, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store.put(recording)

    def slow(*_: object) -> None:
        raise AssertionError("slow work under the write lock")

    monkeypatch.setattr(os, "fsync", slow)
    monkeypatch.setattr(media, "digest_of", slow)
    with database.session() as session:
        row = store.add(session, stored)
        assert store.path(row).read_bytes() == recording.read_bytes()


def test_the_same_content_has_one_row_and_the_given_file_stays(
    database: Database, store: MediaStore, recording: Path
) -> None:
    with database.session() as session:
        rows = {store.add(session, store.put(recording, recording)).id for _ in range(2)}
        assert len(rows) == 1
        assert session.scalars(sa.select(Media.seconds)).all() == [0.1]
    assert recording.exists()
    assert sorted(file.suffix for file in store.folder.glob("??/*")) == [".wav", ".wav16"]


def test_a_later_change_of_the_given_file_leaves_the_store_unchanged(
    database: Database, store: MediaStore, recording: Path
) -> None:
    whole = recording.read_bytes()
    with database.session() as session:
        row = store.add(session, store.put(recording))
        recording.write_bytes(b"another sound")
        assert store.path(row).read_bytes() == whole


def test_content_that_is_discarded_while_it_is_stored_again_stays(
    database: Database, store: MediaStore, recording: Path
) -> None:
    with database.session() as session:
        store.add(session, store.put(recording))
    again = store.put(recording)
    with database.session() as session:
        store.discard(session, list(session.scalars(sa.select(Media))))
    with database.session() as session:
        row = store.add(session, again)
        assert store.path(row).exists()


def test_content_that_came_back_before_the_files_are_deleted_stays(
    database: Database, store: MediaStore, recording: Path
) -> None:
    with database.session() as session:
        row = store.add(session, store.put(recording))
    again = store.put(recording)
    with database.session() as session:
        store.discard(session, [session.get_one(Media, row.id)])
        store.add(session, again)
    assert store.path(row).exists()
