"""Intake of what a source issued: each item once, whatever the order in which items arrive and however often."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.intake import LONGEST_TEXT
from broadcast_bridge.source_system import bulletin_changes, bulletin_steps, device_commands
from broadcast_bridge.source_system.bulletin_changes import Change
from broadcast_bridge.source_system.exchange import Issued, Item, Ordered, Rescheduled, Unusable, Withdrawn
from broadcast_bridge.source_system.models import Bulletin, Source
from broadcast_bridge.source_system.report_queue import add_receipt
from broadcast_bridge.source_system.states import OVER, BulletinEvent, BulletinState, ContentKind
from broadcast_bridge.source_system.targets import Target, target_of
from haichieu import audit, jobs
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import Message, message

BULLETIN_JOB = "source_bulletin"
"""Prepares the sound of a bulletin and airs it; its subject is the bulletin."""
STILL_ON_TIME = datetime.timedelta(hours=1)
"""A bulletin that arrives this long after its last start time is still aired."""
_UNUSABLE = "unusable"


def take(session: Session, source: Source, item: Item, at: datetime.datetime) -> Bulletin | None:
    """Store one item and decide about it. Returns None when it is known already or has no id."""
    # One item of a source at a time: a bulletin and its withdrawal that arrive together must see each other.
    session.execute(sa.select(Source.id).where(Source.id == source.id).with_for_update())
    match item:
        case Withdrawn():
            return _withdraw(session, source, item.external_id, at)
        case Unusable():
            return _report_unusable(session, source, item, at)
        case Rescheduled():
            return _reschedule(session, source, item, at)
        case Ordered():
            device_commands.take(session, source, item, at)
            return None
        case Issued():
            return _take_bulletin(session, source, item, at)


def _take_bulletin(session: Session, source: Source, issued: Issued, at: datetime.datetime) -> Bulletin | None:
    bulletin = _find(session, source, issued.external_id)
    if bulletin is not None and bulletin.state == BulletinState.WITHDRAWN:
        if not bulletin.title:  # it was withdrawn before it arrived: people should see what it was
            _fill(bulletin, issued, target_of(session, source, issued.devices, issued.areas))
        return None
    if bulletin is not None:
        change = bulletin_changes.change_of(bulletin, issued)
        return _change(session, bulletin, issued, change, at) if change is not Change.NOTHING else None
    target = target_of(session, source, issued.devices, issued.areas)
    bulletin = Bulletin(source=source, external_id=issued.external_id, received_at=at)
    _fill(bulletin, issued, target)
    bulletin.seen = [bulletin_changes.digest(issued)]
    session.add(bulletin)
    session.flush()
    _audit(session, bulletin)
    if _is_withdrawn(session, source, issued.external_id):
        bulletin_steps.withdraw(session, bulletin, at)
    else:
        _decide(session, bulletin, issued, target, at)
    return bulletin


def _change(session: Session, bulletin: Bulletin, issued: Issued, change: Change, at: datetime.datetime) -> Bulletin:
    """Apply a new issue of a bulletin that is here."""
    target = target_of(session, bulletin.source, issued.devices, issued.areas)
    if change is Change.CONTENT:
        bulletin_changes.change_content(session, bulletin, at)
    _fill(bulletin, issued, target)
    if change is Change.CONTENT:
        _decide(session, bulletin, issued, target, at)
        return bulletin
    if change is Change.STARTS:
        bulletin_changes.change_starts(session, bulletin, at)
    else:
        bulletin_changes.change_details(session, bulletin, at)
    jobs.renew(session, BULLETIN_JOB, bulletin.id, at)
    return bulletin


def _reschedule(session: Session, source: Source, item: Rescheduled, at: datetime.datetime) -> Bulletin | None:
    """Change the times of a bulletin; the same times again change nothing."""
    bulletin = _find(session, source, item.external_id)
    if bulletin is None or not bulletin.title:
        text = message("source.unknown_bulletin", source=source.name, id=item.external_id)
        raise_alarm(session, AlarmKind.SOURCE_DEFECTIVE, f"source:{source.code}", text)
        return None
    starts = [start.astimezone(datetime.UTC).isoformat() for start in sorted(item.starts)]
    if bulletin.state in OVER or (bulletin.starts, bulletin.valid_until) == (starts, item.valid_until):
        return None
    other_starts, bulletin.starts, bulletin.valid_until = bulletin.starts != starts, starts, item.valid_until
    if other_starts:
        bulletin_changes.change_starts(session, bulletin, at)
    else:
        bulletin_changes.change_details(session, bulletin, at)
    jobs.renew(session, BULLETIN_JOB, bulletin.id, at)
    return bulletin


def _fill(bulletin: Bulletin, issued: Issued, target: Target) -> None:
    bulletin.title = _words(issued.title)[:200] or bulletin.source.name
    bulletin.kind = issued.kind
    bulletin.text = issued.text.replace("\x00", "").strip()
    bulletin.link = issued.link.strip()
    bulletin.declared_seconds = issued.declared_seconds
    bulletin.language = issued.language
    bulletin.priority = issued.priority
    bulletin.field = _words(issued.field)
    bulletin.author = _words(issued.author)
    bulletin.areas = list(issued.areas)
    bulletin.devices = list(issued.devices)
    bulletin.starts = [start.astimezone(datetime.UTC).isoformat() for start in sorted(issued.starts)]
    bulletin.valid_until = issued.valid_until
    bulletin.revision = issued.revision
    bulletin.content_mark = bulletin_changes.content_mark(issued)
    bulletin.unit_id = target.unit_id
    bulletin.speaker_codes = [speaker.code for speaker in target.speakers]


def _decide(session: Session, bulletin: Bulletin, issued: Issued, target: Target, at: datetime.datetime) -> None:
    """Refuse a bulletin that is unusable, accept an urgent one, and leave a normal one to the commune."""
    if (reason := _why_not(issued, target, at)) is not None:
        bulletin_steps.refuse(session, bulletin, reason, at)
        return
    bulletin.reason = target.remark
    if bulletin.priority == Priority.NORMAL:
        add_receipt(session, bulletin, at)
    else:
        bulletin_steps.advance(session, bulletin, BulletinEvent.ACCEPT, at)
    jobs.renew(session, BULLETIN_JOB, bulletin.id, at)


def _why_not(issued: Issued, target: Target, at: datetime.datetime) -> Message | None:
    """Return why the station cannot use a bulletin at all."""
    if issued.valid_until is not None and issued.valid_until <= at:
        return message("source.expired", at=issued.valid_until)
    starts = sorted(issued.starts) if issued.priority is Priority.PRIORITY else []
    if starts and starts[-1] < at - STILL_ON_TIME:
        return message("source.times_over", at=starts[-1])
    if starts and issued.valid_until is not None and issued.valid_until <= starts[0]:
        return message("source.over_before_start", until=issued.valid_until, at=starts[0])
    if issued.kind is ContentKind.TEXT and not issued.text.strip():
        return message("source.no_text")
    if issued.kind is ContentKind.AUDIO and not issued.link.strip():
        return message("source.no_link")
    if len(issued.text) > LONGEST_TEXT:
        return message("source.text_too_long", most=LONGEST_TEXT)
    return target.nowhere


def _withdraw(session: Session, source: Source, external_id: str, at: datetime.datetime) -> Bulletin:
    under = Bulletin.external_id.startswith(f"{external_id}/", autoescape=True)
    found = session.scalars(
        sa.select(Bulletin)
        .where(Bulletin.source_id == source.id, (Bulletin.external_id == external_id) | under)
        .order_by(Bulletin.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for bulletin in found:
        bulletin_steps.withdraw(session, bulletin, at)
    own = next((one for one in found if one.external_id == external_id), None)
    if own is None:  # its bulletin may still arrive
        own = Bulletin(
            source=source, external_id=external_id, state=BulletinState.WITHDRAWN, received_at=at,
            unit_id=source.unit_id, reason=None if found else message("source.withdrawn_early"),
        )  # fmt: skip
        session.add(own)
        session.flush()
        _audit(session, own)
        if not found:
            add_receipt(session, own, at)
    return own


def _report_unusable(session: Session, source: Source, item: Unusable, at: datetime.datetime) -> Bulletin | None:
    """Refuse an item that is no bulletin; one without an id is only known to the administrators."""
    if not item.external_id:
        text = message("source.unusable", source=source.name, problem=item.problem)
        raise_alarm(session, AlarmKind.SOURCE_DEFECTIVE, f"source:{source.code}", text)
        return None
    known = _find(session, source, item.external_id)
    if known is not None:
        if known.state != BulletinState.REFUSED:  # what is here stays as it is
            text = message("source.unusable_change", title=known.title or known.external_id, problem=item.problem)
            raise_alarm(session, AlarmKind.SOURCE_DEFECTIVE, f"bulletin:{known.id}", text)
        return None
    bulletin = Bulletin(
        source=source, external_id=item.external_id, title=_words(item.title)[:200] or item.external_id[:200],
        received_at=at, unit_id=source.unit_id, seen=[_UNUSABLE],
    )  # fmt: skip
    session.add(bulletin)
    session.flush()
    bulletin_steps.refuse(session, bulletin, item.problem, at)
    bulletin_steps.raise_refusal(session, bulletin, item.problem)  # it may have been an emergency
    return bulletin


def _find(session: Session, source: Source, external_id: str) -> Bulletin | None:
    """Return a bulletin, locked: its job may be planning it, and what it has planned must be seen."""
    return session.scalar(
        sa.select(Bulletin)
        .where(Bulletin.source_id == source.id, Bulletin.external_id == external_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _is_withdrawn(session: Session, source: Source, external_id: str) -> bool:
    """Return whether one of the ids that contain this one was withdrawn before."""
    parts = external_id.split("/")
    names = ["/".join(parts[:count]) for count in range(1, len(parts))]
    found = sa.select(Bulletin.id).where(
        Bulletin.source_id == source.id, Bulletin.external_id.in_(names), Bulletin.state == BulletinState.WITHDRAWN
    )
    return session.scalar(found.limit(1)) is not None


def _audit(session: Session, bulletin: Bulletin) -> None:
    audit.record(
        session,
        bulletin_steps.actor_of(bulletin),
        "bulletin.receive",
        f"bulletin:{bulletin.id}",
        id=bulletin.external_id,
        title=bulletin.title,
        priority=bulletin.priority,
        speakers=len(bulletin.speaker_codes),
    )


def _words(text: str) -> str:
    """Return a text in one line, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
