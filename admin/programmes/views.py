"""Pages of programmes: search, listen, edit, approval, broadcast."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, send_file, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.page_steps import NEW, Step, add_steps, or_new
from admin.access.permissions import needs, require_in
from admin.access.visitors import Visitor, visitor
from admin.layout.language import say, show_figure
from admin.layout.pages import Form, page, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from admin.programmes.making import new_page, preview_text, register_making, words_of_text, write_programme
from admin.programmes.scope import (
    LANGUAGES,
    EditedMeanwhile,
    about_from,
    find_programme,
    last_day,
    unit_of_programme,
    units_for,
)
from admin.sounds.voice_choices import voice_choices, voice_from
from broadcast_bridge.programmes import approval, intake, making_jobs, programme_retention, programme_search
from broadcast_bridge.programmes.history import changes_since_approval
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.programme_search import Wanted
from broadcast_bridge.programmes.states import PROGRAMME, Origin, ProgrammeEvent, ProgrammeState
from haichieu.account_rights import Action
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotFound
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.voice_choice import wanted_voices
from haichieu.state_machine import IllegalTransition

MOST_HISTORY = 50
Act = Callable[[Session, Programme, Form], None]


def register_programmes(app: Flask, panel: Panel) -> None:
    """Add the pages of programmes."""
    register_making(app, panel)
    add_steps(app, "/programmes/<int:number>/<step>", "programme_step", _address, _steps(panel))

    @app.template_filter("duration")
    def duration(seconds: float | None) -> str:
        return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

    @app.template_filter("tenths")
    def tenths(figure: float) -> str:
        return show_figure(float(figure), 1)

    @app.get("/programmes")
    @needs(Action.VIEW)
    def programmes() -> Response:
        """List the programmes of the visitor's units by words, state, category, unit and language, the newest first."""
        asked = {name: request.args.get(name, "")[:200] for name in ("q", "state", "category", "unit", "language")}
        number = min(max(request.args.get("page", 0, type=int), 0), 100_000)
        with panel.database.reading() as session:
            units = units_for(session, visitor(), also_retired=True)
            found, total = programme_search.find(session, _wanted(asked, visitor()), number)
            names = {unit.name for unit in units}
            return page(
                "programmes/programmes.html", found=found, total=total, asked=asked, number=number, units=units,
                more=(number + 1) * programme_search.PAGE < total, states=list(ProgrammeState),
                languages_spoken=LANGUAGES, categories=_categories(session, visitor()),
                usage=[one for one in programme_retention.usage(session) if one.unit in names],
            )  # fmt: skip

    @app.get("/programmes/<int:number>")
    @needs(Action.VIEW, where=unit_of_programme)
    def programme(number: int) -> Response:
        """Show one programme: audio, details, changes, next steps."""
        return _page_of(panel, number, Form(take_kept(panel)))

    @app.get("/programmes/<int:number>/sound")
    @needs(Action.VIEW, where=unit_of_programme)
    def programme_sound(number: int) -> Response:
        """Return the audio, at 16 kHz where available, with range requests."""
        with panel.database.reading() as session:
            sound = find_programme(session, number).sound
            file = panel.store.path(sound) if sound else None
        if file is None or not file.exists():
            raise NotFound("panel.programmes.no_sound")
        wide = file.with_suffix(".wav16")
        response = send_file(wide if wide.exists() else file, mimetype="audio/wav", conditional=True, max_age=0)
        response.headers["Cache-Control"] = "private, no-cache"
        return response


def _steps(panel: Panel) -> Mapping[str, Step]:
    """Return the form of a programme, number 0 for a new one, what is tried in it, and the steps of its approval."""

    def show(number: int) -> Response:
        form = Form(take_kept(panel))
        return new_page(panel, form) if number == NEW else _edit_page(panel, number, form)

    def save(number: int) -> Response:
        return write_programme(panel) if number == NEW else _change_programme(panel, number)

    def step(name: str, action: Action, act: Act) -> Step:
        def take(number: int) -> Response:
            form = sent_form()
            try:
                with panel.database.session() as session:
                    act(session, find_programme(session, number), form)
            except (approval.ApprovalRefused, IllegalTransition) as refusal:
                form.problems[""] = refusal_message(refusal)
                return _page_of(panel, number, form, 409)
            flash(say(f"programmes.done_{name}"))
            return redirect(url_for("programme", number=number), 303)

        return Step(action, take, where=unit_of_programme)

    def send_back(session: Session, one: Programme, form: Form) -> None:
        approval.send_back(session, one, visitor().actor, form.value("because"), now())

    here_or_new = or_new(unit_of_programme)
    edit, approve = Action.EDIT, Action.APPROVE
    return {
        "edit": Step(edit, save, show, here_or_new, checks_units=True),
        "preview": Step(edit, lambda number: preview_text(panel, number), where=here_or_new),
        "reading": Step(edit, lambda number: words_of_text(panel), where=here_or_new),
        "submit": step("submit", edit, lambda session, one, _: approval.submit(session, one, visitor().actor, now())),
        "approve": step(
            "approve", approve, lambda session, one, _: approval.approve(session, one, visitor().actor, now())
        ),
        "return": step("return", approve, send_back),
        "withdraw": step(
            "withdraw", edit, lambda session, one, _: approval.withdraw(session, one, visitor().actor, now())
        ),
    }  # fmt: skip


def _change_programme(panel: Panel, number: int) -> Response:
    """Change a programme; it becomes a draft again. 409 when another user changed it meanwhile."""
    form = sent_form()
    try:
        _change(panel, number, form)
    except HaiChieuError as refusal:
        form.problems[""] = refusal_message(refusal)
        return _edit_page(panel, number, form, 409 if isinstance(refusal, EditedMeanwhile) else 422)
    return redirect(url_for("programme", number=number), 303)


def _address(number: int) -> str:
    return url_for("programme_step", number=NEW, step="edit") if number == NEW else url_for("programme", number=number)


def _wanted(asked: dict[str, str], who: Visitor) -> Wanted:
    unit = int(asked["unit"]) if asked["unit"].isascii() and asked["unit"].isdigit() else 0
    states = [ProgrammeState(asked["state"])] if asked["state"] in list(ProgrammeState) else []
    units = [unit] if unit in who.units else list(who.units)
    return Wanted(asked["q"], units, states, asked["category"], asked["language"])


def _categories(session: Session, who: Visitor) -> list[str]:
    used = sa.select(Programme.category).where(Programme.category != "", Programme.unit_id.in_(who.units))
    return sorted(session.scalars(used.distinct()))


def _page_of(panel: Panel, number: int, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        one, who = find_programme(session, number), visitor()
        open_steps = {str(event) for event in ProgrammeEvent if (ProgrammeState(one.state), event) in PROGRAMME.table}
        history = session.scalars(
            sa.select(AuditEntry)
            .where(AuditEntry.subject == f"programme:{number}")
            .order_by(AuditEntry.id.desc())
            .limit(MOST_HISTORY)
        ).all()
        return page(
            "programmes/programme.html", status, programme=one, form=form, open_steps=open_steps, history=history,
            changes=changes_since_approval(session, one),
            own_work=who.actor == one.author and not one.unit.author_may_approve,
            may={action.value: who.may(action) for action in (Action.EDIT, Action.APPROVE, Action.AIR)},
        )  # fmt: skip


def _edit_page(panel: Panel, number: int, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        one = find_programme(session, number)
        edition = form.value("edition") if status == 422 else one.updated_at.isoformat()
        return page(
            "programmes/programme_form.html", status, programme=one, form=form, edition=edition,
            languages_spoken=LANGUAGES,
            last_day=last_day(session, one), longest_text=intake.LONGEST_TEXT,
            voice_choices=voice_choices(panel, form.value("voice", one.voice or "")),
        )  # fmt: skip


def _change(panel: Panel, number: int, form: Form) -> None:
    """Save what was typed; another text or voice is spoken first, outside the transaction, a long one by the worker."""
    with panel.database.reading() as session:
        one = find_programme(session, number)
        text = form.value("text").strip().replace("\r\n", "\n")
        require_in(session, Action.EDIT, [one.unit_id])
        voice = voice_from(form.value("voice"))
        says_other = one.origin == Origin.TEXT and (text != one.text or voice != one.voice)
        voices = panel.synthesiser.preferring(wanted_voices(session, one.unit_id, voice))
        _require_edition(one, form)
    if not says_other:
        with panel.database.session() as session:
            one = find_programme(session, number)
            _require_edition(one, form)
            intake.change(session, one, about_from(session, form.value, visitor(), one), visitor().actor, now())
        flash(say("programmes.changed"))
        return
    panel.store.require_space()
    if len(text) > making_jobs.LONG_TEXT:
        with panel.database.session() as session:
            one = find_programme(session, number)
            _require_edition(one, form)
            about = about_from(session, form.value, visitor(), one)
            by = dataclasses.replace(about, author=visitor().actor, author_name=visitor().account.name)
            making_jobs.begin_change(session, one, by, text, now())
        flash(say("work.begun"))
        return
    with panel.store.scratch() as folder:
        ready = intake.ready_text(
            text, form.value("language", "vi"), voices, Path(folder), dictionary_of(panel.database)
        )
        placed = intake.put(panel.store, ready)
        with panel.database.session() as session:
            one = find_programme(session, number)
            _require_edition(one, form)
            intake.change(session, one, about_from(session, form.value, visitor(), one), visitor().actor, now())
            intake.replace_text(session, panel.store, one, placed, visitor().actor, now())
    flash(say("programmes.changed"))


def _require_edition(programme: Programme, form: Form) -> None:
    if form.value("edition") != programme.updated_at.isoformat():
        raise EditedMeanwhile("panel.programmes.edited_meanwhile")
