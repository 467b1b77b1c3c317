"""Claims of due occurrences, each by one process only, and their results.

A process claims what is due, makes a broadcast of it and attaches it, in that order. A claim without a broadcast can be
taken by another process when its lease has expired (its process died). An occurrence that nobody claimed in time is
missed, with an alarm that says why.
"""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, contains_eager, selectinload

from broadcast_bridge.broadcasts.states import BroadcastState, Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.schedule.errors import ClaimLost, NoSuchOccurrence
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.recurrence import zone_named
from broadcast_bridge.schedule.states import (
    OCCURRENCE,
    OccurrenceEvent,
    OccurrenceReason,
    OccurrenceState,
    reason_message,
)
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import message

log = structlog.get_logger()

GRACE = datetime.timedelta(seconds=120)
"""An occurrence that is found at most this late is still played."""
NO_TIME = datetime.timedelta()

_FAILED_FOR = {BroadcastState.PRE_EMPTED: OccurrenceReason.PRE_EMPTED}


def claim_due(
    session: Session,
    who: str,
    at: datetime.datetime,
    lease: datetime.timedelta,
    *,
    ahead: datetime.timedelta = NO_TIME,
    grace: datetime.timedelta = GRACE,
    limit: int = 100,
) -> list[Occurrence]:
    """Claim what must be prepared by `at` + `ahead` for `lease`, higher priorities first and then in order of time.

    `who` identifies one run of one process. Every occurrence is returned to one caller only. First closes occurrences
    more than `grace` late as missed, with an alarm, and those that their schedule no longer has as cancelled.
    """
    give_up_late(session, at, grace)
    found = session.scalars(
        sa.select(Occurrence)
        .join(Occurrence.schedule)
        .options(contains_eager(Occurrence.schedule).selectinload(Schedule.zones))
        .where(_free(at, at + ahead))
        .order_by(_rank().desc(), Occurrence.due_at, Occurrence.schedule_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Occurrence)
        .execution_options(populate_existing=True)
    ).all()
    claimed: list[Occurrence] = []
    for occurrence in found:
        if not still_belongs(occurrence):
            _happen(occurrence, OccurrenceEvent.CANCEL, at, OccurrenceReason.SCHEDULE_REMOVED)
            continue
        _happen(occurrence, OccurrenceEvent.CLAIM, at)
        occurrence.claimed_by = who
        occurrence.lease_until = at + lease
        claimed.append(occurrence)
    session.flush()
    return claimed


def still_belongs(occurrence: Occurrence) -> bool:
    """Return whether its schedule still has this occurrence: it may have changed since the row was made.

    A schedule whose recurrence cannot be computed keeps the occurrences that it has.
    """
    schedule = occurrence.schedule
    if not schedule.enabled or schedule.removed_at is not None:
        return False
    due = occurrence.due_at
    try:
        return bool(recurrence_of(schedule).between(due, due + datetime.timedelta(seconds=1)))
    except Exception:
        log.exception("schedule.faulty", schedule=schedule.id)
        return True


def give_up_late(session: Session, at: datetime.datetime, grace: datetime.timedelta = GRACE) -> int:
    """Close unclaimed occurrences later than `grace` as missed, with one alarm per schedule; return how many."""
    late = session.scalars(
        sa.select(Occurrence)
        .join(Occurrence.schedule)
        .options(contains_eager(Occurrence.schedule))
        .where(_free(at, at - grace), Occurrence.due_at < at - grace)
        .order_by(Occurrence.schedule_id, Occurrence.due_at)
        .with_for_update(skip_locked=True, of=Occurrence)
        .execution_options(populate_existing=True)
    ).all()
    missed: dict[int, list[Occurrence]] = {}
    for occurrence in late:
        if not still_belongs(occurrence):
            _happen(occurrence, OccurrenceEvent.CANCEL, at, OccurrenceReason.SCHEDULE_REMOVED)
            continue
        died = occurrence.state == OccurrenceState.CLAIMED
        _happen(
            occurrence,
            OccurrenceEvent.MISS,
            at,
            OccurrenceReason.PROCESS_DIED if died else OccurrenceReason.STATION_DOWN,
        )
        missed.setdefault(occurrence.schedule_id, []).append(occurrence)
    for occurrences in missed.values():
        _raise_missed(session, occurrences)
    return len(late)


def extend_claim(
    session: Session, occurrence_id: int, who: str, at: datetime.datetime, lease: datetime.timedelta
) -> None:
    """Extend a claim to `lease` from now. Raises ClaimLost when another process has it."""
    _update_own(session, occurrence_id, who, lease_until=at + lease)


def attach_broadcast(session: Session, occurrence_id: int, who: str, broadcast_id: int) -> None:
    """Attach the broadcast to a claimed occurrence, in the transaction that makes it.

    Raises ClaimLost when another process has the occurrence, or it has a broadcast; the caller then rolls back.
    """
    _update_own(session, occurrence_id, who, broadcast_id=broadcast_id)


def release(session: Session, occurrence_id: int, who: str, at: datetime.datetime) -> None:
    """Return an unused claim, so that another process may take it at once. Raises ClaimLost when it is not ours."""
    occurrence = _locked(session, occurrence_id)
    if occurrence.claimed_by != who or occurrence.broadcast_id is not None:
        raise _lost(occurrence_id)
    _happen(occurrence, OccurrenceEvent.RELEASE, at)
    occurrence.claimed_by = occurrence.lease_until = None


def mark_aired(session: Session, occurrence_id: int, at: datetime.datetime) -> None:
    """Close it as broadcast. Raises IllegalTransition when it was not claimed."""
    _happen(_locked(session, occurrence_id), OccurrenceEvent.AIR, at)


def mark_missed(session: Session, occurrence_id: int, why: OccurrenceReason, at: datetime.datetime) -> None:
    """Close it as missed with the reason, and raise an alarm."""
    occurrence = _locked(session, occurrence_id)
    _happen(occurrence, OccurrenceEvent.MISS, at, why)
    _raise_missed(session, [occurrence])


def skip(session: Session, occurrence_id: int, why: OccurrenceReason, at: datetime.datetime) -> None:
    """Close it as skipped on purpose (quiet hours, a muted zone) with the reason, without an alarm."""
    _happen(_locked(session, occurrence_id), OccurrenceEvent.SKIP, at, why)


def cancel_removed(session: Session, occurrence_id: int, at: datetime.datetime) -> None:
    """Close a claimed occurrence that its schedule no longer has."""
    _happen(_locked(session, occurrence_id), OccurrenceEvent.CANCEL, at, OccurrenceReason.SCHEDULE_REMOVED)


def settle(session: Session, at: datetime.datetime) -> int:
    """Close the claimed occurrences whose broadcast is over, by its result; return how many.

    This covers occurrences whose process died while playing them.
    """
    occurrences = session.scalars(
        _over()
        .options(selectinload(Occurrence.schedule))
        .with_for_update(skip_locked=True, of=Occurrence)
        .execution_options(populate_existing=True)
    ).all()
    for occurrence in occurrences:
        broadcast = session.get_one(Broadcast, occurrence.broadcast_id)
        if broadcast.on_air_at is not None:
            _happen(occurrence, OccurrenceEvent.AIR, at)
        elif broadcast.state == BroadcastState.CANCELLED:
            _happen(occurrence, OccurrenceEvent.CANCEL, at, OccurrenceReason.BY_HAND)
        else:
            why = _FAILED_FOR.get(BroadcastState(broadcast.state), OccurrenceReason.BROADCAST_FAILED)
            _happen(occurrence, OccurrenceEvent.MISS, at, why)
            _raise_missed(session, [occurrence])
    return len(occurrences)


def is_something_over(session: Session) -> bool:
    """Return whether `settle` has something to do."""
    return session.scalar(_over().with_only_columns(Occurrence.id).limit(1)) is not None


def next_due(session: Session) -> datetime.datetime | None:
    """Return when `claim_due` next has something to do, possibly in the past; None when nothing is planned."""
    planned = session.scalar(
        sa.select(sa.func.min(Occurrence.prepare_at)).where(Occurrence.state == OccurrenceState.PLANNED)
    )
    orphaned = session.scalar(
        sa.select(sa.func.min(Occurrence.lease_until)).where(
            Occurrence.state == OccurrenceState.CLAIMED, Occurrence.broadcast_id.is_(None)
        )
    )
    return min((moment for moment in (planned, orphaned) if moment is not None), default=None)


def _over() -> sa.Select[Occurrence]:
    return (
        sa.select(Occurrence)
        .join(Broadcast, Occurrence.broadcast_id == Broadcast.id)
        .where(Occurrence.state == OccurrenceState.CLAIMED, Broadcast.ended_at.is_not(None))
    )


def _free(at: datetime.datetime, prepare_by: datetime.datetime) -> sa.ColumnElement[bool]:
    """Match unclaimed occurrences: planned ones, and those whose process died before it made a broadcast."""
    # Both databases use the index on (state, prepare_at) for this form, without reading years of history.
    return (
        Occurrence.state.in_([OccurrenceState.PLANNED, OccurrenceState.CLAIMED])
        & (Occurrence.prepare_at <= prepare_by)
        & (
            (Occurrence.state == OccurrenceState.PLANNED)
            | (Occurrence.broadcast_id.is_(None) & (Occurrence.lease_until <= at))
        )
    )


def _rank() -> sa.ColumnElement[int]:
    return sa.case({str(priority): rank for rank, priority in enumerate(Priority)}, value=Schedule.priority)


def _locked(session: Session, occurrence_id: int) -> Occurrence:
    occurrence = session.get(Occurrence, occurrence_id, with_for_update=True, populate_existing=True)
    if occurrence is None:
        raise NoSuchOccurrence("schedule.occurrence.unknown", number=occurrence_id)
    return occurrence


def _update_own(session: Session, occurrence_id: int, who: str, **values: object) -> None:
    done = session.execute(
        sa.update(Occurrence)
        .where(
            Occurrence.id == occurrence_id,
            Occurrence.state == OccurrenceState.CLAIMED,
            Occurrence.claimed_by == who,
            Occurrence.broadcast_id.is_(None),
        )
        .values(**values)
    )
    if not isinstance(done, sa.CursorResult) or done.rowcount != 1:
        raise _lost(occurrence_id)


def _lost(occurrence_id: int) -> ClaimLost:
    return ClaimLost("schedule.occurrence.claim_lost", number=occurrence_id)


def _happen(
    occurrence: Occurrence, event: OccurrenceEvent, at: datetime.datetime, why: OccurrenceReason | None = None
) -> None:
    occurrence.state = OCCURRENCE.after(OccurrenceState(occurrence.state), event)
    occurrence.reason = why
    if occurrence.state in OCCURRENCE.final_states:
        occurrence.settled_at = at


def _raise_missed(session: Session, occurrences: Sequence[Occurrence]) -> None:
    """Open one alarm for the missed occurrences of one schedule."""
    last = occurrences[-1]
    schedule = last.schedule
    local = last.due_at.astimezone(zone_named(schedule.timezone)).replace(tzinfo=None)
    reason = reason_message(last.reason or OccurrenceReason.STATION_DOWN)
    text = message("schedule.missed", title=schedule.title, at=local, reason=reason)
    if len(occurrences) > 1:
        text = message("schedule.missed_and_earlier", missed=text, count=len(occurrences) - 1)
    raise_alarm(session, AlarmKind.SCHEDULE_MISSED, f"schedule:{schedule.id}", text)
