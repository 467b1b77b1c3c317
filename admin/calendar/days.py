"""Content of the calendar for a span of days: past occurrences with their reasons, and upcoming ones."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session, joinedload, load_only, selectinload

from admin.access.visitors import Visitor
from admin.calendar.scope import heard_here
from admin.layout.language import page_language, sentence
from broadcast_bridge.models import Broadcast, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.forecast import Forecast
from broadcast_bridge.schedule.lunar import lunar_day
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule, ScheduleItem
from broadcast_bridge.schedule.recurrence import Moment, iso, zone_named
from broadcast_bridge.schedule.states import Days, OccurrenceReason, OccurrenceState, reason_message
from haichieu.people import Unit
from haichieu.public_holidays import holiday_name

_DAY = datetime.timedelta(days=1)
_SHOWN = load_only(Programme.title, Programme.state, Programme.valid_until, Programme.sound_id, Programme.seconds)
CONTENT = (
    selectinload(Schedule.zones).load_only(Zone.code, Zone.name, Zone.removed_at),
    joinedload(Schedule.programme).options(_SHOWN),
    selectinload(Schedule.items).joinedload(ScheduleItem.programme).options(_SHOWN),
)
"""What a list of schedules reads with them, without the texts of programmes."""


@dataclass(slots=True)
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
    zones: str = ""
    """The names of its zones."""
    address: str = ""
    """The page of its schedule."""
    looks: int = 0
    """The same number as other entries of the page that differ in nothing but their day, as most of a schedule do."""

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
    """A day with its entries, in order; `free_from` is the first whole hour that has not begun, 24 for none.

    `more` is how many entries it has beyond those that were asked for.
    """

    date: datetime.date
    holiday: str | None
    lunar: tuple[int, int, bool]
    free_from: int
    entries: list[Entry] = field(default_factory=list)
    more: int = 0

    def by_hour(self) -> Mapping[int, Sequence[Entry]]:
        """Return the entries by the clock hour in which they start."""
        found: dict[int, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.local.hour, []).append(entry)
        return found


@dataclass(frozen=True)
class _Decided:
    """What is stored about an occurrence."""

    state: str
    reason: str | None
    broadcast_id: int | None


@dataclass(slots=True)
class _Start:
    """A start of a schedule, with what is stored about it; the times as in `Entry`."""

    at: datetime.datetime
    local: datetime.datetime
    wall: datetime.datetime
    schedule: Schedule
    decided: _Decided | None


def days(
    session: Session, who: Visitor, first: datetime.date, count: int, timezone: str, at: datetime.datetime,
    zone_id: int | None = None, most: int | None = None,
) -> list[Day]:  # fmt: skip
    """Return the days from `first`, with the occurrences of schedules of the visitor's units or that play there.

    Of each day, at most the first `most` occurrences are returned, and the others counted.
    """
    zone, language = ZoneInfo(timezone), page_language()
    found, today = {}, at.astimezone(zone)
    for number in range(count):
        date = first + number * _DAY
        free_from = 0 if date > today.date() else today.hour + 1 if date == today.date() else 24
        found[date] = Day(date, holiday_name(date, language), lunar_day(date), free_from)
    begin = datetime.datetime.combine(first, datetime.time(), zone).astimezone(datetime.UTC)
    end = datetime.datetime.combine(first + count * _DAY, datetime.time(), zone).astimezone(datetime.UTC)
    by_day: dict[datetime.date, list[_Start]] = defaultdict(list)
    for start in _starts(session, who, begin, end, zone, at, zone_id):
        by_day[start.local.date()].append(start)
    for date, starts in by_day.items():
        starts.sort(key=lambda one: (one.at, one.schedule.id))
        if most is not None:
            found[date].more = max(0, len(starts) - most)
            del starts[most:]
    details = _Details(session, who, [start for starts in by_day.values() for start in starts], at)
    for date, starts in by_day.items():
        found[date].entries = [details.entry(start) for start in starts]
    return list(found.values())


def hours_of(shown: Sequence[Day], here: datetime.datetime) -> range:
    """Return the hours that a week must show: the broadcasting day, the present hour, and any other with an entry."""
    used = [entry.local.hour for day in shown for entry in day.entries]
    used += [here.hour for day in shown if day.date == here.date()]
    return range(min([5, *used]), max([20, *used]) + 1)


def _starts(
    session: Session, who: Visitor, begin: datetime.datetime, end: datetime.datetime, zone: ZoneInfo,
    at: datetime.datetime, zone_id: int | None,
) -> list[_Start]:  # fmt: skip
    """Return what the schedules produce from now on, and what is stored about the time before and otherwise."""
    wanted = heard_here(session, who)
    if zone_id is not None:
        wanted &= Schedule.zones.any(Zone.id == zone_id)
    stored = _stored(session, wanted, begin, end, at)
    schedules = _schedules(session, Schedule.enabled & Schedule.removed_at.is_(None) & wanted)
    found = [
        _Start(moment.at, moment.at.astimezone(zone), moment.wall, schedule, stored.pop((schedule.id, moment.at), None))
        for schedule in schedules
        for moment in recurrence_of(schedule).between(max(begin, at), end)
    ]
    # A planned row in the future that no schedule produces any more is deleted before its start time.
    rest = {key: decided for key, decided in stored.items() if key[1] < at or decided.state != OccurrenceState.PLANNED}
    by_id = {schedule.id: schedule for schedule in schedules}
    if missing := {number for number, _ in rest} - by_id.keys():
        by_id |= {schedule.id: schedule for schedule in _schedules(session, Schedule.id.in_(missing))}
    for (number, due_at), decided in rest.items():
        wall = due_at.astimezone(zone_named(by_id[number].timezone)).replace(tzinfo=None)
        found.append(_Start(due_at, due_at.astimezone(zone), wall, by_id[number], decided))
    return found


def _schedules(session: Session, wanted: sa.ColumnElement[bool]) -> Sequence[Schedule]:
    people = selectinload(Schedule.fallback_programme).options(_SHOWN), selectinload(Schedule.official)
    return session.scalars(sa.select(Schedule).where(wanted).options(*CONTENT, *people).order_by(Schedule.id)).all()


def _stored(
    session: Session, wanted: sa.ColumnElement[bool], begin: datetime.datetime, end: datetime.datetime,
    at: datetime.datetime,
) -> dict[tuple[int, datetime.datetime], _Decided]:  # fmt: skip
    """Return what is stored about occurrences, by schedule and time, where it says more than the schedule does."""
    says_nothing_new = sa.and_(
        Occurrence.due_at >= at, Occurrence.state == OccurrenceState.PLANNED, Occurrence.reason.is_(None),
        Occurrence.broadcast_id.is_(None), Schedule.days == Days.ANY,
    )  # fmt: skip
    rows = session.execute(
        sa.select(
            Occurrence.schedule_id, Occurrence.due_at, Occurrence.state, Occurrence.reason, Occurrence.broadcast_id
        )
        .join(Schedule, Schedule.id == Occurrence.schedule_id)
        .where(Occurrence.due_at >= begin, Occurrence.due_at < end, wanted, ~says_nothing_new)
    )
    return {(number, due_at): _Decided(state, why, made) for number, due_at, state, why, made in rows}


class _Details:
    """What a page shows about starts of schedules, read for all of them together."""

    def __init__(self, session: Session, who: Visitor, starts: Collection[_Start], at: datetime.datetime) -> None:
        schedules = {start.schedule for start in starts}
        self._at, self._who = at, who
        self._forecast = Forecast(session, schedules)
        self._took = _lengths(session, [one.decided.broadcast_id for one in starts if one.decided is not None])
        wanted = sa.select(Unit.id, Unit.name).where(Unit.id.in_({one.unit_id for one in schedules}))
        self._units = {number: name for number, name in session.execute(wanted)}
        self._zones = {one.id: ", ".join(zone.name for zone in one.zones) for one in schedules}
        self._addresses = {one.id: url_for("schedule", number=one.id) for one in schedules}
        self._words: dict[str, str] = {}
        self._looks: dict[tuple[object, ...], int] = {}

    def entry(self, start: _Start) -> Entry:
        """Return the entry of a start."""
        schedule, due_at, contents = start.schedule, start.at, self._forecast.contents
        state, reason, broadcast_id = self._state(start)
        obstacle, content = None, None
        is_to_come = due_at > self._at and state == OccurrenceState.PLANNED and schedule.removed_at is None
        if is_to_come:
            content = contents.of(schedule, due_at)
            obstacle = self._forecast.obstacle(schedule, Moment(due_at, start.wall), content)
        seconds = self._took.get(broadcast_id or 0) or contents.seconds(schedule, due_at, content)
        programmes = content.programmes if content is not None else ()
        plays = [programme.title for programme in programmes if programme.title != schedule.title]
        left_out = len(content.left_out) if content is not None and programmes else 0
        looks = (
            schedule.id, start.local.time(), state, reason, is_to_come, obstacle, seconds, tuple(plays), left_out,
        )  # fmt: skip
        return Entry(
            schedule, due_at, start.local, iso(start.wall), state, self._sentence(reason),
            broadcast_id, is_to_come, schedule.unit_id in self._who.units, self._sentence(obstacle),
            self._units[schedule.unit_id], seconds, plays, left_out, self._zones[schedule.id],
            self._addresses[schedule.id], self._looks.setdefault(looks, len(self._looks)),
        )  # fmt: skip

    def _state(self, start: _Start) -> tuple[str, str | None, int | None]:
        if start.decided is not None:
            return start.decided.state, start.decided.reason, start.decided.broadcast_id
        if is_day_for(start.schedule.days, start.local.date()):
            return str(OccurrenceState.PLANNED), None, None
        return str(OccurrenceState.SKIPPED), str(OccurrenceReason.HOLIDAY), None

    def _sentence(self, reason: str | None) -> str:
        if reason is None:
            return ""
        if reason not in self._words:
            self._words[reason] = sentence(reason_message(reason))
        return self._words[reason]


def _lengths(session: Session, broadcast_ids: Iterable[int | None]) -> Mapping[int, float]:
    """Return how many seconds the broadcasts that are over were on air."""
    begun = Broadcast.on_air_at.is_not(None), Broadcast.ended_at.is_not(None)
    numbers = [number for number in broadcast_ids if number is not None]
    wanted = sa.select(Broadcast.id, Broadcast.on_air_at, Broadcast.ended_at).where(Broadcast.id.in_(numbers), *begun)
    return {number: (end - begin).total_seconds() for number, begin, end in session.execute(wanted) if begin and end}
