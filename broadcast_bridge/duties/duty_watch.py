"""Supervision of duties: reads their proof, notices runs that were not heard, plans further ones, raises alarms.

A further run is planned without asking only in a duty whose runs a user has confirmed, and only while it can still be
met in time. Today's runs are repeated today only if tomorrow would be too late; a speaker that returns today hears them
anyway (catch-up).
"""

import asyncio
import datetime
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.duties.duty_progress import DAY, progress
from broadcast_bridge.duties.duty_proof import DutyProof, proof_of
from broadcast_bridge.duties.duty_register import forget_alarms
from broadcast_bridge.duties.duty_rules import after_working_days
from broadcast_bridge.duties.duty_runs import Places, Proposal, local_time, places_of, plan_runs, proposal, terms_of
from broadcast_bridge.duties.models import Duty, DutyVillage
from broadcast_bridge.duties.states import ACTIVE, DutyState, state_of_all
from broadcast_bridge.models import Speaker
from broadcast_bridge.schedule.editing import Planner
from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError, shown
from haichieu.locale import Message, message
from haichieu.people import Right, units_under
from haichieu.set_aside import or_set_aside
from haichieu.unit_names import unit_names

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 120.0
ACTOR = "duties"
"""The actor of repairs in the audit trail."""
_REPAIRED = "repaired"


def look_after_all(session: Session, at: datetime.datetime) -> int:
    """Look after every active duty; one that fails delays no other. Return their number."""
    numbers = session.scalars(sa.select(Duty.id).where(Duty.state.in_([str(state) for state in ACTIVE]))).all()
    for number in numbers:
        or_set_aside(session, f"duty:{number}", partial(_look_after, session, number, at))
    return len(numbers)


async def watch_duties(database: Database) -> None:
    """Look after the duties until cancelled."""
    while True:
        try:
            await database.run(lambda session: look_after_all(session, now()))
        except sa.exc.DBAPIError as problem:
            log.warning("duties.database_away", problem=shown(problem))
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def look_after(session: Session, duty: Duty, at: datetime.datetime) -> None:
    """Bring the state of a duty up to date, and repair what was not heard."""
    places = places_of(session, duty.zones)
    proof = proof_of(session, duty)
    _match_villages(session, duty, places)
    _judge(session, duty, proof, at)
    if duty.state not in ACTIVE:
        duty.settled_at, duty.noticed = at, ""
        forget_alarms(session, duty)
        audit.record(session, ACTOR, "duty.settle", f"duty:{duty.id}", title=duty.title, state=duty.state)
        return
    wanted = proposal(session, duty, proof, at, places)
    if wanted is not None:
        _repair(session, duty, wanted, at)
    else:
        _nothing_is_missing(session, duty, at)
    if duty.state == DutyState.OVERDUE:
        _notice_overdue(session, duty)
    else:
        duty.overdue_alarm = False
        alarm_is_over(session, AlarmKind.DUTY_OVERDUE, f"duty:{duty.id}")


def _look_after(session: Session, number: int, at: datetime.datetime) -> None:
    duty = session.get_one(
        Duty, number, with_for_update={"of": Duty}, populate_existing=True,
        options=[selectinload(Duty.villages), selectinload(Duty.zones), selectinload(Duty.schedules)],
    )  # fmt: skip
    if duty.state in ACTIVE:
        look_after(session, duty, at)


def _match_villages(session: Session, duty: Duty, places: Places) -> None:
    """Make the villages match the units: a merged one leaves, with its speakers, and one with new speakers comes.

    A village whose speakers were all removed stays: the duty applies to it, but it must be announced by other means.
    """
    names = unit_names(session)
    with_speakers = set(
        session.scalars(sa.select(Speaker.unit_id).where(Speaker.unit_id.in_([one.unit_id for one in duty.villages])))
    )
    seen: set[int] = set()
    for village in list(duty.villages):
        if village.unit_id in seen or village.unit_id not in with_speakers or village.unit_id not in names:
            duty.villages.remove(village)
            continue
        seen.add(village.unit_id)
        village.name = str(names[village.unit_id])
    for unit_id in sorted(set(places.speakers) - seen):
        duty.villages.append(DutyVillage(unit_id=unit_id, name=str(names[unit_id])))
    session.flush()


def _judge(session: Session, duty: Duty, proof: DutyProof, at: datetime.datetime) -> None:
    terms, here = terms_of(session, duty), local_time(session, at)
    for village in duty.villages:
        found = progress(terms, [run.at for run in proof.heard.get(village.unit_id, ())], here)
        if (village.state, village.heard, village.met_on) != (found.state, list(found.heard), found.met_on):
            village.state, village.heard, village.met_on = found.state, list(found.heard), found.met_on
    state = state_of_all([DutyState(village.state) for village in duty.villages])
    if duty.state != state:
        duty.state = state


def _repair(session: Session, duty: Duty, wanted: Proposal, at: datetime.datetime) -> None:
    """Plan the runs that are missing if a user has confirmed some before, and raise the alarm, once per problem."""
    here = local_time(session, at)
    confirmed = any(schedule.removed_at is None for schedule in duty.schedules)
    villages = tuple(one.name for one in duty.villages if one.unit_id in wanted.units)
    if not confirmed:
        last_call = after_working_days(here.date(), 1)
        if duty.law.every_hours or duty.deadline <= last_call:
            text = message("duty.alarm.unplanned", **_about(duty))
            if every := duty.law.every_hours:
                text = message("duty.alarm.repeat_unplanned", count=every, **_about(duty))
            _notice(session, duty, f"unplanned:{duty.deadline}", text)
        return
    if wanted.obstacle is not None:
        text = message("duty.alarm.obstacle", because=wanted.obstacle, **_about(duty))
        _notice(session, duty, f"obstacle:{wanted.obstacle.key}:{here.date()}"[:80], text)
        return
    first = wanted.runs[0]
    is_second = first.date() == here.date() and first.time() != duty.wall_time
    may_wait = is_second and not duty.law.every_hours and here.date() + DAY <= duty.deadline
    if may_wait or not wanted.in_time:
        text = message("duty.alarm.broken", villages=villages, **_about(duty))
        _notice(session, duty, f"broken:{here.date()}", text)
        return
    planner = Planner(
        ACTOR, frozenset({Right.SCHEDULE, Right.EMERGENCY}), frozenset(units_under(session, [duty.unit_id]))
    )
    try:
        with session.begin_nested():
            plan_runs(session, duty, wanted, planner, at)
    except HaiChieuError as refusal:
        text = message("duty.alarm.obstacle", because=refusal.message, **_about(duty))
        _notice(session, duty, f"refused:{here.date()}", text)
        return
    if duty.law.every_hours:
        text = message("duty.alarm.repeat_planned", title=duty.title, villages=villages, at=first)
    else:
        text = message("duty.alarm.repaired", villages=villages, at=first, **_about(duty))
    _notice(session, duty, f"{_REPAIRED}:{first.isoformat(timespec='minutes')}", text)


def _nothing_is_missing(session: Session, duty: Duty, at: datetime.datetime) -> None:
    """Clear the alarm about a problem that is gone; the news of further runs stays until the first of them."""
    kind, _, what = duty.noticed.partition(":")
    if not kind or (kind == _REPAIRED and datetime.datetime.fromisoformat(what) > local_time(session, at)):
        return
    duty.noticed = ""
    alarm_is_over(session, AlarmKind.DUTY_AT_RISK, f"duty:{duty.id}")


def _notice(session: Session, duty: Duty, what: str, text: Message) -> None:
    """Raise the alarm about a problem, unless it was raised before, even if a user has acknowledged it."""
    if duty.noticed == what:
        return
    duty.noticed = what
    alarm_is_over(session, AlarmKind.DUTY_AT_RISK, f"duty:{duty.id}")
    raise_alarm(session, AlarmKind.DUTY_AT_RISK, f"duty:{duty.id}", text)


def _notice_overdue(session: Session, duty: Duty) -> None:
    if duty.overdue_alarm:
        return
    duty.overdue_alarm = True
    villages = tuple(one.name for one in duty.villages if one.state == DutyState.OVERDUE)
    if every := duty.law.every_hours:
        text = message("duty.alarm.repeat_missed", title=duty.title, count=every, villages=villages)
    else:
        text = message("duty.alarm.overdue", villages=villages, **_about(duty))
    raise_alarm(session, AlarmKind.DUTY_OVERDUE, f"duty:{duty.id}", text)


def _about(duty: Duty) -> dict[str, str | datetime.date]:
    return {"title": duty.title, "deadline": duty.deadline}
