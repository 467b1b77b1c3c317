"""Intake of programmes recorded by phone, also after the caller or the switchboard was lost.

A recording in the spool that belongs to no call is taken in later, for its official.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import Origin, ProgrammeState
from broadcast_bridge.speakers.zones import ALL_MY_ZONES
from haichieu.audio.ingest import UnusableSound
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import message, render
from haichieu.media import Media, MediaStore
from haichieu.people import Official, Right
from haichieu.spool import Spool, SpooledRecordings, close_wav
from haichieu.station import the_station


class RecordNotAllowed(HaiChieuError):
    """The official has no right to record programmes."""


@dataclass(frozen=True)
class Kept:
    """A recording that became a programme; `submitted` when its official may schedule."""

    number: int
    seconds: float
    submitted: bool


class PhoneRecordings(SpooledRecordings):
    """Moves programmes that were recorded by phone out of Asterisk's spool."""

    kind = re.compile(r"programme-(\d+)-[0-9a-f]{32}")

    def __init__(self, spool: Spool, database: Database, store: MediaStore) -> None:
        super().__init__(spool)
        self._database = database
        self._store = store

    def begin(self, session: Session, official_id: int) -> str:
        """Return the name to record to. Raises RecordNotAllowed or DiskFull."""
        official = session.get_one(Official, official_id)
        if not official.may_do(Right.RECORD):
            raise RecordNotAllowed("programme.may_not_record", name=official.name)
        self._store.require_space(self._spool.bytes_for_another())
        name = f"programme-{official_id}-{uuid.uuid4().hex}"
        self._spool.take(name)
        return name

    def keep(self, name: str, zone_keys: str = "") -> Kept:
        """Make a programme of a recording, once. Blocks while the sound is converted: use a thread.

        `zone_keys` is the intended zone, as keyed in. The recording leaves the spool after the commit. Raises
        UnusableSound after discarding the recording.
        """
        wav = self._spool.wav(name)
        official_id = int(name.split("-")[1])
        close_wav(wav)
        try:
            with self._store.scratch() as folder:
                ready = intake.ready_recording(wav, Path(folder), Origin.PHONE)
                # Cleaning for loudspeakers may go wrong, so what was said is stored as it was recorded, too.
                placed = intake.put(self._store, replace(ready, upload=wav, suffix=".wav"))
                with self._database.session() as session:
                    official = session.get_one(Official, official_id)
                    programme = _made_before(session, placed.sound.sha256)
                    if programme is None:
                        programme = intake.add(session, self._store, _about(session, official), placed, now())
                        programme.zone_codes = list(_codes(official, zone_keys))
                        if official.may_do(Right.SCHEDULE):
                            approval.submit(session, programme, programme.author, now())
                    kept = Kept(programme.id, ready.forms.seconds, programme.state == ProgrammeState.SUBMITTED)
        except UnusableSound:
            self.discard(name)
            raise
        self.discard(name)
        return kept

    def take_in(self, name: str) -> str | None:
        """Make a programme of a recording that was left behind; see `haichieu.recording_intake`."""
        try:
            return f"programme {self.keep(name).number}"
        except UnusableSound:
            return None


def _about(session: Session, official: Official) -> About:
    station = the_station(session)
    language = official.language or station.language
    return About(
        render(message("programme.title_of.phone_recording", at=now()), language, station.timezone),
        official.unit_id,
        f"official:{official.code}",
        official.name,
        language=language,
    )


def _codes(official: Official, zone_keys: str) -> Sequence[str]:
    if zone_keys == ALL_MY_ZONES:
        return sorted(zone.code for zone in official.zones if zone.removed_at is None)  # type: ignore[attr-defined]
    return [code for code in zone_keys.split(",") if code]


def _made_before(session: Session, digest: str) -> Programme | None:
    """Return the programme of a recording that a crash left in the spool after the commit."""
    return session.scalar(
        sa.select(Programme)
        .join(Media, Programme.sound_id == Media.id)
        .where(Media.sha256 == digest, Programme.origin == Origin.PHONE)
    )
