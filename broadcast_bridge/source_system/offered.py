"""Decisions of the commune: choose, schedule or decline an offered bulletin, and the order of two that meet."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from broadcast_bridge.broadcasts import calling_off
from broadcast_bridge.broadcasts.states import BroadcastState, Priority
from broadcast_bridge.models import Broadcast, Speaker
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.states import OccurrenceReason
from broadcast_bridge.source_system import bulletin_steps, meetings
from broadcast_bridge.source_system.bulletin_intake import BULLETIN_JOB
from broadcast_bridge.source_system.errors import NoSuchBulletin, StepRefused
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.source_system.states import BULLETIN, BulletinEvent, BulletinState, First
from broadcast_bridge.speakers.quiet_hours import silence_rules, speakers_may_sound
from haichieu import audit, jobs
from haichieu.locale import Message, message
from haichieu.unit_names import unit_names

LONGEST_REASON = 500
FARTHEST = datetime.timedelta(days=366)
_NOT_AIRED = (BroadcastState.CANCELLED, BroadcastState.FAILED, BroadcastState.PRE_EMPTED)


@dataclass(frozen=True)
class Reach:
    """How many speakers will play a bulletin, and the names of their units."""

    speakers: int
    places: tuple[str, ...]


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
            selectinload(Bulletin.airings).joinedload(BulletinAiring.broadcast),
        )
        .order_by(waits, Bulletin.id.desc())
        .limit(most)
    ).all()


def undecided() -> sa.ColumnElement[bool]:
    """Return the condition of a start time whose order nobody has decided."""
    has_begun = sa.exists().where(
        Broadcast.id == BulletinAiring.broadcast_id, Broadcast.state != BroadcastState.PLANNED
    )
    return sa.and_(BulletinAiring.first == First.UNDECIDED, BulletinAiring.decide_by.is_not(None), ~has_begun)


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


def meeting(session: Session, units: Collection[int], at: datetime.datetime, most: int) -> Sequence[BulletinAiring]:
    """Return the start times of bulletins of these units whose order may still be decided, the most urgent first."""
    return session.scalars(
        sa.select(BulletinAiring)
        .join(BulletinAiring.bulletin)
        .where(Bulletin.unit_id.in_(units), may_be_planned(), undecided(), BulletinAiring.decide_by > at)
        .options(contains_eager(BulletinAiring.bulletin).joinedload(Bulletin.unit))
        .order_by(BulletinAiring.decide_by, BulletinAiring.id)
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
    undecided_ones = (one for one in bulletin.airings if one.first == First.UNDECIDED)
    return next((one for one in undecided_ones if may_change_order(bulletin, one, at)), None)


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

    Raises StepRefused, also for a time at which all speakers must be silent, NothingToPlayOn, NotForTheAir.
    """
    if bulletin.state == BulletinState.OFFERED:
        accept(session, bulletin, who, at)
    _require(bulletin, BulletinState.ACCEPTED, BulletinState.SCHEDULED, BulletinState.AIRED)
    _require_sound(bulletin)
    _require_valid(bulletin, at)
    begins = start or at
    if begins < at - datetime.timedelta(minutes=1):
        raise StepRefused("source.start_is_over")
    if begins > at + FARTHEST:
        raise StepRefused("source.wrong_start")
    if bulletin.valid_until is not None and bulletin.valid_until <= begins:
        raise StepRefused("source.valid_only_until", at=bulletin.valid_until)
    _require_sounding(session, bulletin, begins)
    airing = next((one for one in bulletin.airings if one.starts_at == begins), None)
    if airing is not None and airing.broadcast is not None and airing.broadcast.state not in _NOT_AIRED:
        return airing.broadcast.id  # the same form, sent twice
    if airing is None:
        airing = BulletinAiring(starts_at=begins)
        bulletin.airings.append(airing)
    session.flush()
    audit.record(session, who, "bulletin.choose_time", f"bulletin:{bulletin.id}", at=begins.isoformat())
    broadcast = bulletin_steps.plan(session, bulletin, airing, begins, at)
    if bulletin.priority == Priority.PRIORITY:
        jobs.renew(session, BULLETIN_JOB, bulletin.id, at)  # it may meet a programme of the commune
    return broadcast.id


def planned(bulletin: Bulletin) -> list[BulletinAiring]:
    """Return the start times of a bulletin whose broadcast is still to come, the next one first."""
    return [one for one in bulletin.airings if one.broadcast and one.broadcast.state == BroadcastState.PLANNED]


def may_cancel(bulletin: Bulletin, airing: BulletinAiring) -> bool:
    """Return whether the commune may cancel an airing: it may unless the source ordered it."""
    ordered = bulletin.priority != Priority.NORMAL and (
        airing.starts_at == bulletin.issued_at or airing.starts_at.isoformat() in bulletin.starts
    )
    return not ordered and airing in planned(bulletin)


def cancel(session: Session, bulletin: Bulletin, airing_id: int, who: str, at: datetime.datetime) -> None:
    """Cancel one airing that has not begun. A normal bulletin with no other one is returned. Raises StepRefused."""
    airing = next((one for one in bulletin.airings if one.id == airing_id), None)
    if airing is None or airing.broadcast is None or not may_cancel(bulletin, airing):
        raise StepRefused("source.not_planned")
    calling_off.stop(session, airing.broadcast.id, who, at)
    is_over = all(one.broadcast is None or one.broadcast.state in _NOT_AIRED for one in bulletin.airings)
    if is_over and bulletin.priority == Priority.NORMAL and bulletin_steps.can(bulletin, BulletinEvent.RETURN):
        mark = str(airing.broadcast.id)
        bulletin_steps.advance(session, bulletin, BulletinEvent.RETURN, at, who=who, mark=mark)


def reach_of(session: Session, bulletins: Collection[Bulletin]) -> Mapping[int, Reach]:
    """Return where bulletins will be heard, by bulletin, in two queries."""
    codes = {code for one in bulletins for code in one.speaker_codes}
    rows = session.execute(
        sa.select(Speaker.code, Speaker.unit_id).where(Speaker.code.in_(codes), Speaker.removed_at.is_(None))
    )
    unit_of = {code: unit_id for code, unit_id in rows}
    names = unit_names(session) if unit_of else {}
    found = {}
    for one in bulletins:
        units = [unit_of[code] for code in one.speaker_codes if code in unit_of]
        found[one.id] = Reach(len(units), tuple(names[unit_id].name for unit_id in dict.fromkeys(sorted(units))))
    return found


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


def may_change_order(bulletin: Bulletin, airing: BulletinAiring, at: datetime.datetime) -> bool:
    """Return whether a person may still decide, or decide differently, which is first."""
    begun = airing.broadcast is not None and airing.broadcast.state != BroadcastState.PLANNED
    is_open = airing.decide_by is not None and airing.decide_by > at and not begun
    return is_open and bulletin_steps.can(bulletin, BulletinEvent.SCHEDULE)


def decide(
    session: Session, bulletin: Bulletin, first: str, who: str, at: datetime.datetime, airing_id: int | None = None
) -> None:
    """Decide whether the bulletin or the commune's programme is first; with an airing, change what was decided.

    Raises StepRefused after the deadline, and when the bulletin would not be valid any more after the programme.
    """
    decided = (one for one in bulletin.airings if one.id == airing_id and may_change_order(bulletin, one, at))
    airing = to_decide(bulletin, at) if airing_id is None else next(decided, None)
    if airing is None:
        raise StepRefused("source.order_decided")
    if first not in (First.SOURCE, First.COMMUNE):
        raise StepRefused("source.choose_order")
    until, ends = bulletin.valid_until, airing.rival_ends
    if first == First.COMMUNE and until is not None and ends is not None and until <= ends:
        raise StepRefused("source.over_by_then", until=until, ends=ends)
    meetings.decide(session, bulletin, airing, First(first), who, at)


def _require(bulletin: Bulletin, *states: BulletinState) -> None:
    if bulletin.state not in states:
        raise StepRefused("source.not_in_state", state=message(f"panel.bulletin_state.{bulletin.state}"))


def _require_sound(bulletin: Bulletin) -> None:
    if bulletin.audio is None:
        raise StepRefused("source.sound_pending")


def _require_sounding(session: Session, bulletin: Bulletin, at: datetime.datetime) -> None:
    """Refuse a time at which all speakers must be silent, by the same rules as when it is broadcast."""
    wanted = sa.select(Speaker).where(Speaker.code.in_(bulletin.speaker_codes), Speaker.removed_at.is_(None))
    speakers = session.scalars(wanted).all()
    reason = speakers_may_sound(session, speakers, Priority(bulletin.priority), at).reason
    if not speakers or reason is None:
        return
    if reason is OccurrenceReason.ZONE_SILENCED:
        raise StepRefused("source.muted_then")
    rules = silence_rules(session, {speaker.id: speaker.unit_id for speaker in speakers})
    hours = {own for each in rules.hours.values() for own in each if own}
    raise StepRefused("source.quiet_then", hours=tuple(sorted(hours)))


def _require_valid(bulletin: Bulletin, at: datetime.datetime) -> None:
    if bulletin.valid_until is not None and bulletin.valid_until <= at:
        raise StepRefused("source.expired", at=bulletin.valid_until)
