"""Merging, renaming, moving and splitting units: each changes rows through a journal, which can take it back."""

import datetime
from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.locale import Message, message
from haichieu.people import Unit
from haichieu.units.journal import Journal
from haichieu.units.models import FormerName
from haichieu.units.references import UnitRules, column_of, table_of
from haichieu.units.requests import STAYS, Merge, Move, Rename, Request, Split
from haichieu.units.tree import Tree

PARENT, NAME, RETIRED = column_of(Unit.parent_id), column_of(Unit.name), column_of(Unit.retired_at)
HOUSEHOLDS = column_of(Unit.households)
UNITS, FORMER_NAMES = table_of(Unit), table_of(FormerName)


def operate(
    session: Session, rules: UnitRules, journal: Journal, tree: Tree, wanted: Request, at: datetime.datetime
) -> Sequence[int]:
    """Change the rows; return the ids of the units that it made or that got something."""
    match wanted:
        case Merge():
            for number in dict.fromkeys(wanted.units):
                _merge(session, rules, journal, tree, number, wanted.into, at)
                session.expire_all()
                tree = Tree(session)  # one of them may have been below another
            if wanted.name:
                _rename(journal, tree.units[wanted.into], wanted.name, at)
            return [wanted.into]
        case Rename():
            _rename(journal, tree.units[wanted.unit], wanted.name, at)
            return []
        case Move():
            for carrier in rules.carriers:
                carrier.moving(session, journal, tree.units[wanted.unit], at)
            journal.set(PARENT, [wanted.unit], tree.units[wanted.unit].parent_id, wanted.parent)
            return []
        case Split():
            return _split(session, rules, journal, tree, wanted, at)


def sentence(tree: Tree, wanted: Request) -> Message:
    """Return the change in one sentence, with the names before it."""
    match wanted:
        case Merge():
            names = tuple(tree.units[number].name for number in dict.fromkeys(wanted.units))
            into = tree.units[wanted.into].name
            if wanted.name:
                return message("unit_tree.said.merge_renamed", names=names, into=into, name=wanted.name)
            return message("unit_tree.said.merge", names=names, into=into)
        case Rename():
            return message("unit_tree.said.rename", before=tree.units[wanted.unit].name, name=wanted.name)
        case Move():
            parent = tree.units[wanted.parent].name
            return message("unit_tree.said.move", name=tree.units[wanted.unit].name, parent=parent)
        case Split():
            parts = tuple(part.name for part in wanted.parts)
            return message("unit_tree.said.split", name=tree.units[wanted.unit].name, parts=parts)


def _merge(
    session: Session, rules: UnitRules, journal: Journal, tree: Tree, number: int, into: int, at: datetime.datetime
) -> None:
    unit, other = tree.units[number], tree.units[into]
    below = [one.id for one in tree.live_below(number) if one.id != into]
    for carrier in rules.carriers:
        carrier.merging(session, journal, unit, other, below, at)
    for reference in rules.references:
        rows = set(reference.rows_of(session, number))
        if rows and reference.unless_alike:
            rows -= _alike(session, reference.table, reference.column, reference.unless_alike, number, into)
        journal.set(reference.column, rows, number, into)
    journal.set(PARENT, below, number, into)
    if households := unit.households:
        theirs = session.scalar(sa.select(Unit.households).where(Unit.id == into))
        journal.set(HOUSEHOLDS, [number], households, None)
        journal.set(HOUSEHOLDS, [into], theirs, (theirs or 0) + households)
    if unit.parent_id != into:
        journal.set(PARENT, [number], unit.parent_id, into)
    journal.set(RETIRED, [number], None, at)


def _alike(
    session: Session, table: sa.Table, column: sa.Column[int], names: Sequence[str], unit_id: int, other_id: int
) -> set[int]:
    """Return the rows of a unit of which the other unit has one with the same values."""
    theirs = table.alias()
    same = [table.c[name] == theirs.c[name] for name in names]
    query = sa.select(table.c.id).join(theirs, sa.and_(theirs.c[column.name] == other_id, *same))
    return set(session.scalars(query.where(column == unit_id)))


def _rename(journal: Journal, unit: Unit, name: str, at: datetime.datetime) -> None:
    journal.set(NAME, [unit.id], unit.name, name)
    journal.add(FORMER_NAMES, unit_id=unit.id, name=unit.name, until=at)


def _split(
    session: Session, rules: UnitRules, journal: Journal, tree: Tree, wanted: Split, at: datetime.datetime
) -> Sequence[int]:
    unit = tree.units[wanted.unit]
    made = {
        part.code: journal.add(
            UNITS, code=part.code, name=part.name, level=unit.level, parent_id=unit.parent_id,
            author_may_approve=unit.author_may_approve, voice=unit.voice,
        )
        for part in wanted.parts
    }  # fmt: skip
    given: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for (name, row_id), code in wanted.given.items():
        if code != STAYS:
            given[name][code].append(row_id)
    moved = [key for key, code in wanted.given.items() if code != STAYS]
    for carrier in rules.carriers:
        carrier.splitting(session, journal, unit, made.values(), moved, at)
    for reference in rules.references:
        for code, rows in given[reference.name].items():
            journal.set(reference.column, rows, unit.id, made[code])
    return list(made.values())
