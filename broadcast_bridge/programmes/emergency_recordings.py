"""Recordings of the emergency line while the application was down, stored as programmes, as proof."""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes import intake
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import Origin
from haichieu.audio.ingest import UnusableSound
from haichieu.database import Database, now
from haichieu.locale import message, render
from haichieu.media import Media, MediaStore
from haichieu.people import highest_unit
from haichieu.spool import LeftRecording, close_wav
from haichieu.station import the_station

_NAME = re.compile(r"emergency-([0-9]{1,12})-([0-9.]+)\.wav")


@dataclass(frozen=True)
class Recording:
    """One emergency call; it is in progress while its channel exists."""

    channel: str
    wav: Path
    at: datetime.datetime


def found(home: Path) -> list[Recording]:
    """Return every recording of the emergency line in the spool, in order."""
    return [
        Recording(name[2], wav, datetime.datetime.fromtimestamp(int(name[1]), datetime.UTC))
        for wav in sorted((home / "spool" / "emergency").glob("*.wav"))
        if (name := _NAME.fullmatch(wav.name))
    ]


class EmergencyRecordings:
    """Intake of the recordings of the emergency line; see `haichieu.recording_intake`."""

    def __init__(self, home: Path, database: Database, store: MediaStore) -> None:
        self._home = home
        self._database = database
        self._store = store

    def left_recordings(self) -> list[LeftRecording]:
        return [LeftRecording(recording.wav.stem, recording.channel) for recording in found(self._home)]

    def is_still(self, name: str) -> bool:
        """Return True: a recording is complete when its channel is gone."""
        return True

    def take_in(self, name: str) -> str | None:
        """Make a draft programme of a recording."""
        recording = next((one for one in found(self._home) if one.wav.stem == name), None)
        if recording is None:
            return None
        try:
            return f"programme {keep(recording, self._database, self._store)}"
        except UnusableSound:
            return None


def keep(recording: Recording, database: Database, store: MediaStore) -> int:
    """Make a draft of a recording, once, and return its number; it leaves the spool after the commit.

    Raises UnusableSound after discarding the recording.
    """
    try:
        with store.scratch() as folder:
            close_wav(recording.wav)
            placed = intake.put(store, intake.ready_recording(recording.wav, Path(folder), Origin.LIVE))
            with database.session() as session:
                number = _made_before(session, placed.sound.sha256)
                if number is None:
                    number = intake.add(session, store, _about(session, recording.at), placed, now()).id
    except UnusableSound:
        recording.wav.unlink()
        raise
    recording.wav.unlink()
    return number


def _about(session: Session, at: datetime.datetime) -> About:
    station = the_station(session)
    unit = highest_unit(session)
    return About(
        render(message("programme.title_of.emergency_line", at=at), station.language, station.timezone),
        unit,
        "system",
        station.name,
        language=station.language,
        priority=Priority.EMERGENCY,
    )


def _made_before(session: Session, digest: str) -> int | None:
    """Return the programme of a recording that a crash left in the spool after the commit."""
    return session.scalar(
        sa.select(Programme.id)
        .join(Media, Programme.sound_id == Media.id)
        .where(Media.sha256 == digest, Programme.origin == Origin.LIVE)
    )
