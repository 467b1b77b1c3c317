"""Forms of changes of the unit tree: what they offer, and the request that a sent form makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from admin.layout.pages import Form
from haichieu.district.unit_rules import RULES
from haichieu.locale import Message, message
from haichieu.people import Level, Unit
from haichieu.units.models import ChangeKind
from haichieu.units.references import Given, Reference
from haichieu.units.requests import (
    STAYS,
    Merge,
    Move,
    Part,
    Rename,
    Request,
    Split,
    UnitChangeRefused,
    cleaned_name,
    rows_to_give,
    why_not_into,
    why_retired,
    wrong_in_move,
)
from haichieu.units.tree import Tree

PARTS = (1, 2, 3)
"""New units that one form can split off."""
_STAY = "0"


@dataclass(frozen=True)
class Gift:
    """Rows of one kind that a split gives to its parts: field and name of each. Some must be given, others may stay."""

    what: str
    must: bool
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Offer:
    """What the form of a unit offers: units to merge into it or to move it below, or what a split gives away.

    `obstacle` says why there is nothing to choose and the change is not possible.
    """

    unit: Unit
    units: Sequence[Unit] = ()
    gifts: Sequence[Gift] = field(default=())
    obstacle: Message | None = None


def offer(session: Session, tree: Tree, unit: Unit, kind: ChangeKind, mine: frozenset[int]) -> Offer:
    """Return what the form offers to a visitor with the units `mine`."""
    others = [one for one, _ in tree.in_order() if one.id in mine]
    if (retired := why_retired(tree, unit)) is not None:
        return Offer(unit, obstacle=retired)
    match kind:
        case ChangeKind.MERGE:
            units = [one for one in others if why_not_into(tree, one, unit) is None]
            return Offer(unit, units, obstacle=None if units else message("unit_tree.nothing_to_merge", name=unit.name))
        case ChangeKind.MOVE:
            units = [one for one in others if not wrong_in_move(tree, Move(unit.id, one.id))]
            why = "unit_tree.province_stays" if unit.level == Level.PROVINCE else "unit_tree.nowhere_to_move"
            return Offer(unit, units, obstacle=None if units else message(why, name=unit.name))
        case ChangeKind.SPLIT:
            gifts = [gift for one in RULES.references if (gift := _gift(session, one, unit)).rows]
            return Offer(unit, (), gifts, _why_not_split(tree, unit, mine))
        case ChangeKind.RENAME:
            return Offer(unit)


def _why_not_split(tree: Tree, unit: Unit, mine: frozenset[int]) -> Message | None:
    if unit.parent_id is None:
        return message("unit_tree.split_needs_parent", name=unit.name)
    if unit.parent_id not in mine:
        return message("unit_tree.split_needs_rights", name=unit.name, parent=tree.units[unit.parent_id].name)
    return None


def request_of(session: Session, tree: Tree, unit: Unit, kind: ChangeKind, form: Form) -> Request:
    """Return the request that a sent form makes; what was left open in it is refused with the request."""
    name = cleaned_name(form.value("name"))
    match kind:
        case ChangeKind.MERGE:
            chosen = [int(one) for one in form.values("units") if one.isascii() and one.isdigit() and len(one) < 10]
            return Merge([one for one in chosen if one in tree.units], unit.id, name)
        case ChangeKind.MOVE:
            if (parent := form.row_id("parent")) not in tree.units:
                raise UnitChangeRefused({"parent": message("unit_tree.choose_parent")})
            return Move(unit.id, parent)
        case ChangeKind.RENAME:
            return Rename(unit.id, name)
        case ChangeKind.SPLIT:
            parts = _parts(tree, unit, form)
            return Split(unit.id, list(parts.values()), _given(session, unit, form, parts))


def field_of(form: Form, problem: str) -> str:
    """Return the field beside which a problem is shown: parts are counted without the empty ones before them."""
    name, dash, place = problem.partition("-")
    if name in ("name", "code") and dash:
        filled = _filled(form) or [PARTS[0]]
        return f"{name}-{filled[min(int(place), len(filled)) - 1]}"
    return problem


def _gift(session: Session, reference: Reference, unit: Unit) -> Gift:
    rows: Sequence[tuple[str, str]] = ()
    if reference.given is not Given.NEVER:
        found = rows_to_give(session, reference, unit.id)
        rows = [(f"{reference.what}-{row_id}", name) for row_id, _, name in found]
    return Gift(reference.what, reference.given is Given.MUST, rows)


def _filled(form: Form) -> list[int]:
    return [place for place in PARTS if form.value(f"name-{place}").strip() or form.value(f"code-{place}").strip()]


def _parts(tree: Tree, unit: Unit, form: Form) -> Mapping[str, Part]:
    """Return the new units by the value that names each in the selections; one without a code gets a free one."""
    taken = {one.code.casefold() for one in tree.units.values()}
    found = {}
    for place in _filled(form):
        code = form.value(f"code-{place}").strip()
        number = place
        while not code:
            suggested = f"{unit.code[:30]}-{number}"
            code = "" if suggested.casefold() in taken else suggested
            number += 1
        taken.add(code.casefold())
        found[str(place)] = Part(code, cleaned_name(form.value(f"name-{place}")))
    return found


def _given(session: Session, unit: Unit, form: Form, parts: Mapping[str, Part]) -> dict[tuple[str, int], str]:
    found = {}
    for reference in RULES.references:
        if reference.given is Given.NEVER:
            continue
        for row_id, _, _ in rows_to_give(session, reference, unit.id):
            chosen = form.value(f"{reference.what}-{row_id}")
            if chosen == _STAY:
                found[reference.name, row_id] = STAYS
            elif chosen:
                found[reference.name, row_id] = parts[chosen].code if chosen in parts else f"#{chosen}"[:12]
    return found
