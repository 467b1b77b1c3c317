"""Retention of programmes and recordings, and disk usage by unit."""

import datetime
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_drafts
from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu import audit
from haichieu.media import Media, MediaStore, unnamed
from haichieu.people import Unit

CATCH_UP_PERIOD = datetime.timedelta(days=7)
"""A broadcast may be caught up for this long after its end."""
MADE_AGO = datetime.timedelta(hours=6)
"""Younger files without a row may belong to an uncommitted transaction."""


@dataclass(frozen=True)
class Rules:
    """Days of retention; 0 means for ever. Sounds are deleted; rows and the log remain."""

    withdrawn_days: int = 90
    expired_days: int = 365
    recordings_days: int = 365


@dataclass(frozen=True)
class Discarded:
    """What a run deleted, or in a dry run would delete."""

    programmes: int
    recordings: int
    files: int
    bytes: int


@dataclass(frozen=True)
class Usage:
    """What one unit stores, by origin of programmes."""

    unit: str
    origin: str
    programmes: int
    seconds: float
    bytes: int


def apply(
    session: Session, store: MediaStore, rules: Rules, at: datetime.datetime, *, dry_run: bool = False
) -> Discarded:
    """Release sounds past their retention, and delete the files that no row refers to."""
    programmes = _programmes_without_need(session, rules, at)
    recordings = _old_recordings(session, rules, at)
    if not dry_run:
        for programme in programmes:
            programme.original = programme.sound = None
            programme.seconds = None
        for broadcast in recordings:
            broadcast.recording_id = None
        broadcast_drafts.forget(session, at)
        session.flush()
    abandoned = store.abandoned_scratch(at - MADE_AGO)
    strays = _strays(session, store, at)
    strays += [file for folder in abandoned for file in folder.rglob("*") if file.is_file()]
    media = _unused_media(session, at) if not dry_run else []
    freed = sum(row.bytes for row in media)
    removed = store.discard(session, media)
    freed += sum(file.stat().st_size for file in strays)
    if not dry_run:
        for file in strays:
            removed += file.exists()
            file.unlink(missing_ok=True)
        for folder in abandoned:
            shutil.rmtree(folder, ignore_errors=True)
        if programmes or recordings or removed:
            audit.record(
                session, "retention", "media.discard", "media", programmes=len(programmes), recordings=len(recordings),
                files=removed,
            )  # fmt: skip
    return Discarded(len(programmes), len(recordings), removed if not dry_run else len(strays), freed)


def usage(session: Session) -> list[Usage]:
    """Return what is stored, by unit and origin."""
    rows = session.execute(
        sa.select(Unit.name, Programme.origin, Programme.seconds, Media.bytes)
        .join(Programme, Programme.unit_id == Unit.id)
        .outerjoin(Media, Media.id == Programme.sound_id)
    )
    found: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for unit, origin, seconds, size in rows:
        found[unit, origin].append((seconds or 0.0, size or 0))
    return [
        Usage(unit, origin, len(kept), round(sum(one for one, _ in kept), 1), sum(size for _, size in kept))
        for (unit, origin), kept in sorted(found.items())
    ]


def _programmes_without_need(session: Session, rules: Rules, at: datetime.datetime) -> list[Programme]:
    over: list[sa.ColumnElement[bool]] = []
    if rules.withdrawn_days:
        before = at - datetime.timedelta(days=rules.withdrawn_days)
        over.append((Programme.state == ProgrammeState.WITHDRAWN) & (Programme.updated_at < before))
    if rules.expired_days:
        before = at - datetime.timedelta(days=rules.expired_days)
        over.append(
            (Programme.valid_until < before) & (Programme.last_aired_at.is_(None) | (Programme.last_aired_at < before))
        )
    if not over:
        return []
    return list(session.scalars(sa.select(Programme).where(Programme.sound_id.is_not(None), sa.or_(*over))))


def _old_recordings(session: Session, rules: Rules, at: datetime.datetime) -> list[Broadcast]:
    if not rules.recordings_days:
        return []
    before = at - datetime.timedelta(days=rules.recordings_days)
    return list(
        session.scalars(sa.select(Broadcast).where(Broadcast.recording_id.is_not(None), Broadcast.ended_at < before))
    )


def _unused_media(session: Session, at: datetime.datetime) -> list[Media]:
    """Return rows without references; a broadcast long over refers to a sound only as long as a programme does."""
    session.execute(
        sa.delete(BroadcastSound).where(
            BroadcastSound.broadcast_id.in_(sa.select(Broadcast.id).where(Broadcast.ended_at < at - CATCH_UP_PERIOD)),
            BroadcastSound.media_id.not_in(sa.select(Programme.sound_id).where(Programme.sound_id.is_not(None))),
        )
    )
    return unnamed(session)


def _strays(session: Session, store: MediaStore, at: datetime.datetime) -> list[Path]:
    """Return files without a row, left by a crash or a rolled-back transaction."""
    known = set(session.scalars(sa.select(Media.sha256)))
    oldest = (at - MADE_AGO).timestamp()
    found = []
    for file in store.folder.glob("??/*"):
        digest = file.name.split(".")[0]
        if len(digest) == 64 and digest not in known and file.stat().st_mtime < oldest:
            found.append(file)
    return found
