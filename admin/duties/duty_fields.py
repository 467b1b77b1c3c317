"""The form of an entry: conversion between its fields and drafts."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.broadcasts.zone_choices import ZoneChoice
from admin.calendar.scope import choices
from admin.entries.entry_fields import Control, Field
from admin.layout.language import say, sentence
from admin.layout.pages import Form
from broadcast_bridge.duties.duty_register import DutyDraft
from broadcast_bridge.duties.duty_rules import duty_rules
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.unit_names import unit_names

Options = Sequence[tuple[str, str]]


def _field(name: str, label: str, hint: str = "", **more: Any) -> Field:
    return Field(name, label=f"duties.{label}", hint=f"duties.{hint}" if hint else "", **more)


CHANGED = (
    _field("decision", "decision", sample="12/QĐ-UBND"),
    _field("decided_on", "decided_on", type="date", required=True),
    _field("event_on", "event_on", "event_hint", type="date"),
    _field(
        "programme", "programme", "programme_hint", control=Control.CHOICE, rows="programmes",
        empty="duties.programme_later",
    ),
    _field("run_time", "run_time", "run_time_hint", type="time", required=True),
)  # fmt: skip
TITLE = _field("title", "what", required=True)
FIELDS = (TITLE, *CHANGED)
"""Fields of an entry that exists; its rule, unit and zones are chosen once."""
FIELDS_OF_NEW = (
    TITLE, _field("rule", "rule", "rule_hint", control=Control.CHOICE, rows="rules"), *CHANGED,
    Field("unit", Control.CHOICE, label="programmes.unit", rows="units"),
)  # fmt: skip


@dataclass(frozen=True)
class Offered:
    """What a visitor may choose in the form: values with their words by field, and zones."""

    choices: Mapping[str, Options]
    zones: Sequence[ZoneChoice]


def offered_to(session: Session, who: Visitor, also_programme: int | None) -> Offered:
    """Return the choices of a visitor; `also_programme` is an older programme of these units."""
    found, names = choices(session, who, also_programme), unit_names(session)
    programmes = [
        (
            str(one.id),
            one.title
            if one.state == ProgrammeState.APPROVED
            else f"{one.title} ({say(f'programme_state.{one.state}')})",
        )
        for one in found.programmes
    ]
    rules = [(rule.key, sentence(rule.name)) for rule in duty_rules().values()]
    units = [(str(one.id), str(names[one.id])) for one in found.units]
    return Offered({"rules": rules, "programmes": programmes, "units": units}, found.zones)


def draft_from(form: Form, duty: Duty | None = None) -> DutyDraft:
    """Return what a form asks for; the rule, the unit and the zones of an existing entry stay."""
    zones = [int(one) for one in form.values("zone") if one.isascii() and one.isdigit() and len(one) < 10]
    return DutyDraft(
        title=form.value("title"),
        rule=duty.rule if duty else form.value("rule"),
        unit_id=duty.unit_id if duty else form.row_id("unit"),
        zone_ids=[zone.id for zone in duty.zones if zone.removed_at is None] if duty else zones,
        decided_on=_day(form.value("decided_on")),
        run_time=_time(form.value("run_time")),
        decision=form.value("decision"),
        event_on=_day(form.value("event_on")),
        programme_id=form.row_id("programme") or None,
    )


def fields_of(duty: Duty) -> dict[str, Sequence[str]]:
    """Return an entry as the fields of its form."""
    return {
        "title": [duty.title],
        "decision": [duty.decision],
        "decided_on": [duty.decided_on.isoformat()],
        "event_on": [duty.event_on.isoformat() if duty.event_on else ""],
        "run_time": [duty.run_time],
        "programme": [str(duty.programme_id or "")],
    }


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> datetime.time | None:
    try:
        return datetime.time.fromisoformat(text[:5])
    except ValueError:
        return None
