"""Undoing a change of the unit tree, while nothing new depends on it."""

import datetime
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.database import now
from haichieu.errors import NotFound
from haichieu.locale import Message, message
from haichieu.units.carrying_out import Outcome, lock
from haichieu.units.effects import effects_of, reaches_now
from haichieu.units.journal import take_back
from haichieu.units.models import UnitChange
from haichieu.units.references import UnitRules
from haichieu.units.requests import UnitChangeRefused, require_silence
from haichieu.units.tree import Tree


class NoSuchChange(NotFound):
    """There is no change with this number."""


def find_change(session: Session, number: int) -> UnitChange:
    """Return a change. Raises NoSuchChange."""
    found = session.get(UnitChange, number) if 0 < number < 2**31 else None
    if found is None:
        raise NoSuchChange("unit_tree.no_such_change", number=number)
    return found


def latest_changes(session: Session, most: int) -> Sequence[UnitChange]:
    """Return the latest changes, the newest first."""
    return session.scalars(sa.select(UnitChange).order_by(UnitChange.id.desc()).limit(most)).all()


def undo(session: Session, rules: UnitRules, number: int, actor: str, at: datetime.datetime | None = None) -> Outcome:
    """Take a change back in the caller's transaction. Raises NoSuchChange, or UnitChangeRefused with every reason."""
    at = at or now()
    lock(session)
    change = find_change(session, number)
    if change.undone_at is not None:
        raise UnitChangeRefused({"": message("unit_tree.undone_already", at=change.undone_at)})
    reasons = [*_later(session, change), *_new_rows(session, rules, change)]
    if reasons:
        raise UnitChangeRefused({"": Message.lines(reasons)})
    require_silence(session, rules, {*change.journal["touched"], *change.journal["guarded"]})
    before, steps = reaches_now(session, rules), change.journal["steps"]
    changed = take_back(session, [step for step in steps if not _makes_a_unit(step)])
    session.expire_all()
    reasons = [*_changed_rows(rules, changed), *_left(session, rules, change), *_taken_names(session, change)]
    if reasons:
        raise UnitChangeRefused({"": Message.lines(reasons)})
    take_back(session, [step for step in steps if _makes_a_unit(step)])
    change.undone_at, change.undone_by = at, actor
    session.flush()
    session.expire_all()
    audit.record(session, actor, "unit.undo", f"unit_change:{change.id}", kind=change.kind)
    effects = effects_of(session, rules, steps, before, undone=True)
    return Outcome(message("unit_tree.said.undo", change=change.said or ""), effects, change.id)


def _makes_a_unit(step: Mapping[str, object]) -> bool:
    return step["do"] == "add" and step["table"] == "units"


def _later(session: Session, change: UnitChange) -> Iterator[Message]:
    """Yield later changes of the same units, which must be undone first."""
    later = sa.select(UnitChange).where(UnitChange.id > change.id, UnitChange.undone_at.is_(None))
    for one in session.scalars(later.order_by(UnitChange.id)):
        if set(one.units) & set(change.units):
            yield message("unit_tree.undo_first", number=one.id, change=one.said or "")


def _new_rows(session: Session, rules: UnitRules, change: UnitChange) -> Iterator[Message]:
    """Yield what was added to the units since, by kind."""
    guarded, newest = change.journal["guarded"], change.journal["newest"]
    for reference in rules.references:
        if not guarded or reference.name not in newest:
            continue
        table, known = reference.table, newest[reference.name]
        if isinstance(known, int):
            new = sa.select(sa.func.count()).select_from(table).where(reference.column.in_(guarded), table.c.id > known)
            count = session.scalars(new).one()
        else:
            there = session.execute(sa.select(*table.primary_key).where(reference.column.in_(guarded)))
            count = sum(list(row) not in known for row in there)
        if count:
            yield message("unit_tree.new_since", rows=message(f"unit_tree.what.{reference.what}", count=count))


def _changed_rows(rules: UnitRules, changed: Mapping[str, list[int]]) -> Iterator[Message]:
    """Yield the rows that were given to another unit since."""
    for name, rows in changed.items():
        reference = rules.of(name)
        if reference is not None:
            yield message("unit_tree.moved_since", rows=message(f"unit_tree.what.{reference.what}", count=len(rows)))
        elif name == "units.name":
            yield message("unit_tree.renamed_since")


def _left(session: Session, rules: UnitRules, change: UnitChange) -> Iterator[Message]:
    """Yield what still refers to units that are about to be removed."""
    made = [step["key"]["id"] for step in change.journal["steps"] if _makes_a_unit(step)]
    for reference in rules.references:
        if count := sum(reference.count(session, number) for number in made):
            yield message("unit_tree.new_since", rows=message(f"unit_tree.what.{reference.what}", count=count))


def _taken_names(session: Session, change: UnitChange) -> Iterator[Message]:
    """Yield the names that another unit beside one of these has by now."""
    tree = Tree(session)
    for number in change.units:
        unit = tree.units.get(number)
        if unit is not None and unit.retired_at is None and len(tree.named(unit.parent_id, unit.name)) > 1:
            yield message("unit_tree.name_taken", name=unit.name)
