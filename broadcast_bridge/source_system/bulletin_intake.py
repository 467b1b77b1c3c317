"""Intake of what a source issued: each item once, whatever the order in which items arrive and however often."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Speaker
from broadcast_bridge.programmes.intake import LONGEST_TEXT
from broadcast_bridge.source_system import bulletin_steps
from broadcast_bridge.source_system.exchange import Issued, Item, Unusable, Withdrawn
from broadcast_bridge.source_system.models import Bulletin, Source
from broadcast_bridge.source_system.report_queue import add_receipt
from broadcast_bridge.source_system.states import BulletinEvent, BulletinState, ContentKind
from broadcast_bridge.speakers.zones import above
from haichieu import audit, jobs
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import Message, message
from haichieu.people import Unit, units_under

BULLETIN_JOB = "source_bulletin"
"""Prepares the sound of a bulletin and airs it; its subject is the bulletin."""
STILL_ON_TIME = datetime.timedelta(hours=1)
"""A bulletin that arrives this long after its last start time is still aired."""
LONGEST_ID = 120


@dataclass(frozen=True)
class Target:
    """The speakers of a bulletin, the unit that it belongs to, and the ids that the station does not know."""

    speakers: Sequence[Speaker]
    unit_id: int
    unknown: Sequence[str]


def take(session: Session, source: Source, item: Item, at: datetime.datetime) -> Bulletin | None:
    """Store one item and decide about it. Returns None when it is known already or has no id."""
    # One item of a source at a time: a bulletin and its withdrawal that arrive together must see each other.
    session.execute(sa.select(Source.id).where(Source.id == source.id).with_for_update())
    match item:
        case Withdrawn():
            return _withdraw(session, source, item.external_id, at)
        case Unusable():
            return _report_unusable(session, source, item, at)
        case Issued():
            return _take_bulletin(session, source, item, at)


def _take_bulletin(session: Session, source: Source, issued: Issued, at: datetime.datetime) -> Bulletin | None:
    if _find(session, source, issued.external_id) is not None:
        return None
    target = target_of(session, source, issued)
    bulletin = Bulletin(
        source=source,
        external_id=issued.external_id,
        title=_words(issued.title)[:200] or source.name,
        kind=issued.kind,
        text=issued.text.replace("\x00", "").strip(),
        link=issued.link.strip(),
        declared_seconds=issued.declared_seconds,
        language=issued.language,
        priority=issued.priority,
        field=_words(issued.field),
        author=_words(issued.author),
        areas=list(issued.areas),
        devices=list(issued.devices),
        starts=[start.astimezone(datetime.UTC).isoformat() for start in sorted(issued.starts)],
        valid_until=issued.valid_until,
        received_at=at,
        unit_id=target.unit_id,
        speaker_codes=[speaker.code for speaker in target.speakers],
    )
    session.add(bulletin)
    session.flush()
    _audit(session, bulletin)
    if _is_withdrawn(session, source, issued.external_id):
        bulletin_steps.withdraw(session, bulletin, at)
    elif (reason := _why_not(issued, target, at)) is not None:
        bulletin_steps.refuse(session, bulletin, reason, at)
    else:
        if target.unknown:
            bulletin.reason = message("source.unknown_places", ids=tuple(target.unknown))
        if bulletin.priority == Priority.NORMAL:
            add_receipt(session, bulletin, at)
        else:
            bulletin_steps.advance(session, bulletin, BulletinEvent.ACCEPT, at)
        jobs.add(session, BULLETIN_JOB, bulletin.id, at)
    return bulletin


def _why_not(issued: Issued, target: Target, at: datetime.datetime) -> Message | None:
    """Return why the station cannot use a bulletin at all."""
    if issued.valid_until is not None and issued.valid_until <= at:
        return message("source.expired", at=issued.valid_until)
    if issued.priority is Priority.PRIORITY and issued.starts and max(issued.starts) < at - STILL_ON_TIME:
        return message("source.times_over", at=max(issued.starts))
    if issued.kind is ContentKind.TEXT and not issued.text.strip():
        return message("source.no_text")
    if issued.kind is ContentKind.AUDIO and not issued.link.strip():
        return message("source.no_link")
    if len(issued.text) > LONGEST_TEXT:
        return message("source.text_too_long", most=LONGEST_TEXT)
    if not target.speakers:
        ids = tuple(target.unknown) or ("-",)
        return message("source.nowhere", ids=ids)
    return None


def target_of(session: Session, source: Source, issued: Issued) -> Target:
    """Return the speakers of a bulletin: the devices that it names, else those in its areas, else all of the source."""
    units = {place.external_id: place.unit_id for place in source.places if place.unit_id is not None}
    devices = {place.external_id: place.speaker_id for place in source.places if place.speaker_id is not None}
    named = {devices[one] for one in issued.devices if one in devices}
    inside: Collection[int] = ()
    if not issued.devices:
        wanted = [units[one] for one in issued.areas if one in units] if issued.areas else [source.unit_id]
        inside = units_under(session, wanted) if wanted else ()
    speakers = session.scalars(
        sa.select(Speaker)
        .where(Speaker.removed_at.is_(None), Speaker.id.in_(named) | Speaker.unit_id.in_(inside))
        .order_by(Speaker.code)
    ).all()
    unknown = [one for one in issued.devices if one not in devices] + [one for one in issued.areas if one not in units]
    return Target(speakers, _unit_of(session, source, speakers), list(dict.fromkeys(unknown)))


def _unit_of(session: Session, source: Source, speakers: Sequence[Speaker]) -> int:
    """Return the lowest unit that has all the speakers, or the unit of the source where there is none below it."""
    parents: dict[int, int | None] = dict(session.execute(sa.select(Unit.id, Unit.parent_id)).all())
    chains = [above(parents, unit_id) for unit_id in {speaker.unit_id for speaker in speakers}]
    shared = [one for one in chains[0] if all(one in chain for chain in chains)] if chains else []
    return next((one for one in shared if source.unit_id in above(parents, one)), source.unit_id)


def _withdraw(session: Session, source: Source, external_id: str, at: datetime.datetime) -> Bulletin:
    under = Bulletin.external_id.startswith(f"{external_id}/", autoescape=True)
    found = session.scalars(
        sa.select(Bulletin)
        .where(Bulletin.source_id == source.id, (Bulletin.external_id == external_id) | under)
        .order_by(Bulletin.id)
    ).all()
    for bulletin in found:
        bulletin_steps.withdraw(session, bulletin, at)
    own = next((one for one in found if one.external_id == external_id), None)
    if own is None:  # its bulletin may still arrive
        own = Bulletin(
            source=source, external_id=external_id, state=BulletinState.WITHDRAWN, received_at=at,
            unit_id=source.unit_id,
        )  # fmt: skip
        session.add(own)
        session.flush()
        _audit(session, own)
    return own


def _report_unusable(session: Session, source: Source, item: Unusable, at: datetime.datetime) -> Bulletin | None:
    """Refuse an item that is no bulletin; one without an id is only known to the administrators."""
    if not item.external_id:
        text = message("source.unusable", source=source.name, problem=item.problem)
        raise_alarm(session, AlarmKind.SOURCE_DEFECTIVE, f"source:{source.code}", text)
        return None
    if _find(session, source, item.external_id) is not None:
        return None
    bulletin = Bulletin(
        source=source, external_id=item.external_id, title=_words(item.title)[:200] or item.external_id[:200],
        received_at=at, unit_id=source.unit_id,
    )  # fmt: skip
    session.add(bulletin)
    session.flush()
    bulletin_steps.refuse(session, bulletin, item.problem, at)
    bulletin_steps.raise_refusal(session, bulletin, item.problem)  # it may have been an emergency
    return bulletin


def _find(session: Session, source: Source, external_id: str) -> Bulletin | None:
    return session.scalar(
        sa.select(Bulletin).where(Bulletin.source_id == source.id, Bulletin.external_id == external_id)
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
