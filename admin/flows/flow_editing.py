"""Editing a flow's draft as a tree of steps with forms, or as JSON."""

from collections.abc import Callable

from flask import Flask, flash, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.flows.scope import prompt_choices, sent_text, units_of_flow, words_to_change, work_on
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError
from ivr.custom_flows import editor, versions
from ivr.custom_flows.editor import PROMPT_FIELDS, exits_of, fields_of
from ivr.custom_flows.errors import FlowChangedMeanwhile, StepRefused
from ivr.custom_flows.sketch import VERBS, Sketch, read_sketch
from ivr.flows.mistakes import FlowMistakes
from ivr.prompts.station_prompts import FALLBACK_LANGUAGE

CONFIGURE = Action.CONFIGURE
TITLE_LANGUAGES = (FALLBACK_LANGUAGE, "en")
LONGEST_FIELD = 200
REFUSALS = (FlowMistakes, FlowChangedMeanwhile, StepRefused)


def register_flow_editing(app: Flask, panel: Panel) -> None:
    """Add the pages that edit a draft."""

    @app.get("/flows/<name>/draft")
    @needs(CONFIGURE, where=units_of_flow)
    def flow_draft(name: str) -> Response:
        """Show the draft as a tree of steps with the mistakes of each; without a draft, the current version."""
        return _draft_page(panel, name, Form(take_kept(panel)))

    @app.post("/flows/<name>/draft")
    @needs(CONFIGURE, where=units_of_flow)
    def change_flow_draft(name: str) -> Response:
        """Change the titles and the start steps of the flow."""
        titles = {language: sent_text(f"title_{language}", LONGEST_FIELD) for language in TITLE_LANGUAGES}
        entries = sent_text("start", LONGEST_FIELD), sent_text("call_back_entry", LONGEST_FIELD)
        return _on_draft(panel, name, lambda sketch: editor.set_beginning(sketch, titles, *entries))

    @app.post("/flows/<name>/draft/discard")
    @needs(CONFIGURE, where=units_of_flow)
    def discard_flow_draft(name: str) -> Response:
        """Discard the draft (requires the confirmation box)."""
        form = sent_form()
        if not form.chosen("sure", "yes"):
            form.problems[""] = say("entry.not_sure")
            return _draft_page(panel, name, form, 422)
        try:
            with panel.database.session() as session:
                versions.discard_draft(session, name, form.value("seen"), visitor().actor)
        except FlowChangedMeanwhile as refusal:
            form.problems[""] = refusal.message
            return _draft_page(panel, name, form, 409)
        flash(say("flows.discarded"))
        return redirect(url_for("flow", name=name), 303)

    @app.post("/flows/<name>/draft/steps")
    @needs(CONFIGURE, where=units_of_flow)
    def add_flow_step(name: str) -> Response:
        """Add a step, linked from an exit of another where chosen; its form is shown next."""
        step, verb = sent_text("step", LONGEST_FIELD), sent_text("verb", LONGEST_FIELD)
        before, exit_name = sent_text("before", LONGEST_FIELD), sent_text("exit", LONGEST_FIELD)
        leading = (before, exit_name) if before and exit_name else None
        there = url_for("flow_step", name=name, step=step or "-")
        return _on_draft(panel, name, lambda sketch: editor.add_step(sketch, step, verb, leading), there)

    @app.get("/flows/<name>/draft/steps/<step>")
    @needs(CONFIGURE, where=units_of_flow)
    def flow_step(name: str, step: str) -> Response:
        """Show the form of one step: its fields and its exits."""
        return _step_page(panel, name, step, Form(take_kept(panel)))

    @app.post("/flows/<name>/draft/steps/<step>")
    @needs(CONFIGURE, where=units_of_flow)
    def change_flow_step(name: str, step: str) -> Response:
        """Save a step."""
        form = sent_form()
        typed, exits = _fields_named("field_"), _fields_named("exit_")
        new_id = sent_text("step", LONGEST_FIELD)
        try:
            _change(panel, name, lambda sketch: editor.change_step(sketch, step, new_id, typed, exits))
        except REFUSALS as refusal:
            form.problems[""] = refusal.message
            return _step_page(panel, name, step, form, _status(refusal))
        flash(say("flows.step_saved"))
        return redirect(url_for("flow_draft", name=name, _anchor=f"step-{new_id}"), 303)

    @app.post("/flows/<name>/draft/steps/<step>/remove")
    @needs(CONFIGURE, where=units_of_flow)
    def remove_flow_step(name: str, step: str) -> Response:
        """Remove a step and redirect its incoming exits to another, where chosen."""
        instead = sent_text("instead", LONGEST_FIELD)
        return _on_draft(panel, name, lambda sketch: editor.remove_step(sketch, step, instead))

    @app.post("/flows/<name>/draft/steps/<step>/order")
    @needs(CONFIGURE, where=units_of_flow)
    def order_flow_step(name: str, step: str) -> Response:
        """Reorder the targets of a menu's exits: `order` after dragging, or `move` one up or down."""
        form = sent_form()
        order, (moved, _, by) = form.values("order"), form.value("move").partition(":")

        def change(sketch: Sketch) -> None:
            if order:
                editor.reorder_exits(sketch, step, order)
            else:
                editor.move_exit(sketch, step, moved, 1 if by == "down" else -1)

        return _on_draft(panel, name, change, url_for("flow_draft", name=name, _anchor=f"step-{step}"))

    @app.get("/flows/<name>/draft/json")
    @needs(CONFIGURE, where=units_of_flow)
    def flow_json(name: str) -> Response:
        """Show the definition as JSON."""
        return _json_page(panel, name, Form(take_kept(panel)))

    @app.post("/flows/<name>/draft/json")
    @needs(CONFIGURE, where=units_of_flow)
    def write_flow_json(name: str) -> Response:
        """Save a definition as the draft."""
        form = sent_form()
        try:
            with panel.database.session() as session:
                versions.save_draft(session, name, form.value("definition"), form.value("seen"), visitor().actor, now())
        except (FlowMistakes, FlowChangedMeanwhile) as refusal:
            form.problems[""] = refusal.message
            return _json_page(panel, name, form, _status(refusal))
        flash(say("flows.saved"))
        return redirect(url_for("flow_draft", name=name), 303)


def _fields_named(prefix: str) -> dict[str, str]:
    sent = request.form.items()
    return {name.removeprefix(prefix): text[:LONGEST_FIELD] for name, text in sent if name.startswith(prefix)}


def _change(panel: Panel, name: str, change: Callable[[Sketch], None]) -> None:
    """Change the draft, or create it from the current version. Raises REFUSALS."""
    seen = sent_form().value("seen")
    with panel.database.session() as session:
        definition = versions.at_work(session, name)
        if seen != versions.mark_of(definition):
            raise FlowChangedMeanwhile(name)
        sketch = read_sketch(definition)
        change(sketch)
        versions.save_draft(session, name, sketch.text, seen, visitor().actor, now())


def _on_draft(panel: Panel, name: str, change: Callable[[Sketch], None], there: str = "") -> Response:
    """Change the draft and redirect to `there`; on refusal, show the draft's page with the message."""
    try:
        _change(panel, name, change)
    except REFUSALS as refusal:
        form = sent_form()
        form.problems[""] = refusal.message
        return _draft_page(panel, name, form, _status(refusal))
    return redirect(there or url_for("flow_draft", name=name), 303)


def _draft_page(panel: Panel, name: str, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        work = work_on(panel, session, name)
        current = read_sketch(versions.find_version(session, name, work.current))
        wrong_words = words_to_change(session, work, current, work.sketch)
    return page(
        "flow_draft.html", status, work=work, form=form, verbs=list(VERBS), title_languages=TITLE_LANGUAGES,
        wrong_words=wrong_words,
    )  # fmt: skip


def _step_page(panel: Panel, name: str, step_id: str, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        work = work_on(panel, session, name)
        step = work.sketch.step(step_id)
        if step is None:
            if status == 200:
                raise NotFound
            return page("flow_step_gone.html", status, work=work, form=form, step_id=step_id)
        fields = fields_of(step["verb"])
        chosen = [str(step.get(field.name) or "") for field in fields if field.name in PROMPT_FIELDS]
        prompts = prompt_choices(work, form.value("field_prompt") or next(iter(chosen), ""))
    return page(
        "flow_step.html", status, work=work, step=step, form=form, fields=fields, exits=exits_of(step["verb"]),
        prompts=prompts,
    )  # fmt: skip


def _json_page(panel: Panel, name: str, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        work = work_on(panel, session, name)
    return page("flow_json.html", status, work=work, form=form, changed=status == 409)


def _status(refusal: HaiChieuError) -> int:
    return 409 if isinstance(refusal, FlowChangedMeanwhile) else 422
