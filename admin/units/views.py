"""Pages of the unit tree: the tree, new units, a form per change with its preview, and undoing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from admin.units.forms import PARTS, field_of, offer, request_of
from admin.units.unit_voice import save_voice, show_voice
from broadcast_bridge.models import Speaker
from haichieu.account_rights import Action
from haichieu.actor_names import names_of_actors
from haichieu.district.unit_rules import RULES
from haichieu.people import Unit
from haichieu.speech.station_voices import voice_names
from haichieu.units.adding import LEVELS, add_units, read_line
from haichieu.units.carrying_out import Outcome, carry_out, preview
from haichieu.units.effects import by_group
from haichieu.units.former_names import former_names
from haichieu.units.models import ChangeKind, UnitChange
from haichieu.units.requests import LONGEST_CODE, LONGEST_NAME, UnitChangeRefused
from haichieu.units.tree import Tree
from haichieu.units.undoing import find_change, latest_changes, undo

MOST_CHANGES = 30
VOICE = "voice"

Work = Callable[[Session], Outcome]


@dataclass(frozen=True)
class Node:
    """A unit on the page, with its former names, the number of its own speakers, and the units below it."""

    unit: Unit
    formerly: Sequence[str]
    speakers: int
    below: Sequence["Node"]


class _ChangedMeanwhile(Exception):
    """The effects are no longer those that were confirmed; carries the new ones out of the transaction."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def unit_itself(session: Session, number: int, **_: object) -> Iterable[int]:
    """Return the unit. Raises NotFound."""
    return [_unit(session, number).id]


def units_of_change(session: Session, number: int) -> Iterable[int]:
    """Return the units that a change concerns, as far as they still exist. Raises NoSuchChange."""
    return session.scalars(sa.select(Unit.id).where(Unit.id.in_(find_change(session, number).units))).all()


def register_units(app: Flask, panel: Panel) -> None:
    """Add the pages of the unit tree."""

    @app.get("/units")
    @needs(Action.CONFIGURE)
    def units() -> Response:
        """Show the visitor's part of the tree with former names, and the latest changes."""
        mine = visitor().units
        with panel.database.reading() as session:
            tree = _nodes(session, mine)
            latest = latest_changes(session, MOST_CHANGES)
            changes = [(one, may_undo(one, mine)) for one in latest if mine & set(one.units)]
            names = names_of_actors(session, {one.actor for one, _ in changes})
        return page(
            "units/units.html", tree=tree, changes=changes, names=names, steps=[*ChangeKind, VOICE],
            voices=voice_names(panel.settings),
        )  # fmt: skip

    @app.get("/units/new")
    @needs(Action.CONFIGURE)
    def new_units() -> Response:
        """Show the form for new units below one of the visitor's."""
        kept = take_kept(panel)
        return _new_page(panel, Form(kept or {"parent": [request.args.get("parent", "")]}))

    @app.post("/units/new")
    @needs(Action.CONFIGURE, checks_units=True)
    def add_new_units() -> Response:
        """Add units below one, and show the form for more."""
        form = sent_form()
        wanted = [read_line(line) for line in form.value("names").splitlines() if line.strip()]
        parent = form.row_id("parent")
        try:
            with panel.database.session() as session:
                require_in(session, Action.CONFIGURE, [parent] if session.get(Unit, parent) is not None else [])
                added = add_units(session, parent, form.value("level"), wanted, visitor().actor)
                names = tuple(f"{one.name} ({one.code})" for one in added)
        except UnitChangeRefused as refusal:
            form.problems.update(refusal.problems)
            return _new_page(panel, form, 422)
        flash(say("units.added", count=len(names), names=names))
        return redirect(url_for("new_units", parent=parent), 303)

    @app.get("/units/<int:number>/<step>")
    @needs(Action.CONFIGURE, where=unit_itself)
    def unit_form(number: int, step: str) -> Response:
        """Show the form that merges, renames, splits or moves a unit, or that chooses its voice."""
        if step == VOICE:
            return show_voice(panel, number, Form(take_kept(panel)))
        return _form_page(panel, number, _kind(step), Form(take_kept(panel)))

    @app.post("/units/<int:number>/<step>")
    @needs(Action.CONFIGURE, where=unit_itself, checks_units=True)
    def change_unit(number: int, step: str) -> Response:
        """Show everything that the form changes; change it once that is confirmed. A voice is changed at once."""
        if step == VOICE:
            return save_voice(panel, number)
        form, kind = sent_form(), _kind(step)

        def work(session: Session) -> Outcome:
            tree = Tree(session)
            wanted = request_of(session, tree, _unit(session, number), kind, form)
            require_in(session, Action.CONFIGURE, wanted.concerned(tree))
            return carry_out(session, RULES, wanted, visitor().actor)

        if form.value("again"):
            with panel.database.reading() as session:
                require_in(session, Action.CONFIGURE, unit_itself(session, number))
            return _form_page(panel, number, kind, form)
        try:
            return _confirm_or_do(panel, work, form)
        except UnitChangeRefused as refusal:
            form.problems.update({field_of(form, name): said for name, said in refusal.problems.items()})
            return _form_page(panel, number, kind, form, 422)

    @app.get("/units/changes/<int:number>/undo")
    @needs(Action.CONFIGURE, where=units_of_change)
    def ask_undo(number: int) -> Response:
        """Show what undoing a change would change, or why it cannot be undone."""
        return _undo_page(panel, number, Form())

    @app.post("/units/changes/<int:number>/undo")
    @needs(Action.CONFIGURE, where=units_of_change)
    def undo_unit_change(number: int) -> Response:
        """Undo a change, once its effects are confirmed."""
        return _undo_page(panel, number, sent_form())


def _confirm_or_do(panel: Panel, work: Work, form: Form) -> Response:
    """Return the preview of a change, or make it if the form confirms exactly its effects."""
    if not form.value("confirmed"):
        return _preview_page(preview(panel.database, work), form)
    try:
        with panel.database.session() as session:
            outcome = work(session)
            if outcome.mark != form.value("confirmed"):
                raise _ChangedMeanwhile(outcome)
    except _ChangedMeanwhile as changed:
        return _preview_page(changed.outcome, form, has_changed=True)
    flash(say("units.done"))
    return redirect(url_for("units"), 303)


def _undo_page(panel: Panel, number: int, form: Form) -> Response:
    try:
        return _confirm_or_do(panel, lambda session: undo(session, RULES, number, visitor().actor), form)
    except UnitChangeRefused as refusal:
        return page("units/unit_preview.html", 409, outcome=None, refusal=refusal.message, form=form, has_changed=False)


def _preview_page(outcome: Outcome, form: Form, *, has_changed: bool = False) -> Response:
    return page(
        "units/unit_preview.html", outcome=outcome, groups=by_group(outcome.effects), form=form,
        has_changed=has_changed,
        refusal=None,
    )  # fmt: skip


def _form_page(panel: Panel, number: int, kind: ChangeKind, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        tree = Tree(session)
        offered = offer(session, tree, _unit(session, number), kind, visitor().units)
    return page(
        "units/unit_form.html", status, kind=kind, unit=offered.unit, offered=offered, form=form, parts_to_name=PARTS,
        longest_name=LONGEST_NAME, longest_code=LONGEST_CODE,
    )  # fmt: skip


def _new_page(panel: Panel, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        above = [one for one, _ in Tree(session).in_order() if one.id in visitor().units]
    return page("units/unit_new.html", status, form=form, above=above, levels=LEVELS)


def _nodes(session: Session, mine: frozenset[int]) -> Sequence[Node]:
    tree, formerly = Tree(session), former_names(session)
    speakers: dict[int, int] = dict(
        session.execute(
            sa.select(Speaker.unit_id, sa.func.count()).where(Speaker.removed_at.is_(None)).group_by(Speaker.unit_id)
        ).all()
    )

    def node(unit: Unit) -> Node:
        below = [node(one) for one in tree.live_below(unit.id)]
        return Node(unit, formerly.get(unit.id, ()), speakers.get(unit.id, 0), below)

    return [node(one) for one in tree.units.values() if one.id in mine and one.parent_id not in mine]


def _unit(session: Session, number: int) -> Unit:
    found = session.get(Unit, number)
    if found is None:
        raise NotFound
    return found


def _kind(step: str) -> ChangeKind:
    if step not in list(ChangeKind):
        raise NotFound
    return ChangeKind(step)


def may_undo(change: UnitChange, mine: frozenset[int]) -> bool:
    """Return whether a visitor with these units may undo a change, as far as rights decide it."""
    return change.undone_at is None and mine.issuperset(change.units)
