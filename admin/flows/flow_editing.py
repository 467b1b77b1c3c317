"""Editing a flow's draft as a tree of steps with forms, or as JSON."""

from collections.abc import Callable, Mapping

from flask import Flask, flash, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.page_steps import Step
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
ShowPage = Callable[[Panel, str, Form], Response]
REFUSALS = (FlowMistakes, FlowChangedMeanwhile, StepRefused)


def editing_steps(panel: Panel) -> Mapping[str, Step]:
    """Return the steps that edit a draft: its beginning, adding a node, the JSON, and discarding it."""

    def step(do: Callable[[Panel, str], Response], show: ShowPage | None = None) -> Step:
        shown = (lambda name: show(panel, name, Form(take_kept(panel)))) if show is not None else None
        return Step(CONFIGURE, lambda name: do(panel, name), shown, units_of_flow)

    return {
        "draft": step(_change_beginning, _draft_page),
        "add": step(_add_node),
        "json": step(_write_json, _json_page),
        "discard": step(_discard),
    }


def register_nodes(app: Flask, panel: Panel) -> None:
    """Add the form of one step of a draft."""

    @app.get("/flows/<name>/draft/<node>")
    @needs(CONFIGURE, where=units_of_flow)
    def flow_node(name: str, node: str) -> Response:
        """Show the form of one step: its fields and its exits."""
        return _node_page(panel, name, node, Form(take_kept(panel)))

    @app.post("/flows/<name>/draft/<node>")
    @needs(CONFIGURE, where=units_of_flow)
    def change_flow_node(name: str, node: str) -> Response:
        """Save a step of the draft; with `do`, remove it or reorder the targets of its exits."""
        change = {"remove": _remove_node, "order": _order_exits}.get(sent_form().value("do"), _save_node)
        return change(panel, name, node)


def _change_beginning(panel: Panel, name: str) -> Response:
    """Change the titles and the start steps of the flow."""
    titles = {language: sent_text(f"title_{language}", LONGEST_FIELD) for language in TITLE_LANGUAGES}
    entries = sent_text("start", LONGEST_FIELD), sent_text("call_back_entry", LONGEST_FIELD)
    return _on_draft(panel, name, lambda sketch: editor.set_beginning(sketch, titles, *entries))


def _discard(panel: Panel, name: str) -> Response:
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


def _add_node(panel: Panel, name: str) -> Response:
    """Add a step, linked from an exit of another where chosen; its form is shown next."""
    step, verb = sent_text("step", LONGEST_FIELD), sent_text("verb", LONGEST_FIELD)
    before, exit_name = sent_text("before", LONGEST_FIELD), sent_text("exit", LONGEST_FIELD)
    leading = (before, exit_name) if before and exit_name else None
    there = url_for("flow_node", name=name, node=step or "-")
    return _on_draft(panel, name, lambda sketch: editor.add_step(sketch, step, verb, leading), there)


def _save_node(panel: Panel, name: str, node: str) -> Response:
    form = sent_form()
    typed, exits = _fields_named("field_"), _fields_named("exit_")
    new_id = sent_text("step", LONGEST_FIELD)
    try:
        _change(panel, name, lambda sketch: editor.change_step(sketch, node, new_id, typed, exits))
    except REFUSALS as refusal:
        form.problems[""] = refusal.message
        return _node_page(panel, name, node, form, _status(refusal))
    flash(say("flows.step_saved"))
    return redirect(_draft(name, new_id), 303)


def _remove_node(panel: Panel, name: str, node: str) -> Response:
    """Remove a step and redirect its incoming exits to another, where chosen."""
    instead = sent_text("instead", LONGEST_FIELD)
    return _on_draft(panel, name, lambda sketch: editor.remove_step(sketch, node, instead))


def _order_exits(panel: Panel, name: str, node: str) -> Response:
    """Reorder the targets of a menu's exits: `order` after dragging, or `move` one up or down."""
    form = sent_form()
    order, (moved, _, by) = form.values("order"), form.value("move").partition(":")

    def change(sketch: Sketch) -> None:
        if order:
            editor.reorder_exits(sketch, node, order)
        else:
            editor.move_exit(sketch, node, moved, 1 if by == "down" else -1)

    return _on_draft(panel, name, change, _draft(name, node))


def _write_json(panel: Panel, name: str) -> Response:
    """Save a definition as the draft."""
    form = sent_form()
    try:
        with panel.database.session() as session:
            versions.save_draft(session, name, form.value("definition"), form.value("seen"), visitor().actor, now())
    except (FlowMistakes, FlowChangedMeanwhile) as refusal:
        form.problems[""] = refusal.message
        return _json_page(panel, name, form, _status(refusal))
    flash(say("flows.saved"))
    return redirect(_draft(name), 303)


def _draft(name: str, step: str = "") -> str:
    return url_for("flow_step", name=name, step="draft", _anchor=f"step-{step}" if step else None)


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
    return redirect(there or _draft(name), 303)


def _draft_page(panel: Panel, name: str, form: Form, status: int = 200, gone: str = "") -> Response:
    """Show the draft as a tree of steps with the mistakes of each; without a draft, the current version.

    With `gone`, show what was typed for a step that another user has removed meanwhile.
    """
    with panel.database.reading() as session:
        work = work_on(panel, session, name)
        current = read_sketch(versions.find_version(session, name, work.current))
        wrong_words = words_to_change(session, work, current, work.sketch)
    return page(
        "flows/flow_draft.html", status, work=work, form=form, verbs=list(VERBS), title_languages=TITLE_LANGUAGES,
        wrong_words=wrong_words, gone=gone,
    )  # fmt: skip


def _node_page(panel: Panel, name: str, step_id: str, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        work = work_on(panel, session, name)
        step = work.sketch.step(step_id)
    if step is None:
        if status == 200:
            raise NotFound
        return _draft_page(panel, name, form, status, gone=step_id)
    fields = fields_of(step["verb"])
    chosen = [str(step.get(field.name) or "") for field in fields if field.name in PROMPT_FIELDS]
    prompts = prompt_choices(work, form.value("field_prompt") or next(iter(chosen), ""))
    return page(
        "flows/flow_step.html", status, work=work, step=step, form=form, fields=fields, exits=exits_of(step["verb"]),
        prompts=prompts,
    )  # fmt: skip


def _json_page(panel: Panel, name: str, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        work = work_on(panel, session, name)
    return page("flows/flow_json.html", status, work=work, form=form, changed=status == 409)


def _status(refusal: HaiChieuError) -> int:
    return 409 if isinstance(refusal, FlowChangedMeanwhile) else 422
