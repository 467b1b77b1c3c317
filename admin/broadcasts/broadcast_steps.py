"""Steps on a broadcast, each confirmed on a page: stop it, air it again, make a programme of its recording."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.page_steps import Step, add_steps
from admin.access.permissions import require_in
from admin.access.visitors import visitor
from admin.broadcasts.scope import find_broadcast, units_of_broadcast
from admin.entries.entry_fields import Field
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from broadcast_bridge.broadcasts import calling_off, catch_up
from broadcast_bridge.broadcasts.broadcast_lifecycle import is_open
from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.programmes import intake, rebroadcast
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.speakers.zones import speakers_in
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed

DoStep = Callable[[Panel, int], Response]
TITLE = Field("title", label="log.title", hint="log.title_hint", required=True)


def register_broadcast_steps(app: Flask, panel: Panel) -> None:
    """Add the steps."""

    def step(action: Action, do: DoStep, ask: DoStep, *, checks_units: bool = False) -> Step:
        return Step(action, partial(do, panel), partial(ask, panel), units_of_broadcast, checks_units)

    steps = {
        "stop": step(Action.AIR, _stop, _ask_stop),
        "again": step(Action.AIR, _air_again, _ask_again, checks_units=True),
        "programme": step(Action.EDIT, _keep_programme, _ask_title),
    }
    add_steps(app, "/broadcasts/<int:number>/<step>", "broadcast_step", _address, steps)


def _address(number: int) -> str:
    return url_for("broadcast_page", number=number)


def _ask_stop(panel: Panel, number: int) -> Response:
    """Ask for confirmation before stopping a broadcast."""
    with panel.database.reading() as session:
        one = find_broadcast(session, visitor(), number)
        missing = catch_up.missing_later(session, one, now())
    says = button = ""
    if is_open(one):
        button = say("stop.confirm")
    elif missing:
        says, button = say("stop.missing", count=missing), say("stop.call_off")
    facts = [
        (say("stop.who"), one.on_air_name), (say("stop.where"), one.zone_names),
        (say("stop.state"), say(f"broadcast_state.{one.state}")),
    ]  # fmt: skip
    return page(
        "broadcasts/confirm.html", heading=say("stop.title"), says=says or ("" if button else say("stop.over")),
        facts=facts,
        button=button, is_grave=True, back=url_for("now"), form=Form(), fields=(),
    )  # fmt: skip


def _stop(panel: Panel, number: int) -> Response:
    """Stop a broadcast, or call off one that is over for the speakers that would still get it."""
    with panel.database.session() as session:
        was_open = is_open(find_broadcast(session, visitor(), number))
        called_off = calling_off.stop(session, number, visitor().actor, now())
    flash(say("stop.done") if was_open else say("stop.called_off", count=called_off))
    return redirect(url_for("now") if was_open else _address(number), 303)


def _ask_again(panel: Panel, number: int) -> Response:
    """Show which speakers will play it, for confirmation."""
    with panel.database.reading() as session:
        one = find_broadcast(session, visitor(), number)
        rebroadcast.what_again(session, one, now())
        speakers = _speakers_now(session, one)
        reachable = sum(speaker.counts_as_reachable for speaker in speakers)
    facts = [
        (say("log.what"), one.on_air_name), (say("log.zones"), one.zone_names),
        (say("log.priority"), say(f"priority.{one.priority}")),
        (say("emergency.speakers"), [speaker.name for speaker in speakers]),
    ]  # fmt: skip
    return page(
        "broadcasts/confirm.html", heading=say("log.again_title"), facts=facts,
        says=say("log.again_sounds", reachable=reachable, total=len(speakers)), button=say("log.again_confirm"),
        is_grave=False, back=_address(number), form=Form(), fields=(),
    )  # fmt: skip


def _air_again(panel: Panel, number: int) -> Response:
    """Repeat the broadcast now."""
    with panel.database.session() as session:
        broadcast = find_broadcast(session, visitor(), number)
        units = {speaker.unit_id for speaker in _speakers_now(session, broadcast)}
        again = rebroadcast.what_again(session, broadcast, now())
        require_in(session, Action.AIR if again.was_approved else Action.ANNOUNCE, units)
        aired = rebroadcast.air_again(session, broadcast, visitor().actor, now())
    flash(say("log.aired_again", number=aired.id))
    return redirect(_address(aired.id), 303)


def _ask_title(panel: Panel, number: int) -> Response:
    """Ask for the title of the programme made from a recording."""
    with panel.database.reading() as session:
        rebroadcast.recording_of(find_broadcast(session, visitor(), number))
    return _title_page(number, Form(take_kept(panel)))


def _title_page(number: int, form: Form, status: int = 200) -> Response:
    return page(
        "broadcasts/confirm.html", status, heading=say("log.keep_title"), says=say("log.keep_how"), facts=(),
        button=say("log.keep_confirm"), is_grave=False, back=_address(number), form=form, fields=[TITLE],
    )  # fmt: skip


def _keep_programme(panel: Panel, number: int) -> Response:
    """Save the recording as a programme of the visitor's unit and submit it for approval."""
    form, who = sent_form(), visitor()
    with panel.database.reading() as session:
        broadcast = find_broadcast(session, who, number)
        recording = panel.store.path(rebroadcast.recording_of(broadcast))
    about = About(form.value("title"), who.account.unit_id, who.actor, who.account.name)
    try:
        with panel.store.scratch() as folder:
            placed = intake.put(panel.store, rebroadcast.ready_again(recording, Path(folder)))
            with panel.database.session() as session:
                kept = rebroadcast.keep_as_programme(session, panel.store, about, placed, now()).id
    except NotAllowed:
        raise
    except HaiChieuError as refusal:
        form.problems[""] = refusal.message
        return _title_page(number, form, 422)
    flash(say("log.kept", number=kept))
    return redirect(_address(number), 303)


def _speakers_now(session: Session, broadcast: Broadcast) -> list[Speaker]:
    """Return the speakers that would play it now."""
    zones = session.scalars(sa.select(Zone.id).where(Zone.code.in_(broadcast.zone_codes), Zone.removed_at.is_(None)))
    singles = session.scalars(
        sa.select(Speaker).where(Speaker.code.in_(broadcast.speaker_codes), Speaker.removed_at.is_(None))
    )
    found = {speaker.code: speaker for speaker in (*speakers_in(session, zones), *singles)}
    return [found[code] for code in sorted(found)]
