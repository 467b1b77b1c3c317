"""The schedule form: conversion between form fields and drafts."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from admin.layout.pages import Form
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.schedule.editing import Draft
from broadcast_bridge.schedule.errors import ScheduleRefused
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.states import Days, What
from haichieu.locale import message

E = TypeVar("E", bound=StrEnum)

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
REPEATS = ("once", "daily", "weekly", "monthly", "lunar", "rule")


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
        playlist_id=_number(form.value("playlist")) if what is What.PLAYLIST else None,
        official_id=_number(form.value("official")) if what is What.LIVE else None,
        second_official_id=_number(form.value("second_official")) if what is What.LIVE else None,
        fallback_programme_id=_number(form.value("fallback")) if what is What.LIVE else None,
        priority=_one_of(Priority, form.value("priority", "normal"), "priority"),
        rrule=_rule(repeat, form), lunar=_lunar(form) if repeat == "lunar" else "",
        valid_from=_date(form.value("valid_from")), valid_until=_date(form.value("valid_until")),
        days=_one_of(Days, form.value("days", "any"), "days"),
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
    repeat = "lunar" if schedule.lunar else _repeat_of(schedule.rrule)
    weekdays = schedule.rrule.partition("BYDAY=")[2].split(",") if repeat == "weekly" else []
    if lunar.get("LEAP"):
        repeat = "lunar"
    one = {
        "title": schedule.title, "unit": schedule.unit_id, "what": schedule.what, "programme": schedule.programme_id,
        "playlist": schedule.playlist_id, "official": schedule.official_id,
        "second_official": schedule.second_official_id, "fallback": schedule.fallback_programme_id,
        "priority": schedule.priority, "day": schedule.starts.date().isoformat(), "time": f"{schedule.starts:%H:%M}",
        "repeat": repeat, "rule": schedule.rrule if repeat == "rule" else "", "lunar_days": lunar.get("DAY", ""),
        "lunar_month": lunar.get("MONTH", ""), "lunar_leap": lunar.get("LEAP", ""), "valid_from": schedule.valid_from,
        "valid_until": schedule.valid_until, "days": schedule.days, "catch_up": schedule.catch_up_minutes,
        "minutes": None if schedule.expected_seconds is None else round(schedule.expected_seconds / 60),
        "enabled": "yes" if schedule.enabled else "no",
    }  # fmt: skip
    fields = {name: ["" if value is None else str(value)] for name, value in one.items()}
    return {**fields, "zone": [str(zone.id) for zone in schedule.zones], "weekday": weekdays}


def _repeat_of(rrule: str) -> str:
    if not rrule:
        return "once"
    simple = {"FREQ=DAILY": "daily", "FREQ=MONTHLY": "monthly", "FREQ=WEEKLY": "weekly"}
    head, _, weekdays = rrule.partition(";BYDAY=")
    if head == "FREQ=WEEKLY" and weekdays and set(weekdays.split(",")) <= set(WEEKDAYS):
        return "weekly"
    return simple.get(rrule, "rule")


def _rule(repeat: str, form: Form) -> str:
    """Return the rule. Raises ScheduleRefused for weekdays or a rule that the chosen repetition would ignore."""
    if repeat != "weekly" and any(day in WEEKDAYS for day in form.values("weekday")):
        raise ScheduleRefused("panel.calendar.weekdays_unused", repeat=message(f"panel.repeat.{repeat}"))
    if repeat != "rule" and form.value("rule").strip():
        raise ScheduleRefused("panel.calendar.rule_unused", repeat=message(f"panel.repeat.{repeat}"))
    match repeat:
        case "daily":
            return "FREQ=DAILY"
        case "monthly":
            return "FREQ=MONTHLY"
        case "weekly":
            chosen = [day for day in WEEKDAYS if day in form.values("weekday")]
            return "FREQ=WEEKLY" + (f";BYDAY={','.join(chosen)}" if chosen else "")
        case "rule":
            return form.value("rule").strip()
        case _:
            return ""


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
