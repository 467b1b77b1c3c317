"""Requests to change the unit tree, and what is wrong with them.

Problems are named by field, so that a form shows each beside its field: `units`, `into`, `name`, `parent`, `code-1`,
`name-1`, and `speakers-7` for the speaker with the id 7 that is given to no part.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.errors import HaiChieuError
from haichieu.folded_text import name_key
from haichieu.locale import Message, message
from haichieu.people import Level, Unit
from haichieu.units.models import ChangeKind
from haichieu.units.references import Given, Reference, UnitRules
from haichieu.units.tree import Tree

LONGEST_NAME, LONGEST_CODE = 200, 40
MOST_PARTS = 20
STAYS = ""
"""The part for what stays with the unit that is split."""
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Problems = dict[str, Message]


class UnitChangeRefused(HaiChieuError):
    """The tree cannot be changed in this way; `problems` are the messages by field ("" is the request as a whole)."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        super().__init__(Message.lines(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class Merge:
    """Merge units (their ids) into another, which may get a new name."""

    units: Sequence[int]
    into: int
    name: str = ""
    kind = ChangeKind.MERGE

    def concerned(self, tree: Tree) -> set[int]:
        """Return the units in which the rights to change are needed."""
        return {*self.units, self.into}

    def touched(self, tree: Tree) -> set[int]:
        """Return the units whose speakers may belong to other zones afterwards."""
        alike = [one for one in self.units if tree.units[one].level == tree.units[self.into].level]
        return set[int]().union(*(tree.all_below(one) for one in (*self.units, *([self.into] if alike else ()))))


@dataclass(frozen=True)
class Rename:
    """Give a unit another name."""

    unit: int
    name: str
    kind = ChangeKind.RENAME

    def concerned(self, tree: Tree) -> set[int]:
        """Return the units in which the rights to change are needed."""
        return {self.unit}

    def touched(self, tree: Tree) -> set[int]:
        """Return the units whose speakers may belong to other zones afterwards."""
        return set()


@dataclass(frozen=True)
class Move:
    """Put a unit below another."""

    unit: int
    parent: int
    kind = ChangeKind.MOVE

    def concerned(self, tree: Tree) -> set[int]:
        """Return the units in which the rights to change are needed."""
        return {self.unit, self.parent}

    def touched(self, tree: Tree) -> set[int]:
        """Return the units whose speakers may belong to other zones afterwards."""
        return tree.all_below(self.unit)


@dataclass(frozen=True)
class Part:
    """A new unit that is split off."""

    code: str
    name: str


@dataclass(frozen=True)
class Split:
    """Split new units off a unit. `given` is the code of the part by the name of a reference and the id of a row."""

    unit: int
    parts: Sequence[Part]
    given: Mapping[tuple[str, int], str] = field(default_factory=dict)
    kind = ChangeKind.SPLIT

    def concerned(self, tree: Tree) -> set[int]:
        """Return the units in which the rights to change are needed: the new ones are beside the old one."""
        parent = tree.units[self.unit].parent_id
        return {self.unit} if parent is None else {self.unit, parent}

    def touched(self, tree: Tree) -> set[int]:
        """Return the units whose speakers may belong to other zones afterwards."""
        return tree.all_below(self.unit)


Request = Merge | Rename | Move | Split


def cleaned_name(name: str) -> str:
    """Return a name in composed letters with single spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def require_possible(session: Session, rules: UnitRules, tree: Tree, wanted: Request) -> None:
    """Raise UnitChangeRefused, with every problem, if the tree cannot be changed in this way now."""
    match wanted:
        case Merge():
            problems = _of_merge(tree, wanted)
        case Rename():
            problems = _retired(tree, "", wanted.unit) or _of_name(tree, wanted.unit, wanted.name)
        case Move():
            problems = wrong_in_move(tree, wanted)
        case Split():
            problems = _of_split(session, rules, tree, wanted)
    if problems:
        raise UnitChangeRefused(problems)
    require_silence(session, rules, wanted.touched(tree))


def require_silence(session: Session, rules: UnitRules, units: Collection[int]) -> None:
    """Raise UnitChangeRefused while a broadcast is on air in these units: it keeps its speakers and rights."""
    obstacles = [one for look in rules.obstacles for one in look(session, units)] if units else []
    if obstacles:
        raise UnitChangeRefused({"": Message.lines(obstacles)})


def rows_to_give(session: Session, reference: Reference, unit_id: int) -> Sequence[tuple[int, str, str]]:
    """Return id, code and name of the rows of a unit that a split may give away, by name."""
    live = () if reference.live is None else (reference.live,)
    number = reference.table.c.id
    words = [number if one is None else one for one in (reference.code, reference.shown)]
    rows = session.execute(
        sa.select(number, *words).where(reference.column == unit_id, *live).order_by(words[1], number)
    )
    return [(row_id, str(code), str(name)) for row_id, code, name in rows]


def _of_merge(tree: Tree, wanted: Merge) -> Problems:
    into = tree.units[wanted.into]
    if problems := _retired(tree, "into", into.id):
        return problems
    if not wanted.units:
        return {"units": message("unit_tree.choose_units")}
    for number in wanted.units:
        if problem := why_not_into(tree, tree.units[number], into):
            return {"units": problem}
    gone = set(wanted.units)
    below = [one for unit in (*wanted.units, into.id) for one in tree.live_below(unit) if one.id not in gone]
    if twice := _same_names(below):
        return {"units": message("unit_tree.same_names", names=tuple(twice))}
    return _of_name(tree, into.id, wanted.name, gone) if wanted.name else {}


def why_not_into(tree: Tree, unit: Unit, into: Unit) -> Message | None:
    """Return why a unit cannot be merged into another, None if it can."""
    if problem := why_retired(tree, unit):
        return problem
    if unit.id == into.id:
        return message("unit_tree.into_itself", name=unit.name)
    if unit.id in tree.above(into.id):
        return message("unit_tree.into_below", name=unit.name, below=into.name)
    both_provinces = unit.level == into.level == Level.PROVINCE
    if not both_provinces and tree.province_of(unit.id) != tree.province_of(into.id):
        return message("unit_tree.other_province", name=unit.name, other=into.name)
    if unit.level != into.level and into.id != unit.parent_id:
        return message("unit_tree.other_level", name=unit.name, other=into.name)
    return None


def wrong_in_move(tree: Tree, wanted: Move) -> Problems:
    """Return what is wrong with moving a unit there."""
    unit, parent = tree.units[wanted.unit], tree.units[wanted.parent]
    if problems := _retired(tree, "", unit.id) | _retired(tree, "parent", parent.id):
        return problems
    if parent.id == unit.id or unit.id in tree.above(parent.id):
        return {"parent": message("unit_tree.below_itself", name=unit.name)}
    if unit.parent_id == parent.id:
        return {"parent": message("unit_tree.there_already", name=unit.name, parent=parent.name)}
    if tree.province_of(unit.id) not in (None, tree.province_of(parent.id)):
        return {"parent": message("unit_tree.other_province", name=unit.name, other=parent.name)}
    if tree.rank(parent.id) > tree.rank(unit.id) or (
        unit.level == parent.level and unit.level != Level.VILLAGE
    ):  # a hamlet may lie in a village
        return {"parent": message("unit_tree.parent_too_low", name=unit.name, parent=parent.name)}
    if tree.named(parent.id, unit.name):
        return {"parent": message("unit_tree.name_taken", name=unit.name)}
    return {}


def _of_split(session: Session, rules: UnitRules, tree: Tree, wanted: Split) -> Problems:
    unit = tree.units[wanted.unit]
    if problems := _retired(tree, "", unit.id):
        return problems
    if unit.parent_id is None:
        return {"": message("unit_tree.split_needs_parent", name=unit.name)}
    if not wanted.parts:
        return {"name-1": message("unit_tree.choose_parts")}
    problems = {}
    codes = {one.code.casefold() for one in tree.units.values()}
    names = {name_key(one.name) for one in tree.live_below(unit.parent_id)}
    for place, part in enumerate(wanted.parts, 1):
        if problem := wrong_name(part.name):
            problems[f"name-{place}"] = problem
        elif name_key(part.name) in names:
            problems[f"name-{place}"] = message("unit_tree.name_taken", name=part.name)
        if problem := wrong_code(part.code, codes):
            problems[f"code-{place}"] = problem
        codes.add(part.code.casefold())
        names.add(name_key(part.name))
    return problems | _of_given(session, rules, wanted)


def _of_given(session: Session, rules: UnitRules, wanted: Split) -> Problems:
    """Return what is given to no part, to an unknown one, or is not the unit's."""
    parts = {STAYS, *(part.code for part in wanted.parts)}
    problems, known = Problems(), set()
    for reference in rules.references:
        if reference.given is Given.NEVER:
            continue
        for number, _, name in rows_to_give(session, reference, wanted.unit):
            key = (reference.name, number)
            known.add(key)
            if key not in wanted.given:
                if reference.given is Given.MUST:
                    problems[f"{reference.what}-{number}"] = message("unit_tree.given_nowhere", name=name)
            elif wanted.given[key] not in parts:
                problems[f"{reference.what}-{number}"] = message("unit_tree.no_such_part", code=wanted.given[key])
    if wanted.given.keys() - known:
        problems[""] = message("unit_tree.changed_meanwhile")
    return problems


def _of_name(tree: Tree, unit_id: int, name: str, besides: Iterable[int] = ()) -> Problems:
    unit = tree.units[unit_id]
    if problem := wrong_name(name):
        return {"name": problem}
    if name == unit.name:
        return {"name": message("unit_tree.name_unchanged", name=name)}
    if any(one.id not in {unit_id, *besides} for one in tree.named(unit.parent_id, name)):
        return {"name": message("unit_tree.name_taken", name=name)}
    return {}


def wrong_name(name: str) -> Message | None:
    """Return why a unit cannot have a name, None if it can."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return message("unit_tree.name_wrong", most=LONGEST_NAME)
    return None


def wrong_code(code: str, taken: Collection[str]) -> Message | None:
    """Return why a unit cannot have a code, None if it can; `taken` are case-folded."""
    if not _CODE.fullmatch(code) or len(code) > LONGEST_CODE:
        return message("unit_tree.code_wrong", code=code[:LONGEST_CODE])
    return message("unit_tree.code_taken", code=code) if code.casefold() in taken else None


def why_retired(tree: Tree, unit: Unit) -> Message | None:
    """Return that a unit was merged, and into which; None for a live one."""
    if unit.retired_at is None:
        return None
    into = next(one for one in (*tree.above(unit.id), unit.id) if tree.units[one].retired_at is None)
    return message("unit_tree.retired", name=unit.name, into=tree.units[into].name, at=unit.retired_at)


def _retired(tree: Tree, where: str, unit_id: int) -> Problems:
    said = why_retired(tree, tree.units[unit_id])
    return {} if said is None else {where: said}


def _same_names(units: Iterable[Unit]) -> list[str]:
    by_name: dict[str, list[Unit]] = {}
    for unit in units:
        by_name.setdefault(name_key(unit.name), []).append(unit)
    return [f"{unit.name} ({unit.code})" for same in by_name.values() if len(same) > 1 for unit in same]
