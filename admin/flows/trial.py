"""Test of a flow without a telephone: every question is a form with a keypad.

The keys pressed so far are in the address, and the call is replayed from them each time.
"""

import asyncio
import dataclasses

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.visitors import visitor
from admin.entries.scope import zones_to_choose
from admin.flows.scope import open_prompts
from admin.layout.pages import page
from admin.panel import Panel
from broadcast_bridge.repairs.pole_codes import grouped
from broadcast_bridge.speakers.zones import speakers_in
from feedback.models import Category
from ivr.custom_flows import versions
from ivr.custom_flows.trial_call import (
    CODE,
    ENTERED,
    LONGEST_KEYS,
    MOST_KEYS,
    PIN,
    PRESSED,
    Circumstances,
    Trial,
    try_out,
)
from ivr.custom_flows.versions import current_number, find_version
from ivr.desks.protocols import CategorySeen
from ivr.flows.definition import parse_flow
from ivr.flows.mistakes import FlowMistakes, Mistake
from ivr.flows.session import ZoneSeen
from ivr.simulator.repair_desks import CODE as CODE_OF_POLE
from ivr.simulator.repair_desks import CODE_OF_BROKEN

KEYPAD = "123456789*0#"
DRAFT = "draft"
MOST_ZONES = 20
MOST_VERSIONS = 20
_SIGNS = {
    "☎ answered": "answered", "☎ hung up by the station": "station_hung_up", "● recorded": "recorded", "♪": "tone",
    "▶": "played",
}  # fmt: skip


def try_flow(panel: Panel, name: str) -> Response:
    """Simulate a call with the keys in the address, and show a keypad for the next."""
    keys, of = _keys(), request.args.get("of", DRAFT)
    with panel.database.reading() as session:
        prompts, about = open_prompts(panel), _circumstances(session)
        draft, current = versions.find_draft(session, name), current_number(session, name)
        number = int(of) if of.isdecimal() and len(of) < 10 else current
        of = DRAFT if of == DRAFT and draft else str(number)
        definition = draft.definition if draft and of == DRAFT else find_version(session, name, number)
    mistakes: tuple[Mistake, ...] = ()
    trial: Trial | None = None
    try:
        trial = asyncio.run(try_out(parse_flow(definition), keys, prompts, about))
    except FlowMistakes as found:
        mistakes = found.mistakes
    return page(
        "flows/flow_trial.html", name=name, of=of, number=number, has_draft=draft is not None, keys=keys, trial=trial,
        numbers=range(current, max(current - MOST_VERSIONS, -1), -1), shown=_lines(trial) if trial else [],
        mistakes=mistakes, about=about, spoken=prompts.languages, keypad=KEYPAD, code=CODE, pin=PIN,
        pole=grouped(CODE_OF_POLE), broken=grouped(CODE_OF_BROKEN),
        longest=LONGEST_KEYS, full=len(keys) >= MOST_KEYS,
    )  # fmt: skip


def _keys() -> list[str]:
    """Return the keys so far, including the one just pressed."""
    keys = request.args.getlist("keys")[:MOST_KEYS]
    if (key := request.args.get("key", "")) and key in KEYPAD:
        return [*keys, key]
    match request.args.get("then", ""):
        case "back":
            return keys[:-1]
        case "silent":
            return [*keys, ""]
        case "press" if typed := "".join(each for each in request.args.get("next", "") if each in KEYPAD):
            return [*keys, typed[:LONGEST_KEYS]]
    return keys


def _circumstances(session: Session) -> Circumstances:
    """Return the chosen circumstances, with the station's own zones and categories."""
    zones = {}
    for zone in zones_to_choose(session, visitor())[:MOST_ZONES]:
        speakers = speakers_in(session, [zone.id])
        reachable = sum(bool(speaker.reachable) for speaker in speakers)
        zones[zone.code] = ZoneSeen(zone.code, zone.name, reachable, len(speakers))
    topics = session.scalars(sa.select(Category).order_by(Category.code)).all()
    about = Circumstances(
        language=request.args.get("language", "vi")[:3],
        known_caller=request.args.get("caller") != "stranger",
        called_back=request.args.get("called_back") == "yes",
        categories=[CategorySeen(one.id, one.code, one.name) for one in topics if one.code in set("123456789")],
    )
    return dataclasses.replace(about, zones=zones) if zones else about


def _lines(trial: Trial) -> list[tuple[str, str]]:
    """Return the lines of the call, each with its kind."""
    return [_line(line) for line in trial.lines]


def _line(line: str) -> tuple[str, str]:
    if line.startswith(ENTERED):
        return "step", line.removeprefix(ENTERED)
    if line.startswith(PRESSED):
        return "pressed" if line != PRESSED else "silent", line.removeprefix(PRESSED)
    return (_SIGNS[line], "") if line in _SIGNS else ("said", line)
