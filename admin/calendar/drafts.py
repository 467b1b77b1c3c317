"""The schedule form: conversion between form fields and drafts."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from sqlalchemy.orm import Session

from admin.layout.pages import Form
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.editing import Draft
from broadcast_bridge.schedule.errors import NoSuchPart, ScheduleRefused
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.states import Days, What
from haichieu.errors import HaiChieuError
from haichieu.locale import message
from haichieu.people import Official

E = TypeVar("E", bound=StrEnum)

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EXCEPT_SUNDAY = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA"
REPEATS = ("once", "daily", "except_sunday", "working_days", "weekly", "monthly", "lunar", "rule")
_RULES = {
    "daily": "FREQ=DAILY",
    "working_days": "FREQ=DAILY",
    "except_sunday": EXCEPT_SUNDAY,
    "monthly": "FREQ=MONTHLY",
}

_WEEKLY = re.compile(f"FREQ=WEEKLY(;BYDAY=({'|'.join(WEEKDAYS)})(,({'|'.join(WEEKDAYS)}))*)?")
_NAMED = re.compile(r"#([0-9]{1,9})\)?\s*$")
"""The number of a programme after its title, as the form proposes it."""
_FIELDS = {
    "schedule.title": "title", "schedule.category": "category", "schedule.playlist": "item",
    "schedule.no_such.units": "unit", "schedule.not_chosen.units": "unit", "schedule.other_unit": "unit",
    "schedule.no_such.zones": "zone", "schedule.not_chosen.zones": "zone", "schedule.zone_not_allowed": "zone",
    "schedule.no_such.officials": "official", "schedule.not_chosen.officials": "official",
    "schedule.official.may_not_speak": "official", "schedule.official.no_phone": "official",
    "schedule.past": "day", "schedule.recurrence.start": "day", "schedule.recurrence.year": "day",
    "panel.calendar.wrong_start": "day", "panel.calendar.wrong_validity": "valid_until",
    "schedule.recurrence.validity": "valid_until", "panel.calendar.weekdays_unused": "weekday",
    "panel.calendar.rule_unused": "rule", "schedule.range.expected_seconds": "minutes",
    "schedule.range.catch_up_minutes": "catch_up",
}  # fmt: skip
"""The field that a refusal is about."""
_PROGRAMMES = {What.PROGRAMME: "programme", What.PLAYLIST: "item", What.LIVE: "fallback"}


def field_of(refusal: HaiChieuError, form: Form) -> str:
    """Return the field that a refusal is shown at; "" is the form as a whole."""
    key = refusal.message.key
    if key.endswith(".programmes"):
        return _PROGRAMMES.get(What(form.value("what")), "")
    if key.startswith("schedule.rule.") or key == "schedule.recurrence.never":
        return "rule" if form.value("repeat") == "rule" else "valid_until"
    return "lunar_days" if key.startswith("schedule.lunar.") else _FIELDS.get(key, "")


def draft_from(form: Form, was: Draft | None = None) -> Draft:
    """Return the draft that was typed; fields outside the form stay as they were. Raises ScheduleRefused."""
    what = _one_of(What, form.value("what"), "what")
    repeat = form.value("repeat", "once")
    if repeat not in REPEATS:
        raise ScheduleRefused("panel.calendar.choose", field=message("panel.calendar.repeat"))
    minutes = form.value("minutes").strip()
    try:
        starts = datetime.datetime.fromisoformat(f"{form.value('day')}T{form.value('time')}"[:16])
        if starts.tzinfo is not None:
            raise ValueError
    except ValueError:
        raise ScheduleRefused("panel.calendar.wrong_start") from None
    draft = Draft(
        title=form.value("title"), unit_id=_number(form.value("unit")) or 0,
        zone_ids=tuple(found for one in form.values("zone") if (found := _number(one))), what=what, starts=starts,
        programme_id=_number(form.value("programme")) if what is What.PROGRAMME else None,
        category=form.value("category") if what is What.NEWEST else "",
        programme_ids=_playlist(form) if what is What.PLAYLIST else (),
        official_id=_number(form.value("official")) if what is What.LIVE else None,
        second_official_id=_number(form.value("second_official")) if what is What.LIVE else None,
        fallback_programme_id=_number(form.value("fallback")) if what is What.LIVE else None,
        priority=_one_of(Priority, form.value("priority", "normal"), "priority"),
        rrule=_rule(repeat, form), lunar=_lunar(form) if repeat == "lunar" else "",
        valid_from=_date(form.value("valid_from")), valid_until=_date(form.value("valid_until")),
        days=Days.WORKING_DAYS if repeat == "working_days" else _one_of(Days, form.value("days", "any"), "days"),
        expected_seconds=float((_number(minutes) or 0) * 60) if minutes else None,
        catch_up_minutes=_number(form.value("catch_up")) or 0, enabled=form.value("enabled", "yes") == "yes",
    )  # fmt: skip
    if was is None:
        return draft
    return replace(
        draft, timezone=was.timezone, exdates=was.exdates, rdates=was.rdates, after_cut=was.after_cut, uid=was.uid,
        lead_seconds=was.lead_seconds if was.what is what else None,
    )  # fmt: skip


def as_fields(schedule: Schedule) -> Mapping[str, Sequence[str]]:
    """Return a schedule as form fields."""
    lunar = dict(part.split("=", 1) for part in schedule.lunar.split(";") if "=" in part)
    repeat = "lunar" if schedule.lunar else _repeat_of(schedule)
    one = {
        "title": schedule.title, "unit": schedule.unit_id, "what": schedule.what, "programme": schedule.programme_id,
        "category": schedule.category, "official": schedule.official_id,
        "second_official": schedule.second_official_id, "fallback": schedule.fallback_programme_id,
        "priority": schedule.priority, "day": schedule.starts.date().isoformat(), "time": f"{schedule.starts:%H:%M}",
        "repeat": repeat, "rule": schedule.rrule if repeat == "rule" else "", "lunar_days": lunar.get("DAY", ""),
        "lunar_month": lunar.get("MONTH", ""), "lunar_leap": lunar.get("LEAP", ""), "valid_from": schedule.valid_from,
        "valid_until": schedule.valid_until, "days": Days.ANY if repeat == "working_days" else schedule.days,
        "catch_up": schedule.catch_up_minutes,
        "minutes": None if schedule.expected_seconds is None else round(schedule.expected_seconds / 60),
        "enabled": "yes" if schedule.enabled else "no",
    }  # fmt: skip
    fields = {name: ["" if value is None else str(value)] for name, value in one.items()}
    weekdays = schedule.rrule.partition("BYDAY=")[2].split(",") if repeat == "weekly" else []
    items = [named(item.programme) for item in schedule.items]
    return {**fields, "zone": [str(zone.id) for zone in schedule.zones], "weekday": weekdays, "item": items}


def titled(session: Session, draft: Draft) -> Draft:
    """Return the draft; without a title it gets that of its content."""
    if draft.title.strip():
        return draft
    number = draft.programme_id or next(iter(draft.programme_ids), None)
    programme = session.get(Programme, number) if number else None
    official = session.get(Official, draft.official_id) if draft.official_id else None
    title = programme.title if programme else official.name if official else draft.category
    return replace(draft, title=title[:200])


def named(programme: Programme) -> str:
    """Return a programme as the playlist names it: its title, for people, and its number."""
    return f"{programme.title} (#{programme.id})"


def _playlist(form: Form) -> tuple[int, ...]:
    """Return the programmes of the playlist, in order. Raises NoSuchPart for words that name none."""
    found: list[int] = []
    for words in filter(str.strip, form.values("item")):
        number = _NAMED.search(words)
        if number is None:
            which = message("schedule.quoted", text=words.strip()[:60])
            raise NoSuchPart("schedule.no_such.programmes", which=which)
        found.append(int(number[1]))
    return tuple(found)


def _repeat_of(schedule: Schedule) -> str:
    rrule = schedule.rrule
    if not rrule:
        return "once"
    for repeat, rule in _RULES.items():
        if rrule == rule and (repeat != "daily" or schedule.days != Days.WORKING_DAYS):
            return repeat
    return "weekly" if _WEEKLY.fullmatch(rrule) else "rule"


def _rule(repeat: str, form: Form) -> str:
    """Return the rule. Raises ScheduleRefused for weekdays or a rule that the chosen repetition would ignore."""
    chosen = [day for day in WEEKDAYS if day in form.values("weekday")]
    if repeat != "weekly" and chosen:
        raise ScheduleRefused("panel.calendar.weekdays_unused", repeat=message(f"panel.repeat.{repeat}"))
    if repeat != "rule" and form.value("rule").strip():
        raise ScheduleRefused("panel.calendar.rule_unused", repeat=message(f"panel.repeat.{repeat}"))
    if repeat == "weekly":
        return "FREQ=WEEKLY" + (f";BYDAY={','.join(chosen)}" if chosen else "")
    return form.value("rule").strip() if repeat == "rule" else _RULES.get(repeat, "")


def _lunar(form: Form) -> str:
    month, leap = form.value("lunar_month"), form.value("lunar_leap")
    days = ",".join(form.value("lunar_days").replace(",", " ").split())
    return (f"MONTH={month};" if month else "") + f"DAY={days}" + (f";LEAP={leap}" if leap else "")


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _date(value: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(value) if value else None
    except ValueError:
        raise ScheduleRefused("panel.calendar.wrong_validity") from None


def _one_of(kind: type[E], value: str, field: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise ScheduleRefused("panel.calendar.choose", field=message(f"panel.calendar.{field}")) from None
