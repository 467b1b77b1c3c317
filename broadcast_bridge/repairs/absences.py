"""Absent speakers: supervision opens a repair for one that is away too long, and closes it when the speaker returns."""

import asyncio
import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.models import Reachability, Speaker
from broadcast_bridge.repairs import repair_steps
from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.reporting import Reported, report
from broadcast_bridge.repairs.states import Fault, Origin, Outcome, RepairState
from broadcast_bridge.speakers.reachability import ASTERISK_DOWN
from haichieu import heartbeats
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.locale import message

log = structlog.get_logger()

LOOK_SECONDS = 60.0
WHO = "supervision"


def look(session: Session, limit: datetime.timedelta, at: datetime.datetime) -> tuple[int, int]:
    """Open and close the repairs of absent speakers; return how many of each.

    Nothing changes while no switchboard is alive: the rows say nothing about the speakers then.
    """
    if not heartbeats.is_anything_alive(session, at, "switchboard"):
        return 0, 0
    closed = _close_settled(session, at)
    opened = 0
    for speaker, since in _absent(session, limit, at):
        report(session, speaker.id, Reported(Fault.AWAY, Origin.SUPERVISION, since=since), at)
        text = message("repair.alarm_away", speaker=speaker.name, since=since)
        raise_alarm(session, AlarmKind.SPEAKER_AWAY, f"speaker:{speaker.code}", text)
        opened += 1
    return opened, closed


async def watch_absences(database: Database, limit: datetime.timedelta) -> None:
    """Look once a minute until cancelled."""
    while True:
        try:
            opened, closed = await database.run(lambda session: look(session, limit, now()))
        except sa.exc.DBAPIError as problem:
            log.warning("repairs.database_away", problem=shown(problem))
        else:
            if opened or closed:
                log.info("repairs.supervision", opened=opened, closed=closed)
        await asyncio.sleep(LOOK_SECONDS)


def _absent(
    session: Session, limit: datetime.timedelta, at: datetime.datetime
) -> list[tuple[Speaker, datetime.datetime]]:
    """Return the speakers without an open repair that are away too long, each with the start of its absence.

    A repair that was closed during the absence gives the speaker the whole limit again.
    """
    has_open = sa.exists().where(Repair.speaker_id == Speaker.id, Repair.state == RepairState.OPEN)
    closed_since = sa.exists().where(Repair.speaker_id == Speaker.id, Repair.closed_at > at - limit)
    rows = session.execute(
        sa.select(Speaker, Reachability.why)
        .join(Reachability, sa.and_(Reachability.speaker_id == Speaker.id, Reachability.until.is_(None)))
        .where(
            Speaker.removed_at.is_(None),
            Speaker.multicast == "",
            ~Speaker.reachable,
            Speaker.reachable_since < at - limit,
            ~has_open,
            ~closed_since,
        )
        .order_by(Speaker.id)
    ).all()
    found = []
    for speaker, why in rows:
        since = speaker.reachable_since
        if since is not None and why == ASTERISK_DOWN:
            since = _asterisk_was_back(session, since)
        if since is not None and since < at - limit:
            found.append((speaker, since))
    return found


def _asterisk_was_back(session: Session, since: datetime.datetime) -> datetime.datetime | None:
    """Return when any speaker was reachable again: until then the station was away, and not its speakers."""
    return session.scalar(
        sa.select(sa.func.min(Reachability.since, type_=Reachability.since.type)).where(
            Reachability.reachable, Reachability.since >= since
        )
    )


def _close_settled(session: Session, at: datetime.datetime) -> int:
    """Close the repairs of retired speakers, and those of returned ones that nobody has touched."""
    query = (
        sa.select(Repair)
        .join(Speaker)
        .where(
            Repair.state == RepairState.OPEN,
            sa.or_(Speaker.removed_at.is_not(None), sa.and_(Speaker.reachable, Repair.fault == Fault.AWAY)),
        )
        .options(selectinload(Repair.reports))
        .with_for_update(of=Repair, skip_locked=True)
    )
    closed = 0
    for repair in session.scalars(query).all():
        speaker = session.get_one(Speaker, repair.speaker_id)
        retired = speaker.removed_at is not None
        alarm_is_over(session, AlarmKind.SPEAKER_AWAY, f"speaker:{speaker.code}")
        if retired or repair.is_untouched:
            outcome = Outcome.RETIRED if retired else Outcome.RETURNED
            repair_steps.close(session, repair, outcome, WHO, at)
            closed += 1
    return closed
