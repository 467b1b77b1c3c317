"""Import of an iCalendar file: all of it or nothing; the same file twice changes nothing.

Events become drafts for `editing`, and so need the rights of the importing user. Components without a meaning for a
schedule are skipped and counted in the report.
"""

import contextlib
import datetime
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import icalendar
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.calendar_components import Component, Components, take_apart
from broadcast_bridge.schedule.calendar_export import OURS, Ours
from broadcast_bridge.schedule.calendar_zones import TimeZones
from broadcast_bridge.schedule.editing import Draft, Planner, change, draft_of, plan
from broadcast_bridge.schedule.errors import CalendarRefused, NoSuchPart
from broadcast_bridge.schedule.models import Playlist, Schedule
from broadcast_bridge.schedule.recurrence import Recurrence, as_utc, zone_named
from broadcast_bridge.schedule.states import What
from haichieu.database import Base
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.people import Official, Unit
from haichieu.station import the_station

T = TypeVar("T", bound=Base)

MOST_MISTAKES = 20


@dataclass(frozen=True)
class Defaults:
    """Values for events of other calendars, which know nothing of zones and programmes."""

    unit_id: int
    zone_ids: tuple[int, ...] = ()
    programme_id: int | None = None
    units: frozenset[int] = frozenset()
    """Units whose programmes and playlists a title can mean; the importing person's."""


@dataclass
class Imported:
    """The UIDs that an import planned, changed or left unchanged, and the components that it ignored."""

    planned: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Event:
    line: int
    uid: str
    content: icalendar.Event


def import_calendar(
    session: Session, data: bytes, planner: Planner, defaults: Defaults, at: datetime.datetime
) -> Imported:
    """Import every event of an .ics file, known ones by their UID.

    Raises CalendarRefused with one line per mistake, naming line and UID; then nothing has changed.
    """
    components, defaults = take_apart(data), replace(defaults, units=planner.units)
    report = Imported(ignored=components.ignored)
    mistakes: list[Message] = []
    zones = TimeZones(components.time_zones, the_station(session).timezone)
    masters, overrides = _events(components, mistakes)
    with session.begin_nested():
        for uid, event in masters.items():
            try:
                draft = _draft(session, event, overrides.get(uid, []), zones, defaults)
                _take_over(session, draft, planner, at, report)
            except HaiChieuError as problem:
                mistakes.append(_mistake(event.line, uid, problem.message))
            if len(mistakes) >= MOST_MISTAKES:
                break
        if mistakes:
            raise CalendarRefused(Message.lines(mistakes))
    return report


def _mistake(line: int, uid: str, problem: Message) -> Message:
    return message("schedule.calendar.mistake", line=line, uid=uid[:60] or "-", problem=problem)


def _events(components: Components, mistakes: list[Message]) -> tuple[dict[str, _Event], dict[str, list[_Event]]]:
    """Parse the events; return the series by UID, and the changed instances of each."""
    masters: dict[str, _Event] = {}
    overrides: dict[str, list[_Event]] = {}
    for component in components.events:
        try:
            event = _parse(component)
        except CalendarRefused as problem:
            mistakes.append(_mistake(component.line, "", problem.message))
            continue
        if "RECURRENCE-ID" in event.content:
            overrides.setdefault(event.uid, []).append(event)
        elif event.uid in masters:
            mistakes.append(_mistake(event.line, event.uid, message("schedule.calendar.repeated", name="UID")))
        else:
            masters[event.uid] = event
    for uid, orphans in overrides.items():
        if uid not in masters:
            mistakes.append(_mistake(orphans[0].line, uid, message("schedule.calendar.no_series")))
    return masters, overrides


def _parse(component: Component) -> _Event:
    try:
        content = icalendar.Event.from_ical(component.text)
    except (ValueError, KeyError, IndexError, TypeError) as problem:
        raise CalendarRefused("schedule.calendar.event_wrong", problem=str(problem)) from problem
    if not isinstance(content, icalendar.Event):
        raise CalendarRefused("schedule.calendar.not_an_event")
    if content.errors:
        name, problem_text = content.errors[0]
        raise CalendarRefused("schedule.calendar.property_wrong", name=name or "-", problem=problem_text)
    uid = str(content.get("UID", "")).strip()
    if not uid or len(uid) > 200 or not uid.isprintable():
        raise CalendarRefused("schedule.calendar.uid")
    if "DTSTART" not in content:
        raise CalendarRefused("schedule.calendar.no_start")
    return _Event(component.line, uid, content)


def _draft(session: Session, event: _Event, overrides: list[_Event], zones: TimeZones, defaults: Defaults) -> Draft:
    content, ours = event.content, _ours(event.content)
    start = _one(content, "DTSTART")
    timezone = zones.name_for(start)
    starts = _wall(start, timezone, zones)
    rrule = _one(content, "RRULE").to_ical().decode() if "RRULE" in content else ""
    exdates = [_date_text(one, timezone, zones) for one in _many(content, "EXDATE")]
    rdates = [_iso(_wall(one, timezone, zones)) for one in _many(content, "RDATE")]
    if ours.lunar:
        rrule, rdates = "", list(ours.rdates or [])
    for override in overrides:
        exdates.append(_date_text(_one(override.content, "RECURRENCE-ID"), timezone, zones))
        if str(override.content.get("STATUS", "")).upper() != "CANCELLED":
            rdates.append(_iso(_wall(_one(override.content, "DTSTART"), timezone, zones)))
    rdates = list(dict.fromkeys(rdates))
    if rrule and OURS not in content and not _holds(starts, timezone, rrule):
        rdates.insert(0, _iso(starts))  # RFC 5545 §3.8.5.3: the start counts, whether or not it matches the rule
    return Draft(
        title=str(content.get("SUMMARY", "")).strip(), starts=starts, timezone=timezone, rrule=rrule, uid=event.uid,
        exdates=tuple(dict.fromkeys(exdates)), rdates=tuple(rdates),
        enabled=ours.enabled and str(content.get("STATUS", "")).upper() != "CANCELLED",
        **_parts(session, event, ours, defaults),
        **{name: getattr(ours, name) for name in (
            "what", "priority", "lunar", "valid_from", "valid_until", "days", "expected_seconds", "lead_seconds",
            "after_cut", "catch_up_minutes",
        )},
    )  # fmt: skip


def _parts(session: Session, event: _Event, ours: Ours, defaults: Defaults) -> dict[str, Any]:
    """Find the rows that an event refers to by code, title or name."""
    content, uid = event.content, event.uid
    found: dict[str, Any] = {"unit_id": defaults.unit_id, "zone_ids": defaults.zone_ids}
    if ours.unit is not None:
        found["unit_id"] = _row(session, Unit, Unit.code, ours.unit).id
    place = str(content.get("LOCATION", "")).strip()
    if ours.zones:
        found["zone_ids"] = tuple(_row(session, Zone, Zone.code, code).id for code in ours.zones)
    elif place:
        named = sa.select(Zone.id).where((Zone.name == place) | (Zone.code == place), Zone.removed_at.is_(None))
        found["zone_ids"] = tuple(session.scalars(named)) or defaults.zone_ids
    match ours.what:
        case What.PROGRAMME:
            title = ours.programme or str(content.get("SUMMARY", "")).strip()
            found["programme_id"] = _programme(session, uid, title, defaults.units) or defaults.programme_id
        case What.PLAYLIST:
            found["playlist_id"] = _row(
                session, Playlist, Playlist.title, ours.playlist or "", Playlist.unit_id.in_(defaults.units)
            ).id
        case What.LIVE:
            found["official_id"] = _row(session, Official, Official.code, ours.official or "").id
            if ours.second_official is not None:
                found["second_official_id"] = _row(session, Official, Official.code, ours.second_official).id
            if ours.fallback_programme is not None:
                fallback = _row(
                    session, Programme, Programme.title, ours.fallback_programme, Programme.unit_id.in_(defaults.units)
                )
                found["fallback_programme_id"] = fallback.id
    return found


def _programme(session: Session, uid: str, title: str, units: frozenset[int]) -> int | None:
    """Return the programme of that title: the one that the schedule already has, or else the newest of the units."""
    has = session.scalar(sa.select(Schedule.programme_id).where(Schedule.uid == uid))
    usable = sa.or_(Programme.unit_id.in_(units), Programme.id == has)
    named = sa.select(Programme.id).where(Programme.title == title, usable).order_by(Programme.id.desc())
    same = session.scalars(named).all()
    return has if has in same else next(iter(same), None)


def _row(
    session: Session,
    model: type[T],
    column: sa.orm.InstrumentedAttribute[str],
    value: str,
    *conditions: sa.ColumnElement[bool],
) -> Any:
    key = sa.inspect(model).primary_key[0]
    found = session.scalars(sa.select(model).where(column == value, *conditions).order_by(key.desc()).limit(1)).first()
    if found is None:
        raise NoSuchPart(f"schedule.no_such.{model.__tablename__}", which=message("schedule.quoted", text=value[:60]))
    return found


def _take_over(session: Session, draft: Draft, planner: Planner, at: datetime.datetime, report: Imported) -> None:
    known = session.scalar(sa.select(Schedule).where(Schedule.uid == draft.uid))
    if known is None:
        with session.begin_nested():
            plan(session, draft, planner, at)
        report.planned.append(draft.uid)
    elif _same(draft_of(known), draft):
        report.unchanged.append(draft.uid)
    else:
        with session.begin_nested():
            change(session, known.id, draft, planner, known.version, at)
        report.changed.append(draft.uid)


def _same(one: Draft, other: Draft) -> bool:
    """Return whether two drafts are equal; values that a file leaves open keep their present value."""
    compared = [name for name in Draft.__dataclass_fields__ if name != "zone_ids"]
    return set(one.zone_ids) == set(other.zone_ids) and all(
        getattr(one, name) == getattr(other, name) or (name == "lead_seconds" and other.lead_seconds is None)
        for name in compared
    )


def _ours(content: icalendar.Event) -> Ours:
    if OURS not in content:
        return Ours()
    text = str(_one(content, OURS))
    try:
        return Ours.model_validate_json(text)
    except ValidationError as problem:
        # Other calendars may have written it as TEXT, with its commas escaped (RFC 5545 §3.3.11).
        with contextlib.suppress(ValidationError):
            return Ours.model_validate_json(re.sub(r"\\([\\,;])", r"\1", text))
        first = problem.errors()[0]
        where = ".".join([OURS, *(str(part) for part in first["loc"])])
        raise CalendarRefused("schedule.calendar.property_wrong", name=where, problem=first["msg"]) from problem


def _one(content: icalendar.Event, name: str) -> Any:
    value = content[name]
    if isinstance(value, list):
        raise CalendarRefused("schedule.calendar.repeated", name=name)
    return value


def _many(content: icalendar.Event, name: str) -> list[Any]:
    """Return the single dates of a property that may appear several times with several dates each."""
    value = content.get(name, [])
    found = []
    for group in value if isinstance(value, list) else [value]:
        for one in group.dts:
            one.params = group.params
            found.append(one)
    return found


def _wall(value: Any, timezone: str, zones: TimeZones) -> datetime.datetime:
    """Return a date-time as wall time of `timezone`."""
    moment = value.dt
    if not isinstance(moment, datetime.datetime):
        raise CalendarRefused("schedule.calendar.no_time_of_day")
    own = zones.name_for(value, timezone)
    wall = moment.replace(tzinfo=None)
    if own == timezone:
        return wall
    return as_utc(wall, zone_named(own)).astimezone(zone_named(timezone)).replace(tzinfo=None)


def _date_text(value: Any, timezone: str, zones: TimeZones) -> str:
    if isinstance(value.dt, datetime.date) and not isinstance(value.dt, datetime.datetime):
        return value.dt.isoformat()
    return _iso(_wall(value, timezone, zones))


def _iso(wall: datetime.datetime) -> str:
    return wall.isoformat(timespec="minutes")


def _holds(starts: datetime.datetime, timezone: str, rrule: str) -> bool:
    at = as_utc(starts, zone_named(timezone))
    return bool(Recurrence(starts, timezone, rrule).between(at, at + datetime.timedelta(seconds=1)))
