"""Changes of the unit tree from request to audit entry: one transaction, rolled back when it is only a preview."""

import contextlib
import datetime
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.database import Database, now
from haichieu.locale import Message
from haichieu.people import Unit
from haichieu.units.effects import Effect, effects_of, history_left, reaches_now
from haichieu.units.journal import Journal
from haichieu.units.models import UnitChange
from haichieu.units.references import UnitRules
from haichieu.units.requests import Request, require_possible
from haichieu.units.tree import Tree
from haichieu.units.tree_operations import operate, sentence


class _OnlyShown(Exception):
    """Rolls the transaction of a preview back."""


@dataclass(frozen=True)
class Outcome:
    """A change that was made, or would be made: its sentence and its effects. `change_id` is None in a preview."""

    said: Message
    effects: Sequence[Effect]
    change_id: int | None = None

    @property
    def mark(self) -> str:
        """A digest of the effects, to notice that something changed between preview and confirmation."""
        words = [(one.group, one.said.to_json()) for one in self.effects]
        return hashlib.sha256(repr((self.said.to_json(), words)).encode()).hexdigest()


def carry_out(
    session: Session, rules: UnitRules, wanted: Request, actor: str, at: datetime.datetime | None = None
) -> Outcome:
    """Change the tree in the caller's transaction. Raises UnitChangeRefused with every problem."""
    at = at or now()
    lock(session)
    tree = Tree(session)
    require_possible(session, rules, tree, wanted)
    touched = wanted.touched(tree)
    before, said = reaches_now(session, rules), sentence(tree, wanted)
    journal = Journal(session)
    guarded = operate(session, rules, journal, tree, wanted, at)
    concerned = {*wanted.concerned(tree), *guarded, *_moved_units(journal)}
    change = UnitChange(
        kind=wanted.kind, at=at, actor=actor, units=sorted(concerned), said=said,
        journal={
            "steps": journal.steps, "guarded": list(guarded), "newest": newest(session, rules, guarded),
            "touched": sorted(touched),
        },
    )  # fmt: skip
    session.add(change)
    session.flush()
    session.expire_all()
    codes = tuple(tree.units[number].code for number in sorted(concerned & tree.units.keys()))
    audit.record(session, actor, f"unit.{wanted.kind}", f"unit:{', '.join(codes)}"[:200], change=change.id)
    effects = [*effects_of(session, rules, journal.steps, before), *history_left(session, rules, wanted)]
    return Outcome(said, effects, change.id)


def preview(database: Database, work: Callable[[Session], Outcome]) -> Outcome:
    """Return the outcome of `work`, which is undone at once: so a preview cannot differ from the change."""
    found: list[Outcome] = []
    with contextlib.suppress(_OnlyShown), database.session() as session:
        found.append(work(session))
        raise _OnlyShown
    return Outcome(found[0].said, found[0].effects)


def lock(session: Session) -> None:
    """Let one change of the tree wait for another; rows that refer to units are still added meanwhile."""
    session.execute(sa.select(Unit.id).order_by(Unit.id).with_for_update(key_share=True))


def newest(session: Session, rules: UnitRules, guarded: Sequence[int]) -> dict[str, object]:
    """Return what refers to units now: the highest id of each table, or the keys of an association."""
    found: dict[str, object] = {}
    for reference in rules.references if guarded else ():
        table = reference.table
        if "id" in table.c:
            found[reference.name] = session.scalar(sa.select(sa.func.max(table.c.id))) or 0
        else:
            keys = session.execute(sa.select(*table.primary_key).where(reference.column.in_(guarded)))
            found[reference.name] = sorted(list(row) for row in keys)
    return found


def _moved_units(journal: Journal) -> set[int]:
    """Return the units that got another place, which a later change of theirs depends on."""
    of_units = (one for one in journal.steps if one["do"] == "set" and one["table"] == "units")
    return {number for step in of_units for number in step["rows"]}
