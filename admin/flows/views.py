"""Flow pages: list, versions, publishing and restoring."""

from functools import partial

from flask import Flask, flash, redirect, url_for
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.page_steps import Step, add_steps
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.flows.diagram import draw
from admin.flows.flow_editing import editing_steps, register_nodes
from admin.flows.scope import flows_of_visitor, open_check, sent_text, units_of_flow, words_to_change, work_on
from admin.flows.trial import try_flow
from admin.flows.words_sent import set_words, words_sent
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError
from haichieu.speech.synthesis import NothingToSay
from ivr.custom_flows import versions
from ivr.custom_flows.errors import FlowChangedMeanwhile, NoDraft, NoReason
from ivr.custom_flows.sketch import Sketch, differences, outline, read_sketch
from ivr.custom_flows.versions import current_number, find_version
from ivr.flows.mistakes import FlowMistakes
from ivr.prompts.custom import LONGEST_TEXT, PromptRefused

CONFIGURE = Action.CONFIGURE


def register_flows(app: Flask, panel: Panel) -> None:
    """Add the pages of call flows."""
    register_nodes(app, panel)
    steps = {
        **editing_steps(panel),
        "publish": Step(CONFIGURE, partial(_publish, panel), partial(_ask_publish, panel), units_of_flow),
        "simulator": Step(CONFIGURE, None, partial(try_flow, panel), units_of_flow),
    }
    add_steps(
        app, "/flows/<name>/<step>", "flow_step", lambda name: url_for("flow_step", name=name, step="draft"), steps
    )

    @app.get("/flows")
    @needs(CONFIGURE)
    def flows() -> Response:
        """List the flows that the visitor may change, with the version in use and the draft."""
        with panel.database.reading() as session:
            shown = []
            for name in flows_of_visitor(session):
                newest = next(iter(versions.history(session, name)), None)
                current = read_sketch(find_version(session, name, newest.number if newest else 0))
                shown.append((name, current, newest, versions.find_draft(session, name)))
        return page("flows/flows.html", flows=shown)

    @app.get("/flows/<name>")
    @needs(CONFIGURE, where=units_of_flow)
    def flow(name: str) -> Response:
        """Show the version in use as a tree and a diagram, and all versions."""
        with panel.database.reading() as session:
            work, history = work_on(panel, session, name), versions.history(session, name)
            current = read_sketch(find_version(session, name, work.current))
        roots = outline(current)
        return page("flows/flow.html", work=work, history=history, current=current, roots=roots, diagram=draw(roots))

    @app.get("/flows/<name>/versions/<int:number>")
    @needs(CONFIGURE, where=units_of_flow)
    def flow_version(name: str, number: int) -> Response:
        """Show a version, its differences from the one in use, and the form that restores it."""
        return _version_page(panel, name, number, Form(take_kept(panel)))

    @app.post("/flows/<name>/versions/<int:number>")
    @needs(CONFIGURE, where=units_of_flow)
    def roll_back_flow(name: str, number: int) -> Response:
        """Publish an earlier version again; it applies from the next call."""
        form, check = sent_form(), open_check(panel)
        try:
            with panel.database.session() as session:
                made = versions.roll_back(
                    session, name, number, over=_number(form.value("over")),
                    because=sent_text("because", versions.LONGEST_REASON), who=visitor().actor, at=now(),
                    check=check,
                ).number  # fmt: skip
        except (FlowMistakes, FlowChangedMeanwhile, NoReason) as refusal:
            return _version_page(panel, name, number, _with(form, refusal), _status(refusal))
        flash(say("flows.rolled_back", number=number, made=made))
        return redirect(url_for("flow", name=name), 303)


def _publish(panel: Panel, name: str) -> Response:
    """Publish the draft that was shown, with new words of its menus; it applies from the next call."""
    form, check = sent_form(), open_check(panel)
    try:
        with panel.database.reading() as session:
            work = work_on(panel, session, name)
            old = read_sketch(find_version(session, name, work.current))
            wrong_words = words_to_change(session, work, old, work.sketch)
        words = words_sent(work, wrong_words, form)
        with panel.database.session() as session:
            set_words(session, work, words)
            made = versions.publish(
                session, name, seen=form.value("seen"), over=_number(form.value("over")),
                because=sent_text("because", versions.LONGEST_REASON), who=visitor().actor, at=now(),
                check=check,
            ).number  # fmt: skip
    except (FlowMistakes, FlowChangedMeanwhile, NoReason, PromptRefused, NothingToSay) as refusal:
        return _publish_page(panel, name, _with(form, refusal), _status(refusal))
    flash(say("flows.published", made=made))
    return redirect(url_for("flow", name=name), 303)


def _ask_publish(panel: Panel, name: str) -> Response:
    """Show the changes of the draft and its remaining mistakes."""
    return _publish_page(panel, name, Form(take_kept(panel)))


def _publish_page(panel: Panel, name: str, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        work = work_on(panel, session, name)
        if work.draft is None:
            raise NoDraft(name)
        old = read_sketch(find_version(session, name, work.current))
        wrong_words = words_to_change(session, work, old, work.sketch)
    return page(
        "flows/flow_publish.html", status, work=work, form=form, changes=differences(old, work.sketch),
        wrong_words=wrong_words, longest_words=LONGEST_TEXT,
        longest=versions.LONGEST_REASON,
    )  # fmt: skip


def _version_page(panel: Panel, name: str, number: int, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        shown = read_sketch(find_version(session, name, number))
        work, current = work_on(panel, session, name), current_number(session, name)
        old: Sketch = read_sketch(find_version(session, name, current))
        said = next((one for one in versions.history(session, name) if one.number == number), None)
        wrong_words = words_to_change(session, work, old, shown)
    return page(
        "flows/flow_version.html", status, work=work, form=form, number=number, said=said, shown=shown,
        roots=outline(shown), changes=differences(old, shown), wrong_words=wrong_words, longest=versions.LONGEST_REASON,
    )  # fmt: skip


def _with(form: Form, refusal: HaiChieuError) -> Form:
    form.problems["because" if isinstance(refusal, NoReason) else ""] = refusal.message
    return form


def _status(refusal: HaiChieuError) -> int:
    return 409 if isinstance(refusal, FlowChangedMeanwhile) else 422


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else -1
