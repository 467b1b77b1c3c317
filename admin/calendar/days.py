"""Content of the calendar for a span of days: past occurrences with their reasons, and upcoming ones."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from admin.access.visitors import Visitor
from admin.calendar.scope import heard_here
from admin.layout.language import page_language, sentence
from broadcast_bridge.models import Broadcast, Zone
from broadcast_bridge.schedule.contents import Content
from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.forecast import Forecast
from broadcast_bridge.schedule.lunar import lunar_day
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule, ScheduleItem
from broadcast_bridge.schedule.recurrence import Moment, zone_named
from broadcast_bridge.schedule.states import OccurrenceReason, OccurrenceState, reason_message
from haichieu.people import Unit
from haichieu.public_holidays import holiday_name

_DAY = datetime.timedelta(days=1)
CONTENT = (
    selectinload(Schedule.zones),
    joinedload(Schedule.programme),
    selectinload(Schedule.items).joinedload(ScheduleItem.programme),
)
"""What a list of schedules reads with them."""


@dataclass(frozen=True)
class Entry:
    """One start of a schedule: `local` by the station's clock, `wall` by the schedule's own.

    `seconds` is how long it took, or is expected to take.
    """

    schedule: Schedule
    at: datetime.datetime
    local: datetime.datetime
    wall: str
    state: str
    reason: str | None
    occurrence_id: int | None = None
    broadcast_id: int | None = None
    is_to_come: bool = False
    is_own: bool = True
    """Whether its schedule belongs to the visitor's units; another unit's only plays here."""
    obstacle: str | None = None
    """Why an occurrence to come would not be broadcast as things are."""
    unit: str = ""
    seconds: float = 0.0
    plays: Sequence[str] = ()
    """The titles of what an occurrence to come plays as things are."""
    left_out: int = 0
    """How many programmes of its playlist it leaves out."""

    @property
    def zones(self) -> str:
        """The names of its zones."""
        return ", ".join(zone.name for zone in self.schedule.zones)

    @property
    def ends(self) -> datetime.datetime:
        """Its end by the station's clock."""
        return self.local + datetime.timedelta(seconds=self.seconds)

    @property
    def minutes(self) -> int:
        """Its length in whole minutes, at least one."""
        return max(1, round(self.seconds / 60))


@dataclass
class Day:
    """A day with its entries, in order; `free_from` is the first whole hour that has not begun, 24 for none."""

    date: datetime.date
    holiday: str | None
    lunar: tuple[int, int, bool]
    free_from: int
    entries: list[Entry] = field(default_factory=list)

    def at_hour(self, hour: int) -> list[Entry]:
        """Return the entries that start within an hour of the clock."""
        return [entry for entry in self.entries if entry.local.hour == hour]


def days(
    session: Session, who: Visitor, first: datetime.date, count: int, timezone: str, at: datetime.datetime,
    zone_id: int | None = None,
) -> list[Day]:  # fmt: skip
    """Return the days from `first`, with the occurrences of schedules of the visitor's units or that play there."""
    zone, language = ZoneInfo(timezone), page_language()
    found, today = {}, at.astimezone(zone)
    for number in range(count):
        date = first + number * _DAY
        free_from = 0 if date > today.date() else today.hour + 1 if date == today.date() else 24
        found[date] = Day(date, holiday_name(date, language), lunar_day(date), free_from)
    begin = datetime.datetime.combine(first, datetime.time(), zone).astimezone(datetime.UTC)
    end = datetime.datetime.combine(first + count * _DAY, datetime.time(), zone).astimezone(datetime.UTC)
    schedules = list(_schedules(session, who, zone_id))
    rows = {(row.schedule_id, row.due_at): row for row in _rows(session, who, begin, end, zone_id)}
    entries = [
        _entry(schedule, moment.at, zone, rows.pop((schedule.id, moment.at), None), at)
        for schedule in schedules
        for moment in recurrence_of(schedule).between(max(begin, at), end)
    ]
    # A planned row in the future that no schedule produces any more is deleted before its start time.
    entries += [
        _entry(row.schedule, row.due_at, zone, row, at)
        for row in rows.values()
        if row.due_at < at or row.state != OccurrenceState.PLANNED
    ]
    forecast = Forecast(session, {entry.schedule for entry in entries})
    took = _lengths(session, [entry.broadcast_id for entry in entries if entry.broadcast_id is not None])
    numbers = {entry.schedule.unit_id for entry in entries}
    units = {unit.id: unit.name for unit in session.scalars(sa.select(Unit).where(Unit.id.in_(numbers)))}
    for entry in sorted(entries, key=lambda one: (one.at, one.schedule.id)):
        found[entry.local.date()].entries.append(_foreseen(entry, forecast, took, who, units))
    return list(found.values())


def hours_of(shown: Sequence[Day], here: datetime.datetime) -> range:
    """Return the hours that a week must show: the broadcasting day, the present hour, and any other with an entry."""
    used = [entry.local.hour for day in shown for entry in day.entries]
    used += [here.hour for day in shown if day.date == here.date()]
    return range(min([5, *used]), max([20, *used]) + 1)


def _schedules(session: Session, who: Visitor, zone_id: int | None) -> Iterator[Schedule]:
    wanted = sa.select(Schedule).where(Schedule.enabled, Schedule.removed_at.is_(None), heard_here(session, who))
    if zone_id is not None:
        wanted = wanted.where(Schedule.zones.any(Zone.id == zone_id))
    people = joinedload(Schedule.fallback_programme), joinedload(Schedule.official)
    yield from session.scalars(wanted.options(*CONTENT, *people).order_by(Schedule.id))


def _rows(
    session: Session, who: Visitor, begin: datetime.datetime, end: datetime.datetime, zone_id: int | None
) -> Sequence[Occurrence]:
    wanted = (
        sa.select(Occurrence)
        .join(Schedule, Schedule.id == Occurrence.schedule_id)
        .where(Occurrence.due_at >= begin, Occurrence.due_at < end, heard_here(session, who))
        .options(selectinload(Occurrence.schedule).options(*CONTENT))  # most are loaded already
    )
    if zone_id is not None:
        wanted = wanted.where(Schedule.zones.any(Zone.id == zone_id))
    return session.scalars(wanted).all()


def _entry(
    schedule: Schedule, due_at: datetime.datetime, zone: ZoneInfo, row: Occurrence | None, at: datetime.datetime
) -> Entry:
    local = due_at.astimezone(zone)
    wall = due_at.astimezone(zone_named(schedule.timezone)).replace(tzinfo=None).isoformat(timespec="minutes")
    heard = is_day_for(schedule.days, local.date())
    state = str(OccurrenceState.PLANNED if heard else OccurrenceState.SKIPPED)
    reason: str | None = None if heard else str(OccurrenceReason.HOLIDAY)
    if row is not None:
        state, reason = row.state, row.reason
    to_come = due_at > at and state == OccurrenceState.PLANNED and schedule.removed_at is None
    return Entry(
        schedule, due_at, local, wall, state, sentence(reason_message(reason)), row.id if row else None,
        row.broadcast_id if row else None, to_come,
    )  # fmt: skip


def _lengths(session: Session, broadcast_ids: Sequence[int]) -> Mapping[int, float]:
    """Return how many seconds the broadcasts that are over were on air."""
    begun = Broadcast.on_air_at.is_not(None), Broadcast.ended_at.is_not(None)
    wanted = sa.select(Broadcast.id, Broadcast.on_air_at, Broadcast.ended_at).where(
        Broadcast.id.in_(broadcast_ids), *begun
    )
    return {number: (end - begin).total_seconds() for number, begin, end in session.execute(wanted) if begin and end}


def _foreseen(
    entry: Entry, forecast: Forecast, took: Mapping[int, float], who: Visitor, units: Mapping[int, str]
) -> Entry:
    schedule, reason, content = entry.schedule, None, Content()
    if entry.is_to_come:
        reason = forecast.obstacle(schedule, Moment(entry.at, datetime.datetime.fromisoformat(entry.wall)))
        content = forecast.contents.of(schedule, entry.at)
    return replace(
        entry, is_own=schedule.unit_id in who.units, obstacle=sentence(reason_message(reason)),
        unit=units[schedule.unit_id],
        seconds=took.get(entry.broadcast_id or 0) or forecast.contents.seconds(schedule, entry.at),
        plays=[programme.title for programme in content.programmes if programme.title != schedule.title],
        left_out=len(content.left_out) if content.programmes else 0,
    )  # fmt: skip
