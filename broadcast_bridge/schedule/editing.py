"""Editing of schedules: permission, validation, and an audit entry for each change.

`plan`, `change`, `remove` and `cancel_occurrence` are the only ways to change the schedule. The approval of a programme
is checked when it is played, since it may be approved or withdrawn meanwhile.
"""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from broadcast_bridge.broadcasts.states import AfterCut, Priority
from broadcast_bridge.models import Zone, official_zones
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.errors import (
    ChangedMeanwhile,
    NoSuchOccurrence,
    NoSuchPart,
    PlanningNotAllowed,
    ScheduleRefused,
)
from broadcast_bridge.schedule.materialise import forget_future, recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule, ScheduleItem
from broadcast_bridge.schedule.recurrence import Recurrence
from broadcast_bridge.schedule.states import (
    OCCURRENCE,
    Days,
    OccurrenceEvent,
    OccurrenceReason,
    OccurrenceState,
    What,
)
from broadcast_bridge.speakers.zones import speakers_in
from haichieu import audit
from haichieu.account_rights import Action, may, units_of
from haichieu.database import Base
from haichieu.locale import message
from haichieu.people import Account, Official, Right, Unit, units_under
from haichieu.state_machine import IllegalTransition
from haichieu.station import the_station

T = TypeVar("T", bound=Base)

LIVE_LEAD_SECONDS = 180
"""A live call begins this long before its start time, unless the draft says otherwise."""
MAX_LEAD_SECONDS = 1800
MAX_SECONDS = 6 * 3600.0
MAX_CATCH_UP_MINUTES = 7 * 24 * 60
MAX_PLAYLIST = 100

_RIGHTS = {
    Action.SCHEDULE: frozenset({Right.SCHEDULE, Right.LIVE}),
    Action.EMERGENCY: frozenset({Right.EMERGENCY}),
}
"""The rights in the schedule that an account gets from its actions."""


@dataclass(frozen=True)
class Planner:
    """The planning person: audit actor, rights, `units` with all below, and `zones` when limited to some."""

    actor: str
    rights: frozenset[Right]
    units: frozenset[int]
    zones: frozenset[int] | None = None


@dataclass(frozen=True)
class Draft:
    """The wanted content of a schedule; fields as in `models.Schedule`. An empty `timezone` means the station's.

    `programme_ids` is the playlist, in order.
    """

    title: str
    unit_id: int
    zone_ids: tuple[int, ...]
    what: What
    starts: datetime.datetime
    programme_id: int | None = None
    category: str = ""
    programme_ids: tuple[int, ...] = ()
    official_id: int | None = None
    second_official_id: int | None = None
    fallback_programme_id: int | None = None
    priority: Priority = Priority.NORMAL
    timezone: str = ""
    rrule: str = ""
    lunar: str = ""
    exdates: tuple[str, ...] = ()
    rdates: tuple[str, ...] = ()
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None
    days: Days = Days.ANY
    expected_seconds: float | None = None
    lead_seconds: int | None = None
    after_cut: AfterCut = AfterCut.RESUME
    catch_up_minutes: int = 0
    enabled: bool = True
    uid: str = ""


def official_as_planner(session: Session, official: Official) -> Planner:
    """Return an official as planner for their zones, with their rights."""
    zones = _zones_of(session, official)
    rights = frozenset(right for right in Right if official.may_do(right))
    return Planner(f"official:{official.code}", rights, frozenset(units_under(session, [official.unit_id])), zones)


def account_as_planner(session: Session, account: Account) -> Planner:
    """Return an account of the panel as planner for its unit and those below, with the rights of its role."""
    rights = frozenset(right for action, given in _RIGHTS.items() if may(account, action) for right in given)
    return Planner(f"account:{account.email}", rights, frozenset(units_of(session, account)))


def plan(session: Session, draft: Draft, planner: Planner, at: datetime.datetime) -> Schedule:
    """Add a schedule. Raises ScheduleRefused or PlanningNotAllowed, and then nothing has changed."""
    values, zones = _checked(session, draft, planner)
    schedule = Schedule(
        **values, zones=zones, items=_items(draft), uid=draft.uid or f"{uuid.uuid4()}@haichieu", author=planner.actor,
        created_at=at, updated_at=at, materialised_until=at,
    )  # fmt: skip
    session.add(schedule)
    session.flush()
    _trace(session, planner, "schedule.plan", schedule)
    return schedule


def change(
    session: Session, schedule_id: int, draft: Draft, planner: Planner, version: int, at: datetime.datetime
) -> Schedule:
    """Change a schedule to what the draft says, and make its future occurrences again.

    `version` is the one that the person saw: ChangedMeanwhile when it is outdated. Also raises ScheduleRefused and
    PlanningNotAllowed; the person needs permission for the old and the new content.
    """
    schedule = _for_change(session, schedule_id, planner)
    if schedule.version != version:
        raise _changed_meanwhile(draft.title)
    values, zones = _checked(session, draft, planner, schedule)
    for name, value in values.items():
        setattr(schedule, name, value)
    schedule.zones = zones
    if _numbers(items := _items(draft)) != _numbers(schedule.items):
        schedule.items = items
    schedule.updated_at = schedule.materialised_until = at
    try:
        session.flush()
    except StaleDataError as problem:
        raise _changed_meanwhile(draft.title) from problem
    forget_future(session, schedule.id, at)
    _trace(session, planner, "schedule.change", schedule)
    return schedule


def remove(session: Session, schedule_id: int, planner: Planner, at: datetime.datetime) -> None:
    """Remove a schedule with its future occurrences; past ones stay in the log."""
    schedule = _for_change(session, schedule_id, planner)
    schedule.removed_at = schedule.updated_at = at
    schedule.enabled = False
    schedule.uid = f"removed-{schedule.id}-{schedule.uid}"[:255]  # a calendar file may import the same UID again
    session.flush()
    forget_future(session, schedule.id, at)
    _trace(session, planner, "schedule.remove", schedule)


def cancel_occurrence(session: Session, occurrence_id: int, planner: Planner, at: datetime.datetime) -> Occurrence:
    """Cancel one occurrence. Raises NoSuchOccurrence when it does not exist, has begun or is over."""
    occurrence = session.get(Occurrence, occurrence_id, with_for_update=True, populate_existing=True)
    if occurrence is None or occurrence.broadcast_id is not None:
        raise _nothing_to_cancel(occurrence_id)
    _for_change(session, occurrence.schedule_id, planner)
    try:
        occurrence.state = OCCURRENCE.after(OccurrenceState(occurrence.state), OccurrenceEvent.CANCEL)
    except IllegalTransition:
        raise _nothing_to_cancel(occurrence_id) from None
    occurrence.reason, occurrence.settled_at = OccurrenceReason.BY_HAND, at
    audit.record(
        session, planner.actor, "occurrence.cancel", f"occurrence:{occurrence.id}",
        schedule=occurrence.schedule.title, due_at=occurrence.due_at.isoformat(),
    )  # fmt: skip
    return occurrence


def draft_of(schedule: Schedule) -> Draft:
    """Return a schedule as a draft, to be changed with `dataclasses.replace`."""
    same = {
        name: getattr(schedule, name)
        for name in Draft.__dataclass_fields__
        if name not in ("zone_ids", "programme_ids", "exdates", "rdates", "what", "priority", "days", "after_cut")
    }
    return Draft(
        **same, zone_ids=tuple(zone.id for zone in schedule.zones), programme_ids=tuple(_numbers(schedule.items)),
        exdates=tuple(schedule.exdates), rdates=tuple(schedule.rdates), what=What(schedule.what),
        priority=Priority(schedule.priority), days=Days(schedule.days), after_cut=AfterCut(schedule.after_cut),
    )  # fmt: skip


def _checked(
    session: Session, draft: Draft, planner: Planner, was: Schedule | None = None
) -> tuple[dict[str, object], list[Zone]]:
    """Validate a draft, which changes the schedule `was`, and return its columns and zones."""
    _require(planner, Right.SCHEDULE)
    if draft.priority is Priority.EMERGENCY:
        _require(planner, Right.EMERGENCY)
    _require_unit(planner, draft.unit_id)
    if _existing(session, Unit, draft.unit_id).retired_at is not None:
        raise NoSuchPart("schedule.no_such.units", which=draft.unit_id)
    if not draft.title.strip() or len(draft.title) > 200 or not draft.title.isprintable():
        raise ScheduleRefused("schedule.title")
    for name, value, most in (
        ("expected_seconds", draft.expected_seconds, MAX_SECONDS),
        ("lead_seconds", draft.lead_seconds, MAX_LEAD_SECONDS),
        ("catch_up_minutes", draft.catch_up_minutes, MAX_CATCH_UP_MINUTES),
    ):
        if value is not None and not 0 <= value <= most:
            raise ScheduleRefused(f"schedule.range.{name}", most=float(most))
    zones = _zones(session, draft, planner)
    what = _what(session, draft, planner, was)
    draft = replace(draft, timezone=draft.timezone or the_station(session).timezone)
    recurrence = Recurrence(
        draft.starts, draft.timezone, draft.rrule, draft.lunar, draft.exdates, draft.rdates, draft.valid_from,
        draft.valid_until,
    )  # fmt: skip
    recurrence.check()
    lead = draft.lead_seconds
    if lead is None:
        lead = LIVE_LEAD_SECONDS if draft.what is What.LIVE else 0
    values: dict[str, object] = {
        **what, "title": draft.title.strip(), "unit_id": draft.unit_id, "what": draft.what, "lead_seconds": lead,
        "exdates": list(draft.exdates), "rdates": list(draft.rdates),
        **{name: getattr(draft, name) for name in (
            "priority", "starts", "timezone", "rrule", "lunar", "valid_from", "valid_until", "days",
            "expected_seconds", "after_cut", "catch_up_minutes", "enabled",
        )},
    }  # fmt: skip
    return values, zones


def _what(session: Session, draft: Draft, planner: Planner, was: Schedule | None) -> dict[str, object]:
    """Return the columns of the content; those of other kinds are emptied.

    Programmes of other units may only stay: the user who put them there had the right.
    """
    what: dict[str, object] = {
        "category": "",
        **dict.fromkeys(("programme_id", "official_id", "second_official_id", "fallback_programme_id")),
    }
    match draft.what:
        case What.PROGRAMME:
            _programme(session, draft.programme_id, planner, was.programme_id if was else None)
            what["programme_id"] = draft.programme_id
        case What.PLAYLIST:
            if not 1 <= len(draft.programme_ids) <= MAX_PLAYLIST:
                raise ScheduleRefused("schedule.playlist", most=MAX_PLAYLIST)
            for one in set(draft.programme_ids).difference(_numbers(was.items) if was else ()):
                _programme(session, one, planner)
        case What.NEWEST:
            what["category"] = draft.category.strip()
            if not what["category"] or len(draft.category) > 80:
                raise ScheduleRefused("schedule.category")
        case What.LIVE:
            _require(planner, Right.LIVE)
            _official_who_may_speak(session, draft.official_id, draft.zone_ids)
            what["official_id"] = draft.official_id
            if draft.second_official_id is not None:
                _official_who_may_speak(session, draft.second_official_id, draft.zone_ids)
                what["second_official_id"] = draft.second_official_id
            if draft.fallback_programme_id is not None:
                kept = was.fallback_programme_id if was else None
                _programme(session, draft.fallback_programme_id, planner, kept)
                what["fallback_programme_id"] = draft.fallback_programme_id
    return what


def _official_who_may_speak(session: Session, official_id: int | None, zone_ids: tuple[int, ...]) -> None:
    official = _existing(session, Official, official_id)
    if not official.may_do(Right.LIVE) or not set(zone_ids) <= _zones_of(session, official):
        raise PlanningNotAllowed("schedule.official.may_not_speak", name=official.name)
    if not official.phones:
        raise ScheduleRefused("schedule.official.no_phone", name=official.name)


def _zones_of(session: Session, official: Official) -> frozenset[int]:
    return frozenset(
        session.scalars(sa.select(official_zones.c.zone_id).where(official_zones.c.official_id == official.id))
    )


def _zones(session: Session, draft: Draft, planner: Planner) -> list[Zone]:
    found = list(
        session.scalars(
            sa.select(Zone).where(Zone.id.in_(draft.zone_ids), Zone.removed_at.is_(None)).order_by(Zone.code)
        )
    )
    missing = sorted(set(draft.zone_ids) - {zone.id for zone in found})
    if missing:
        raise NoSuchPart("schedule.no_such.zones", which=tuple(missing))
    if not found:
        raise NoSuchPart("schedule.not_chosen.zones")
    for zone in found:
        if planner.zones is not None:
            allowed = zone.id in planner.zones
        else:
            allowed = {speaker.unit_id for speaker in speakers_in(session, [zone.id])} <= planner.units
        if not allowed:
            raise PlanningNotAllowed("schedule.zone_not_allowed", zone=zone.name)
    return found


def _existing(session: Session, model: type[T], key: int | None) -> T:
    if key is None:
        raise NoSuchPart(f"schedule.not_chosen.{model.__tablename__}")
    found = session.get(model, key)
    if found is None:
        raise NoSuchPart(f"schedule.no_such.{model.__tablename__}", which=key)
    return found


def _programme(session: Session, key: int | None, planner: Planner, kept: int | None = None) -> None:
    """Raise NoSuchPart unless it belongs to a unit of the planner; its title stays there."""
    found = _existing(session, Programme, key)
    if found.unit_id not in planner.units and key != kept:
        raise NoSuchPart("schedule.no_such.programmes", which=found.id)


def _numbers(items: Sequence[ScheduleItem]) -> list[int]:
    return [item.programme_id for item in items]


def _items(draft: Draft) -> list[ScheduleItem]:
    numbers = draft.programme_ids if draft.what is What.PLAYLIST else ()
    return [ScheduleItem(position=place, programme_id=one) for place, one in enumerate(numbers)]


def _for_change(session: Session, schedule_id: int, planner: Planner) -> Schedule:
    schedule = session.get(Schedule, schedule_id)
    if schedule is None or schedule.removed_at is not None:
        raise NoSuchPart("schedule.unknown", number=schedule_id)
    _require(planner, Right.SCHEDULE)
    if schedule.priority == Priority.EMERGENCY:
        _require(planner, Right.EMERGENCY)
    _require_unit(planner, schedule.unit_id)
    return schedule


def _require(planner: Planner, right: Right) -> None:
    if right not in planner.rights:
        raise PlanningNotAllowed("schedule.right_missing", right=message(f"panel.right.{right}"))


def _require_unit(planner: Planner, unit_id: int) -> None:
    if unit_id not in planner.units:
        raise PlanningNotAllowed("schedule.other_unit")


def _changed_meanwhile(title: str) -> ChangedMeanwhile:
    return ChangedMeanwhile("schedule.changed_meanwhile", title=title)


def _nothing_to_cancel(occurrence_id: int) -> NoSuchOccurrence:
    return NoSuchOccurrence("schedule.occurrence.nothing_to_cancel", number=occurrence_id)


def _trace(session: Session, planner: Planner, action: str, schedule: Schedule) -> None:
    recurrence = recurrence_of(schedule)
    audit.record(
        session, planner.actor, action, f"schedule:{schedule.id}", title=schedule.title, what=str(schedule.what),
        category=schedule.category, playlist=", ".join(str(number) for number in _numbers(schedule.items)),
        starts=recurrence.starts.isoformat(), rrule=recurrence.rrule, lunar=recurrence.lunar,
        priority=str(schedule.priority), zones=", ".join(zone.code for zone in schedule.zones),
        enabled=schedule.enabled,
    )  # fmt: skip
