"""Register of publication duties: entries are added, changed and cancelled here, each with an audit entry."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from broadcast_bridge.duties.duty_rules import duty_rules
from broadcast_bridge.duties.duty_runs import Places, local_time, places_of
from broadcast_bridge.duties.errors import DutyRefused, NoSuchDuty
from broadcast_bridge.duties.models import Duty, DutyVillage
from broadcast_bridge.duties.states import ACTIVE, DutyState
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule import editing
from broadcast_bridge.schedule.editing import Planner
from broadcast_bridge.schedule.errors import PlanningNotAllowed
from broadcast_bridge.schedule.materialise import recurrence_of
from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over
from haichieu.locale import message
from haichieu.people import Right
from haichieu.station import the_station
from haichieu.unit_names import unit_names

LONGEST_AHEAD = datetime.timedelta(days=366)
"""How far a decision may lie in the future, or in the past."""
LONGEST_REPEATS = datetime.timedelta(days=14)
"""The longest time for which a warning is repeated; a longer order is another entry."""


@dataclass(frozen=True)
class DutyDraft:
    """The wanted content of an entry; fields as in `models.Duty`."""

    title: str
    rule: str
    unit_id: int
    zone_ids: Collection[int]
    decided_on: datetime.date | None
    run_time: datetime.time | None
    decision: str = ""
    event_on: datetime.date | None = None
    programme_id: int | None = None


def find_duty(session: Session, number: int) -> Duty:
    """Return the duty with this id. Raises NoSuchDuty."""
    duty = session.get(Duty, number) if 0 < number < 2**31 else None
    if duty is None:
        raise NoSuchDuty("duty.unknown", number=number)
    return duty


def duties_between(
    session: Session, unit_ids: Collection[int], first: datetime.date, last: datetime.date
) -> Sequence[Duty]:
    """Return the duties of some units that were decided or due in a period of local days, the newest first.

    Those of before that are still to be done are among them.
    """
    is_due = (Duty.deadline >= first) | Duty.state.in_([str(state) for state in ACTIVE])
    return session.scalars(
        sa.select(Duty)
        .where(Duty.unit_id.in_(unit_ids), Duty.decided_on <= last, is_due)
        .order_by(Duty.decided_on.desc(), Duty.id.desc())
        .options(
            selectinload(Duty.villages), selectinload(Duty.zones), joinedload(Duty.unit), joinedload(Duty.programme)
        )
    ).all()


def add_duty(session: Session, draft: DutyDraft, planner: Planner, at: datetime.datetime) -> Duty:
    """Add an entry. Raises DutyRefused or PlanningNotAllowed, and then nothing has changed."""
    zones, places = _checked(session, draft, planner, at)
    assert draft.decided_on is not None and draft.run_time is not None  # noqa: PT018, S101 (_checked has seen to it)
    rule = duty_rules()[draft.rule]
    event_on = draft.event_on if rule.needs_event else None
    duty = Duty(
        title=draft.title.strip(), rule=draft.rule, unit_id=draft.unit_id, decision=draft.decision.strip(),
        decided_on=draft.decided_on, event_on=event_on, deadline=rule.deadline(draft.decided_on, event_on),
        run_time=f"{draft.run_time:%H:%M}", programme_id=draft.programme_id, zones=zones, author=planner.actor,
        created_at=at,
    )  # fmt: skip
    names = unit_names(session)
    duty.villages = [DutyVillage(unit_id=one, name=str(names[one])) for one in sorted(places.speakers)]
    session.add(duty)
    session.flush()
    _trace(session, planner.actor, "duty.add", duty)
    return duty


def change_duty(session: Session, duty: Duty, draft: DutyDraft, planner: Planner, at: datetime.datetime) -> None:
    """Change an entry that is not settled; its rule and zones stay. Runs to come are removed if they would be wrong.

    Raises DutyRefused or PlanningNotAllowed.
    """
    _require_active(duty)
    _checked(session, draft, planner, at)
    assert draft.decided_on is not None and draft.run_time is not None  # noqa: PT018, S101 (_checked has seen to it)
    before = (duty.programme_id, duty.run_time, duty.decided_on, duty.event_on)
    if duty.programme_id not in (None, draft.programme_id):
        duty.earlier_programmes = [*duty.earlier_programmes, str(duty.programme_id)]
    duty.title, duty.decision = draft.title.strip(), draft.decision.strip()
    duty.programme_id, duty.run_time = draft.programme_id, f"{draft.run_time:%H:%M}"
    duty.decided_on = draft.decided_on
    duty.event_on = draft.event_on if duty.law.needs_event else None
    duty.deadline = duty.law.deadline(duty.decided_on, duty.event_on)
    duty.noticed, duty.overdue_alarm = "", False
    if before != (duty.programme_id, duty.run_time, duty.decided_on, duty.event_on):
        _remove_runs(session, duty, planner, at)
    session.flush()
    _trace(session, planner.actor, "duty.change", duty)


def cancel_duty(session: Session, duty: Duty, reason: str, planner: Planner, at: datetime.datetime) -> None:
    """Cancel an entry with a reason, and remove its runs to come. Raises DutyRefused."""
    _require_active(duty)
    if not reason.strip() or len(reason) > 300 or not reason.isprintable():
        raise DutyRefused("duty.wrong.reason", "reason")
    _remove_runs(session, duty, planner, at)
    duty.state, duty.cancelled_because, duty.settled_at = DutyState.CANCELLED, reason.strip(), at
    forget_alarms(session, duty)
    audit.record(session, planner.actor, "duty.cancel", f"duty:{duty.id}", title=duty.title, reason=reason.strip())


def forget_alarms(session: Session, duty: Duty) -> None:
    """Clear the alarms of a duty."""
    for kind in (AlarmKind.DUTY_AT_RISK, AlarmKind.DUTY_OVERDUE):
        alarm_is_over(session, kind, f"duty:{duty.id}")


def _require_active(duty: Duty) -> None:
    if duty.state not in ACTIVE:
        raise DutyRefused("duty.settled")


def _remove_runs(session: Session, duty: Duty, planner: Planner, at: datetime.datetime) -> None:
    """Remove its schedules that have a run to come; the log keeps the runs that took place."""
    for one in duty.schedules:
        if one.removed_at is None and recurrence_of(one).between(at, at + LONGEST_AHEAD):
            editing.remove(session, one.id, planner, at)


def _checked(session: Session, draft: DutyDraft, planner: Planner, at: datetime.datetime) -> tuple[list[Zone], Places]:
    """Validate a draft and return its zones."""
    if Right.SCHEDULE not in planner.rights:
        raise PlanningNotAllowed("schedule.right_missing", right=message("panel.right.schedule"))
    if draft.unit_id not in planner.units:
        raise DutyRefused("duty.wrong.unit", "unit")
    for name, text, least in (("title", draft.title, 1), ("decision", draft.decision, 0)):
        if not least <= len(text.strip()) <= 200 or not text.isprintable():
            raise DutyRefused(f"duty.wrong.{name}", name)
    rule = duty_rules().get(draft.rule)
    if rule is None:
        raise DutyRefused("duty.wrong.rule", "rule")
    today = local_time(session, at).date()
    if draft.decided_on is None or abs(draft.decided_on - today) > LONGEST_AHEAD:
        raise DutyRefused("duty.wrong.decided_on", "decided_on")
    if rule.needs_event:
        first = max(draft.decided_on, today)
        if draft.event_on is None or not first <= draft.event_on <= draft.decided_on + LONGEST_AHEAD:
            raise DutyRefused("duty.wrong.event_on", "event_on")
        if rule.every_hours and draft.event_on > draft.decided_on + LONGEST_REPEATS:
            raise DutyRefused("duty.wrong.repeats", "event_on", days=LONGEST_REPEATS.days)
    if draft.run_time is None:
        raise DutyRefused("duty.wrong.run_time", "run_time")
    if draft.programme_id is not None:
        programme = session.get(Programme, draft.programme_id)
        if programme is None or programme.unit_id not in planner.units:
            raise DutyRefused("duty.wrong.programme", "programme")
    return _zones(session, draft, planner)


def _zones(session: Session, draft: DutyDraft, planner: Planner) -> tuple[list[Zone], Places]:
    zones = list(
        session.scalars(
            sa.select(Zone).where(Zone.id.in_(draft.zone_ids), Zone.removed_at.is_(None)).order_by(Zone.code)
        )
    )
    places = places_of(session, zones)
    if not places.speakers or not set(places.speakers) <= planner.units or len(zones) != len(set(draft.zone_ids)):
        raise DutyRefused("duty.wrong.zones", "zone")
    if draft.run_time is not None and not duty_rules()[draft.rule].every_hours:
        timezone = the_station(session).timezone
        quiet = datetime.datetime.combine(datetime.date(2999, 1, 1), draft.run_time, ZoneInfo(timezone))
        if all(places.is_muted(unit_id, quiet) for unit_id in places.speakers):
            raise DutyRefused("duty.wrong.quiet", "run_time")
    return zones, places


def _trace(session: Session, actor: str, action: str, duty: Duty) -> None:
    audit.record(
        session, actor, action, f"duty:{duty.id}", title=duty.title, rule=duty.rule, decision=duty.decision,
        decided_on=duty.decided_on.isoformat(), event_on=duty.event_on.isoformat() if duty.event_on else "",
        deadline=duty.deadline.isoformat(), programme=duty.programme_id or 0, run_time=duty.run_time,
        zones=", ".join(zone.code for zone in duty.zones),
    )  # fmt: skip
