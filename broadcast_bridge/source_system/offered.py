"""Decisions of the commune: choose, schedule or decline an offered bulletin, and the order of two that meet."""

import datetime
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system import bulletin_steps
from broadcast_bridge.source_system.bulletin_intake import BULLETIN_JOB
from broadcast_bridge.source_system.errors import NoSuchBulletin, StepRefused
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.source_system.states import BULLETIN, BulletinEvent, BulletinState, First
from haichieu import audit, jobs
from haichieu.locale import Message, message

LONGEST_REASON = 500
FARTHEST = datetime.timedelta(days=366)


def listed(session: Session, units: Collection[int], most: int) -> Sequence[Bulletin]:
    """Return the bulletins of these units: those that wait for a decision first, then the newest."""
    meets = sa.exists().where(BulletinAiring.bulletin_id == Bulletin.id, undecided())
    waits = sa.case((meets | (Bulletin.state == BulletinState.OFFERED), 0), else_=1)
    return session.scalars(
        sa.select(Bulletin)
        .where(Bulletin.unit_id.in_(units), Bulletin.title != "")
        .options(
            joinedload(Bulletin.source),
            joinedload(Bulletin.unit),
            joinedload(Bulletin.sound),
            joinedload(Bulletin.programme).joinedload(Programme.sound),
            selectinload(Bulletin.airings),
        )
        .order_by(waits, Bulletin.id.desc())
        .limit(most)
    ).all()


def undecided() -> sa.ColumnElement[bool]:
    """Return the condition of a start time whose order nobody has decided."""
    return sa.and_(
        BulletinAiring.first == First.UNDECIDED,
        BulletinAiring.decide_by.is_not(None),
        BulletinAiring.broadcast_id.is_(None),
    )


def may_be_planned() -> sa.ColumnElement[bool]:
    """Return the condition of a bulletin whose state allows a broadcast."""
    return Bulletin.state.in_([state for state, event in BULLETIN.table if event == BulletinEvent.SCHEDULE])


def waiting(session: Session, units: Collection[int], most: int) -> Sequence[Bulletin]:
    """Return the newest offered bulletins of these units."""
    return session.scalars(
        sa.select(Bulletin)
        .where(Bulletin.unit_id.in_(units), Bulletin.state == BulletinState.OFFERED, Bulletin.title != "")
        .options(joinedload(Bulletin.source), joinedload(Bulletin.unit))
        .order_by(Bulletin.id.desc())
        .limit(most)
    ).all()


def find(session: Session, number: int) -> Bulletin:
    """Return a bulletin, locked. Raises NoSuchBulletin."""
    bulletin = session.get(Bulletin, number, with_for_update=True, populate_existing=True)
    if bulletin is None or not bulletin.title:
        raise NoSuchBulletin("source.no_such_bulletin", number=number)
    return bulletin


def to_decide(bulletin: Bulletin, at: datetime.datetime) -> BulletinAiring | None:
    """Return the start time whose order a person may still decide, None when there is none."""
    for airing in bulletin.airings:
        open_until = airing.decide_by if airing.first == First.UNDECIDED and airing.broadcast_id is None else None
        if open_until is not None and open_until > at and bulletin_steps.can(bulletin, BulletinEvent.SCHEDULE):
            return airing
    return None


def accept(session: Session, bulletin: Bulletin, who: str, at: datetime.datetime) -> None:
    """Choose an offered bulletin: it becomes an approved programme. Raises StepRefused."""
    _require(bulletin, BulletinState.OFFERED)
    _require_sound(bulletin)
    _require_valid(bulletin, at)
    bulletin_steps.advance(session, bulletin, BulletinEvent.ACCEPT, at, who=who)
    bulletin_steps.make_programme(session, bulletin, at, who)


def schedule(
    session: Session, bulletin: Bulletin, start: datetime.datetime | None, who: str, at: datetime.datetime
) -> int:
    """Have a bulletin broadcast at a time, or at once (None), and return the broadcast; choose it if necessary.

    Raises StepRefused, NothingToPlayOn, NotForTheAir.
    """
    if bulletin.state == BulletinState.OFFERED:
        accept(session, bulletin, who, at)
    _require(bulletin, BulletinState.ACCEPTED, BulletinState.SCHEDULED, BulletinState.AIRED)
    _require_sound(bulletin)
    _require_valid(bulletin, start or at)
    if start is not None and not at - datetime.timedelta(minutes=1) <= start <= at + FARTHEST:
        raise StepRefused("source.wrong_start")
    begins = start or at
    airing = next((one for one in bulletin.airings if one.starts_at == begins), None)
    if airing is not None and airing.broadcast_id is not None:
        return airing.broadcast_id  # the same form, sent twice
    if airing is None:
        airing = BulletinAiring(starts_at=begins)
        bulletin.airings.append(airing)
    session.flush()
    audit.record(session, who, "bulletin.choose_time", f"bulletin:{bulletin.id}", at=begins.isoformat())
    return bulletin_steps.plan(session, bulletin, airing, begins, at).id


def reason_in_words(words: str) -> Message:
    """Return the reason that a person wrote for declining a bulletin. Raises StepRefused without one."""
    clean = " ".join(words.replace("\x00", "").split())
    if not clean:
        raise StepRefused("source.no_reason")
    return Message.verbatim(clean[:LONGEST_REASON])


def decline(session: Session, bulletin: Bulletin, reason: Message, who: str, at: datetime.datetime) -> None:
    """Decline an offered bulletin; the reason goes to its source. Raises StepRefused."""
    _require(bulletin, BulletinState.OFFERED)
    bulletin_steps.advance(session, bulletin, BulletinEvent.DECLINE, at, reason, who)


def decide(session: Session, bulletin: Bulletin, first: str, who: str, at: datetime.datetime) -> None:
    """Decide whether the bulletin or the commune's programme is first. Raises StepRefused after the deadline."""
    airing = to_decide(bulletin, at)
    if airing is None:
        raise StepRefused("source.order_decided")
    if first not in (First.SOURCE, First.COMMUNE):
        raise StepRefused("source.choose_order")
    airing.first = First(first)
    audit.record(session, who, "bulletin.order", f"bulletin:{bulletin.id}", first=first, other=airing.rival)
    jobs.renew(session, BULLETIN_JOB, bulletin.id, at)


def _require(bulletin: Bulletin, *states: BulletinState) -> None:
    if bulletin.state not in states:
        raise StepRefused("source.not_in_state", state=message(f"panel.bulletin_state.{bulletin.state}"))


def _require_sound(bulletin: Bulletin) -> None:
    if bulletin.audio is None:
        raise StepRefused("source.sound_pending")


def _require_valid(bulletin: Bulletin, at: datetime.datetime) -> None:
    if bulletin.valid_until is not None and bulletin.valid_until <= at:
        raise StepRefused("source.expired", at=bulletin.valid_until)
