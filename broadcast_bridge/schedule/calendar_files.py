"""Import of an iCalendar file: all of it or nothing; the same file twice changes nothing.

Events become drafts for `editing`, and so need the rights of the importing user. Components without a meaning for a
schedule are skipped and counted in the report. `calendar_drafts` makes the drafts.
"""

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.schedule.calendar_components import Components, take_apart
from broadcast_bridge.schedule.calendar_drafts import Defaults, Drafts, instance_uid
from broadcast_bridge.schedule.calendar_properties import Event, parse_event
from broadcast_bridge.schedule.calendar_series import (
    check_instance,
    instance_key,
    replaced_by,
    replaced_by_itself,
    with_instances,
)
from broadcast_bridge.schedule.calendar_zones import TimeZones
from broadcast_bridge.schedule.editing import Draft, Planner, change, draft_of, plan, remove
from broadcast_bridge.schedule.errors import CalendarRefused
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.recurrence import as_utc, zone_named
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.station import the_station

__all__ = ["Defaults", "Imported", "import_calendar"]

MOST_MISTAKES = 20
_BOOKINGS = frozenset({"", "PUBLISH", "REQUEST"})
_CANCEL = "CANCEL"
_INSTANCE = re.compile(r"#\d{8}T\d{4}")


@dataclass
class Imported:
    """The UIDs that an import planned, changed or left unchanged, and the components that it ignored."""

    planned: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Series:
    """A series or single event with its changed instances; an event that cancels instances has no `master`."""

    uid: str
    master: Event | None
    instances: list[Event]

    @property
    def line(self) -> int:
        return (self.master or self.instances[0]).line


def import_calendar(
    session: Session, data: bytes, planner: Planner, defaults: Defaults, at: datetime.datetime
) -> Imported:
    """Import every event of an .ics file, known ones by their UID.

    Raises CalendarRefused with one line per mistake, naming line and UID; then nothing has changed.
    """
    components = take_apart(data)
    if components.method not in _BOOKINGS | {_CANCEL}:
        # Replies and counter-proposals are no bookings (RFC 5546 §3.2), and ADD would need the series to add to.
        raise CalendarRefused("schedule.calendar.method", method=components.method[:30])
    return _Import(session, components, planner, defaults, at).run()


class _Import:
    """One import of one file."""

    def __init__(
        self, session: Session, components: Components, planner: Planner, defaults: Defaults, at: datetime.datetime
    ) -> None:
        self._session, self._components, self._planner, self._at = session, components, planner, at
        self._cancels = components.method == _CANCEL
        self._zones = TimeZones(components.time_zones, the_station(session).timezone)
        self._drafts = Drafts(session, self._zones, replace(defaults, units=planner.units))
        self._report = Imported(ignored=components.ignored)
        self._mistakes: list[Message] = []

    def run(self) -> Imported:
        found = self._series()
        with self._session.begin_nested():
            for one in found.values():
                try:
                    if self._cancels:
                        self._cancel(one)
                    elif one.master is None:
                        self._take_alone(one)
                    else:
                        self._take_over(one.uid, one.master, one.instances, frozenset(found))
                except HaiChieuError as problem:
                    self._mistake(one.line, one.uid, problem)
                if len(self._mistakes) >= MOST_MISTAKES:
                    break
            if self._mistakes:
                raise CalendarRefused(Message.lines(self._mistakes))
        return self._report

    def _mistake(self, line: int, uid: str, problem: HaiChieuError) -> None:
        self._mistakes.append(
            message("schedule.calendar.mistake", line=line, uid=uid[:60] or "-", problem=problem.message)
        )

    def _series(self) -> dict[str, _Series]:
        """Parse the events; of several versions of one, the highest SEQUENCE is valid."""
        latest: dict[tuple[str, str], Event] = {}
        for component in self._components.events:
            event = None
            try:
                event = parse_event(component, cancels=self._cancels)
                instance = ""
                if event.is_instance:
                    check_instance(event)
                    instance = instance_key(event, self._zones)
                known = latest.get((event.uid, instance))
                if known is not None and known.sequence == event.sequence:
                    raise CalendarRefused("schedule.calendar.repeated", name="RECURRENCE-ID" if instance else "UID")
                if known is None or known.sequence < event.sequence:
                    latest[event.uid, instance] = event
            except HaiChieuError as problem:
                self._mistake(component.line, event.uid if event else "", problem)
        found: dict[str, _Series] = {}
        for (uid, instance), event in latest.items():
            had = found.get(uid, _Series(uid, None, []))
            found[uid] = replace(had, instances=[*had.instances, event]) if instance else replace(had, master=event)
        return found

    def _take_over(self, uid: str, master: Event, instances: list[Event], uids: frozenset[str]) -> None:
        draft, single = self._drafts.of(master, instances, self._known(uid))
        self._save(draft)
        passed = set()
        for one in single:
            passed.add(one.uid)
            if as_utc(one.starts, zone_named(one.timezone)) > self._at:
                self._save(one)
        for schedule in self._instances_of(uid):
            if schedule.uid not in passed | uids:
                remove(self._session, schedule.id, self._planner, self._at)
                self._report.changed.append(schedule.uid)

    def _take_alone(self, series: _Series) -> None:
        """Import instances without their series: an invitation to single dates contains nothing else.

        Instances of a known series are refused, since its rule is needed to change it.
        """
        if self._known(series.uid) is not None:
            raise CalendarRefused("schedule.calendar.no_series")
        for event in series.instances:
            alone = replace(event, uid=instance_uid(series.uid, replaced_by_itself(event, self._zones)))
            draft, _ = self._drafts.of(alone, [], self._known(alone.uid))
            self._save(draft)

    def _cancel(self, series: _Series) -> None:
        """Switch the known schedule of a UID off, or leave the cancelled instances out (RFC 5546 §3.2.5)."""
        known = self._known(series.uid)
        if known is None:
            raise CalendarRefused("schedule.calendar.cancels_unknown")
        draft, also = draft_of(known), list(self._instances_of(series.uid))
        if series.master is None:
            times = recurrence_of(known)
            gone = [replaced_by(event, times, self._zones) for event in series.instances]
            times = with_instances(times, gone, ())
            draft = replace(draft, exdates=times.exdates, rdates=times.rdates)
            also = [one for one in also if one.uid in {instance_uid(series.uid, text) for text in gone}]
        else:
            draft = replace(draft, enabled=False)
        self._save(draft)
        for one in also:
            self._save(replace(draft_of(one), enabled=False))

    def _known(self, uid: str) -> Schedule | None:
        return self._session.scalar(sa.select(Schedule).where(Schedule.uid == uid))

    def _instances_of(self, uid: str) -> Iterator[Schedule]:
        """Yield the schedules of single instances of a series that say something else than the series."""
        named = Schedule.uid.startswith(f"{uid}#", autoescape=True) & Schedule.removed_at.is_(None)
        for schedule in self._session.scalars(sa.select(Schedule).where(named).order_by(Schedule.id)).all():
            if _INSTANCE.fullmatch(schedule.uid[len(uid) :]):
                yield schedule

    def _save(self, draft: Draft) -> None:
        known = self._known(draft.uid)
        if known is None:
            with self._session.begin_nested():
                plan(self._session, draft, self._planner, self._at)
            self._report.planned.append(draft.uid)
        elif _same(draft_of(known), draft):
            self._report.unchanged.append(draft.uid)
        else:
            with self._session.begin_nested():
                change(self._session, known.id, draft, self._planner, known.version, self._at)
            self._report.changed.append(draft.uid)


def _same(one: Draft, other: Draft) -> bool:
    """Return whether two drafts are equal; values that a file leaves open keep their present value."""
    compared = [name for name in Draft.__dataclass_fields__ if name not in ("zone_ids", "exdates", "rdates")]
    return all(
        set(getattr(one, name)) == set(getattr(other, name)) for name in ("zone_ids", "exdates", "rdates")
    ) and all(
        getattr(one, name) == getattr(other, name) or (name == "lead_seconds" and other.lead_seconds is None)
        for name in compared
    )
