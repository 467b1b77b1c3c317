"""Drafts of schedules from the events of a calendar file.

What other calendars do not know (days, priority, the unit) comes from `X-HAICHIEU-SCHEDULE`, from the schedule that
already has the UID, or from the import form, in this order.
"""

import contextlib
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.calendar_components import OURS
from broadcast_bridge.schedule.calendar_export import Ours, first_due, ours_of
from broadcast_bridge.schedule.calendar_properties import Event, one
from broadcast_bridge.schedule.calendar_references import References
from broadcast_bridge.schedule.calendar_series import replaced_by, start_of, times_of, with_instances
from broadcast_bridge.schedule.calendar_zones import TimeZones
from broadcast_bridge.schedule.editing import Draft
from broadcast_bridge.schedule.errors import CalendarRefused, NoSuchPart
from broadcast_bridge.schedule.lunar import FIRST_YEAR, LAST_YEAR
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.recurrence import Recurrence
from broadcast_bridge.schedule.states import What
from haichieu.errors import HaiChieuError
from haichieu.folded_text import name_key
from haichieu.people import Official

_SAME = (
    "what", "priority", "valid_from", "valid_until", "days", "expected_seconds", "lead_seconds", "after_cut",
    "catch_up_minutes",
)  # fmt: skip
_TIMES = ("starts", "rrule", "lunar", "exdates", "rdates")


@dataclass(frozen=True)
class Defaults:
    """Values for events of other calendars, which know nothing of zones and programmes."""

    unit_id: int
    zone_ids: tuple[int, ...] = ()
    programme_id: int | None = None
    units: frozenset[int] = frozenset()
    """Units whose programmes a title can mean; the importing person's."""


def instance_uid(uid: str, was: str) -> str:
    """Return the UID of the schedule for the instance that was due at a time, given as in `Recurrence.exdates`."""
    day, _t, time = was.partition("T")
    return f"{uid}#{day.replace('-', '')}T{time.replace(':', '') or '0000'}"


class Drafts:
    """Makes the drafts of one file."""

    def __init__(self, session: Session, zones: TimeZones, defaults: Defaults) -> None:
        self._session, self._zones, self._defaults = session, zones, defaults
        self._references = References(session, defaults.units)

    def of(self, master: Event, instances: list[Event], known: Schedule | None) -> tuple[Draft, list[Draft]]:
        """Return the draft of an event, and one for each instance that says more than another time.

        Raises the errors of a file's content (ScheduleRefused).
        """
        ours, times = self._times(master, known)
        draft = self._draft(master, ours, known, times)
        replaced, starts, single = [], [], []
        for event in instances:
            was = replaced_by(event, times, self._zones, master)
            replaced.append(was)
            if event.is_cancelled:
                continue
            try:
                start = start_of(event, times, self._zones)
                other = self._instance(event, master, ours, draft)
            except HaiChieuError as problem:
                raise CalendarRefused(
                    "schedule.calendar.at_line", line=event.line, problem=problem.message
                ) from problem
            if other is None:
                starts.append(start)
            else:
                single.append(replace(other, uid=instance_uid(master.uid, was), starts=start))
        times = with_instances(times, replaced, starts)
        return replace(draft, **{name: getattr(times, name) for name in _TIMES}), single

    def _times(self, master: Event, known: Schedule | None) -> tuple[Ours, Recurrence]:
        """Return what iCalendar cannot express of an event, and its times."""
        ours = _ours(master) if OURS in master.content else self._present(master, known)
        times = times_of(master, self._zones, ours.lunar, tuple(ours.rdates or ()) if ours.lunar else ())
        started = ours.starts
        if started is not None and started.tzinfo is None and FIRST_YEAR < started.year < LAST_YEAR:
            earlier = replace(times, starts=started)
            # Unless the event was moved in another calendar, it begins at the first time of its rule.
            if first_due(earlier) == times.starts:
                times = earlier
        return ours, times

    def _present(self, master: Event, known: Schedule | None) -> Ours:
        """Return what iCalendar cannot express of the schedule that already has the UID of an event."""
        if known is None:
            return Ours()
        ours = ours_of(self._session, known)
        ours.starts = known.starts
        if "RRULE" in master.content:
            ours.lunar = ""
        if name_key(master.words("SUMMARY")) != name_key(known.title):
            ours.programme = None
        return ours

    def _draft(self, event: Event, ours: Ours, known: Schedule | None, times: Recurrence) -> Draft:
        on = ours.enabled or OURS not in event.content
        parts = self._parts(event, ours, known)
        return Draft(
            **{"zone_ids": self._zones_of(event, ours), **parts}, title=event.words("SUMMARY"), uid=event.uid,
            enabled=on and not event.is_cancelled,
            **{name: getattr(times, name) for name in (*_TIMES, "timezone")},
            **{name: getattr(ours, name) for name in _SAME},
        )  # fmt: skip

    def _instance(self, event: Event, master: Event, ours: Ours, series: Draft) -> Draft | None:
        """Return the draft of an instance, or None when it differs from its series by the time alone."""
        own = _ours(event) if OURS in event.content else ours
        title, place = event.words("SUMMARY") or series.title, event.words("LOCATION")
        retitled = name_key(title) != name_key(series.title)
        elsewhere = bool(place) and name_key(place) != name_key(master.words("LOCATION"))
        if own == ours and not retitled and not elsewhere:
            return None
        draft = replace(series, rrule="", lunar="", exdates=(), rdates=(), valid_from=None, valid_until=None)
        if own != ours:
            draft = replace(
                draft, enabled=series.enabled and own.enabled, **{name: getattr(own, name) for name in _SAME}
            )
        if retitled or own != ours:
            # A calendar that copies our property into the instance leaves the programme of the series in it.
            named = own.model_copy(update={"programme": None}) if retitled and own.programme == ours.programme else own
            draft = replace(draft, title=title, **self._parts(event, named, None))
        if elsewhere:
            draft = replace(draft, zone_ids=self._references.zones(place))
        elif own.zones != ours.zones:
            draft = replace(draft, zone_ids=self._coded(own))
        regular = replace(draft, **{name: getattr(series, name) for name in (*_TIMES, "valid_from", "valid_until")})
        same = replace(regular, zone_ids=series.zone_ids) == series and set(draft.zone_ids) == set(series.zone_ids)
        return None if same else draft

    def _parts(self, event: Event, ours: Ours, known: Schedule | None) -> dict[str, Any]:
        """Find the unit, and the rows that an event plays, by code or title."""
        rows = self._references
        found: dict[str, Any] = {"unit_id": self._defaults.unit_id}
        if ours.unit is not None:
            found["unit_id"] = rows.unit(ours.unit).id
        match ours.what:
            case What.PROGRAMME:
                title = ours.programme or event.words("SUMMARY")
                programme = rows.programme(title, known.programme_id if known else None)
                found["programme_id"] = programme or self._defaults.programme_id or rows.required_programme(title)
            case What.NEWEST:
                found["category"] = ours.category
            case What.PLAYLIST:
                has = dict(enumerate(item.programme_id for item in known.items)) if known else {}
                found["programme_ids"] = tuple(
                    rows.required_programme(title, has.get(place)) for place, title in enumerate(ours.playlist)
                )
            case What.LIVE:
                found["official_id"] = rows.row(Official, Official.code, ours.official or "").id
                if ours.second_official is not None:
                    found["second_official_id"] = rows.row(Official, Official.code, ours.second_official).id
                if ours.fallback_programme is not None:
                    fallback = known.fallback_programme_id if known else None
                    found["fallback_programme_id"] = rows.required_programme(ours.fallback_programme, fallback)
        return found

    def _zones_of(self, event: Event, ours: Ours) -> tuple[int, ...]:
        """Return the zones that LOCATION names, else those of the codes, of the form, or of the present schedule."""
        named, coded = event.words("LOCATION"), self._coded(ours)
        if OURS not in event.content or not coded:
            return self._references.zones(named) if named else self._defaults.zone_ids or coded
        # LOCATION may have been changed in another calendar. After a zone was renamed, only its code is right.
        with contextlib.suppress(CalendarRefused, NoSuchPart):
            return self._references.zones(named) or coded
        return coded

    def _coded(self, ours: Ours) -> tuple[int, ...]:
        return tuple(self._references.row(Zone, Zone.code, code).id for code in ours.zones)


def _ours(event: Event) -> Ours:
    text = unicodedata.normalize("NFC", str(one(event.content, OURS)))
    try:
        return Ours.model_validate_json(text)
    except ValidationError as problem:
        # Other calendars may have written it as TEXT, with its commas escaped (RFC 5545 §3.3.11).
        with contextlib.suppress(ValidationError):
            return Ours.model_validate_json(re.sub(r"\\([\\,;])", r"\1", text))
        first = problem.errors()[0]
        where = ".".join([OURS, *(str(part) for part in first["loc"])])
        raise CalendarRefused("schedule.calendar.property_wrong", name=where, problem=first["msg"]) from problem
