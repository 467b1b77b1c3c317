"""New units below one that exists: villages of a commune, communes of a province."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.folded_text import name_key
from haichieu.locale import Message, message
from haichieu.people import Level, Unit
from haichieu.units.carrying_out import lock
from haichieu.units.requests import Problems, UnitChangeRefused, cleaned_name, wrong_code, wrong_name
from haichieu.units.tree import RANK, Tree

LEVELS = (Level.VILLAGE, Level.COMMUNE)
"""Levels of units that can be below another; districts no longer exist."""
MOST_UNITS = 200


@dataclass(frozen=True)
class NewUnit:
    """A unit to add; one without a code gets a free one."""

    name: str
    code: str = ""


def read_line(line: str) -> NewUnit:
    """Return the unit of a line: its name, or its code, an equals sign and its name."""
    code, equals, name = line.partition("=")
    return NewUnit(cleaned_name(name), code.strip()) if equals else NewUnit(cleaned_name(line))


def level_below(tree: Tree, parent_id: int) -> str:
    """Return the usual level of units below one; empty if there is no such unit."""
    if parent_id not in tree.units:
        return ""
    return Level.VILLAGE if tree.rank(parent_id) >= RANK[Level.COMMUNE] else Level.COMMUNE


def add_units(session: Session, parent_id: int, level: str, wanted: Sequence[NewUnit], actor: str) -> list[Unit]:
    """Add units below one, in the caller's transaction, and return them; an empty level follows from the one above.

    Raises UnitChangeRefused with every problem, under `parent`, `level` or `names`.
    """
    lock(session)
    tree = Tree(session)
    level = level or level_below(tree, parent_id)
    problems = _wrong_place(tree, parent_id, level, wanted) or _wrong_units(tree, parent_id, wanted)
    if problems:
        raise UnitChangeRefused(problems)
    taken = {one.code.casefold() for one in tree.units.values()} | {one.code.casefold() for one in wanted}
    added = []
    for one in wanted:
        code = one.code or _free_code(tree.units[parent_id].code, taken)
        unit = Unit(code=code, name=one.name, level=level, parent_id=parent_id)
        session.add(unit)
        session.flush()
        audit.record(session, actor, "unit.add", f"unit:{code}", fields="code, level, name, parent_id")
        added.append(unit)
    return added


def _wrong_place(tree: Tree, parent_id: int, level: str, wanted: Sequence[NewUnit]) -> Problems:
    parent = tree.units.get(parent_id)
    if parent is None or parent.retired_at is not None:
        return {"parent": message("unit_tree.choose_parent")}
    if level not in LEVELS:
        return {"level": message("unit_tree.choose_level")}
    if not 0 < len(wanted) <= MOST_UNITS:
        return {"names": message("unit_tree.choose_names", most=MOST_UNITS)}
    own, above = RANK[Level(level)], tree.rank(parent_id)
    if above > own or (above == own and level != Level.VILLAGE):  # a hamlet may lie in a village
        return {"level": message("unit_tree.parent_too_low", name=wanted[0].name, parent=parent.name)}
    return {}


def _wrong_units(tree: Tree, parent_id: int, wanted: Sequence[NewUnit]) -> Problems:
    names = {name_key(one.name) for one in tree.live_below(parent_id)}
    codes = {one.code.casefold() for one in tree.units.values()}
    wrong: list[Message] = []
    for one in wanted:
        if problem := wrong_name(one.name):
            wrong.append(problem)
        elif name_key(one.name) in names:
            wrong.append(message("unit_tree.name_taken", name=one.name))
        if one.code and (problem := wrong_code(one.code, codes)):
            wrong.append(problem)
        names.add(name_key(one.name))
        codes |= {one.code.casefold()} if one.code else set()
    once = [said for place, said in enumerate(wrong) if said not in wrong[:place]]
    return {"names": Message.lines(once)} if wrong else {}


def _free_code(above: str, taken: set[str]) -> str:
    """Return the code of the unit above with the next free number, and note it as taken."""
    number = 1
    while (code := f"{above[:30]}-{number}").casefold() in taken:
        number += 1
    taken.add(code.casefold())
    return code
