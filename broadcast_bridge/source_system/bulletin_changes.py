"""Changes of a bulletin under its id: other words or dates, other start times, or another content."""

import dataclasses
import datetime
import hashlib
import json
from enum import Enum, auto

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import calling_off
from broadcast_bridge.broadcasts.states import BroadcastState, Priority, Reason
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes import approval
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.source_system import bulletin_steps, report_queue
from broadcast_bridge.source_system.bulletin_fields import category_of
from broadcast_bridge.source_system.exchange import Issued
from broadcast_bridge.source_system.models import Bulletin, EarlierProgramme
from broadcast_bridge.source_system.states import BULLETIN, BulletinEvent, BulletinState, ContentKind
from haichieu import audit

MOST_SEEN = 50
"""Digests per bulletin: an old content that arrives again late is recognised."""
_DETAILS = ("title", "field", "author", "valid_until", "declared_seconds")


class Change(Enum):
    """How much a new issue of a bulletin changes."""

    NOTHING = auto()
    """It is a repetition, or older than what is here."""
    DETAILS = auto()
    """Words about it, or its validity: what is planned or on air continues."""
    STARTS = auto()
    """Other start times: what has not begun is planned again."""
    CONTENT = auto()
    """Another text, sound, priority or place: it is as if it were new, and the old one stops."""


def change_of(bulletin: Bulletin, issued: Issued) -> Change:
    """Return how much an issue changes the bulletin that is here, and note that it was seen."""
    mark = digest(issued)
    if not bulletin.seen:  # received before the station noted this
        bulletin.seen = [mark]
        return Change.NOTHING
    older = 0 < issued.revision <= bulletin.revision
    if mark in bulletin.seen or older:
        return Change.NOTHING
    first = len(bulletin.seen) - MOST_SEEN + 1
    bulletin.seen = [*bulletin.seen[max(0, first) :], mark]
    if bulletin.state in (BulletinState.REFUSED, BulletinState.DECLINED) or _content(issued) != bulletin.content_mark:
        return Change.CONTENT
    starts = [start.astimezone(datetime.UTC).isoformat() for start in sorted(issued.starts)]
    return Change.STARTS if starts != bulletin.starts else Change.DETAILS


def digest(issued: Issued) -> str:
    """Return a digest of everything in an issue."""
    return _digest(dataclasses.asdict(issued))


def content_mark(issued: Issued) -> str:
    """Return a digest of what is heard, and where and how urgently."""
    return _content(issued)


def change_details(session: Session, bulletin: Bulletin, at: datetime.datetime) -> None:
    """Apply words and validity that were changed: an airing continues as long as the new validity allows."""
    if bulletin.programme is not None:
        bulletin.programme.title = bulletin.title
        bulletin.programme.category = category_of(bulletin.field)
        bulletin.programme.valid_until = bulletin.valid_until
    _noted(session, bulletin, at)
    report_queue.add_receipt(session, bulletin, at)


def change_starts(session: Session, bulletin: Bulletin, at: datetime.datetime) -> None:
    """Plan a bulletin again; what has begun stays, and so do the times that the commune chose itself."""
    change_details(session, bulletin, at)
    if bulletin.priority == Priority.PRIORITY:
        _drop_planned(session, bulletin, at)


def change_content(session: Session, bulletin: Bulletin, at: datetime.datetime) -> None:
    """Stop the earlier content wherever it is planned or on air; the bulletin is offered again, without a sound."""
    bulletin.state = BULLETIN.after(BulletinState(bulletin.state), BulletinEvent.CHANGE)
    bulletin.reason, bulletin.sound = None, None
    bulletin_steps.forget_alarm(session, bulletin)
    programme = bulletin.programme
    if programme is not None:
        session.add(EarlierProgramme(bulletin=bulletin, programme=programme))
        if programme.state != ProgrammeState.WITHDRAWN:
            approval.withdraw(session, programme, bulletin_steps.actor_of(bulletin), at)
    bulletin.programme, bulletin.content_at = None, at
    bulletin.airings.clear()
    _noted(session, bulletin, at)


def _noted(session: Session, bulletin: Bulletin, at: datetime.datetime) -> None:
    bulletin.version, bulletin.changed_at = bulletin.version + 1, at
    session.flush()
    audit.record(
        session,
        bulletin_steps.actor_of(bulletin),
        "bulletin.change",
        f"bulletin:{bulletin.id}",
        id=bulletin.external_id,
        title=bulletin.title,
        version=bulletin.version,
    )


def _drop_planned(session: Session, bulletin: Bulletin, at: datetime.datetime) -> None:
    numbers = [airing.broadcast_id for airing in bulletin.airings if airing.broadcast_id is not None]
    planned = set(
        session.scalars(
            sa.select(Broadcast.id).where(Broadcast.id.in_(numbers), Broadcast.state == BroadcastState.PLANNED)
        )
    )
    calling_off.stop_all(session, planned, bulletin_steps.actor_of(bulletin), at, Reason.WITHDRAWN)
    bulletin.airings[:] = [
        one for one in bulletin.airings if one.broadcast_id is not None and one.broadcast_id not in planned
    ]
    session.flush()


def _content(issued: Issued) -> str:
    fields = dataclasses.asdict(issued)
    if issued.kind is not ContentKind.AUDIO:
        fields["revision"] = 0  # a sound may be another one under the same link; a text is seen
    return _digest({name: value for name, value in fields.items() if name not in (*_DETAILS, "starts")})


def _digest(fields: dict[str, object]) -> str:
    text = json.dumps(fields, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
