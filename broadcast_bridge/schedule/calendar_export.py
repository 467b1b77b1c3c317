"""Export of schedules as an iCalendar file (RFC 5545), for other calendars and for import at any station.

What iCalendar cannot express (zones, priority, a lunar rule) is JSON in `X-HAICHIEU-SCHEDULE`, see `Ours`. A lunar
schedule also contains its dates of the next years, for readers that do not know the rule. An event begins at its first
due time, as other calendars count the start whether or not the rule has it (RFC 5545 §3.8.5.3).
"""

import datetime
from collections.abc import Collection
from dataclasses import replace
from zoneinfo import ZoneInfo

import icalendar
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import AfterCut, Priority
from broadcast_bridge.schedule.calendar_components import OURS
from broadcast_bridge.schedule.contents import Contents
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.recurrence import Recurrence, as_utc, zone_named
from broadcast_bridge.schedule.states import Days, What
from haichieu.people import Unit

SHOWN_AHEAD = datetime.timedelta(days=730)
_SEARCHED = tuple(datetime.timedelta(days=days) for days in (8, 400, 30 * 366))
_PRIORITIES = {Priority.EMERGENCY: 1, Priority.PRIORITY: 3, Priority.NORMAL: 5}


class Ours(BaseModel):
    """The part of a schedule that iCalendar cannot express; people, zones and units by their codes."""

    model_config = ConfigDict(extra="forbid")

    what: What = What.PROGRAMME
    unit: str | None = None
    zones: list[str] = Field(default_factory=list, max_length=200)
    programme: str | None = None
    category: str = Field("", max_length=80)
    playlist: list[str] = Field(default_factory=list, max_length=100)
    """The titles of its programmes, in order."""
    official: str | None = None
    second_official: str | None = None
    fallback_programme: str | None = None
    priority: Priority = Priority.NORMAL
    lunar: str = Field("", max_length=120)
    starts: datetime.datetime | None = None
    """The start in wall time, when the event begins later."""
    rdates: list[str] | None = Field(None, max_length=1000)
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None
    days: Days = Days.ANY
    expected_seconds: float | None = None
    lead_seconds: int | None = None
    after_cut: AfterCut = AfterCut.RESUME
    catch_up_minutes: int = 0
    enabled: bool = True


def export_calendar(session: Session, schedules: Collection[Schedule], at: datetime.datetime) -> bytes:
    """Write schedules as the bytes of an .ics file."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Hai Chieu//village radio//VI")
    calendar.add("version", "2.0")
    contents = Contents(session, schedules)
    for schedule in schedules:
        length = datetime.timedelta(seconds=round(contents.seconds(schedule, at)))
        calendar.add_component(_event(session, schedule, length, at))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(session: Session, schedule: Schedule, length: datetime.timedelta, at: datetime.datetime) -> icalendar.Event:
    zone = zone_named(schedule.timezone)
    event = icalendar.Event()
    event.add("uid", schedule.uid)
    event.add("summary", schedule.title)
    event.add("dtstamp", schedule.updated_at)
    event.add("sequence", schedule.version)
    begins = first_due(recurrence_of(schedule))
    event.add("dtstart", begins.replace(tzinfo=zone))
    event.add("duration", length)
    event.add("priority", _PRIORITIES[Priority(schedule.priority)])
    event.add("location", ", ".join(one.name for one in schedule.zones))
    if not schedule.enabled:
        event.add("status", "CANCELLED")
    if schedule.rrule:
        event.add("rrule", icalendar.vRecur.from_ical(schedule.rrule))
    for text in schedule.exdates:
        _add_exdate(event, text, zone)
    rdates = [datetime.datetime.fromisoformat(text) for text in schedule.rdates]
    if schedule.lunar:
        rdates = sorted({moment.wall for moment in recurrence_of(schedule).between(at, at + SHOWN_AHEAD)})
    if rdates:
        event.add("rdate", [wall.replace(tzinfo=zone) for wall in rdates])
    ours = ours_of(session, schedule)
    if begins != schedule.starts:
        ours.starts = schedule.starts
    event.add(OURS, ours.model_dump_json(exclude_defaults=True))
    return event


def first_due(recurrence: Recurrence) -> datetime.datetime:
    """Return the first time of a rule, also one that is excluded, or the start when there is no rule."""
    if not (recurrence.rrule or recurrence.lunar):
        return recurrence.starts
    regular = replace(recurrence, exdates=(), rdates=(), valid_from=None, valid_until=None)
    begin = as_utc(recurrence.starts, zone_named(recurrence.timezone))
    for length in _SEARCHED:
        if found := regular.between(begin, begin + length):
            return found[0].wall
    return recurrence.starts


def _add_exdate(event: icalendar.Event, text: str, zone: ZoneInfo) -> None:
    """Write an excluded day as a DATE, and an excluded time as a DATE-TIME."""
    if "T" in text:
        event.add("exdate", datetime.datetime.fromisoformat(text).replace(tzinfo=zone))
    else:
        event.add("exdate", datetime.date.fromisoformat(text), parameters={"VALUE": "DATE"})


def ours_of(session: Session, schedule: Schedule) -> Ours:
    """Return the part of a schedule that iCalendar cannot express."""
    return Ours(
        what=What(schedule.what),
        unit=session.scalar(sa.select(Unit.code).where(Unit.id == schedule.unit_id)),
        zones=[zone.code for zone in schedule.zones],
        programme=schedule.programme.title if schedule.programme else None,
        category=schedule.category,
        playlist=[item.programme.title for item in schedule.items],
        official=schedule.official.code if schedule.official else None,
        second_official=schedule.second_official.code if schedule.second_official else None,
        fallback_programme=schedule.fallback_programme.title if schedule.fallback_programme else None,
        priority=Priority(schedule.priority),
        lunar=schedule.lunar,
        rdates=list(schedule.rdates) if schedule.lunar else None,
        valid_from=schedule.valid_from,
        valid_until=schedule.valid_until,
        days=Days(schedule.days),
        expected_seconds=schedule.expected_seconds,
        lead_seconds=schedule.lead_seconds,
        after_cut=AfterCut(schedule.after_cut),
        catch_up_minutes=schedule.catch_up_minutes,
        enabled=schedule.enabled,
    )
