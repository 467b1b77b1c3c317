"""Effects of a change of the unit tree, in sentences: the same for a preview and for what was done."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.locale import Message, message
from haichieu.people import Unit
from haichieu.units.references import Reach, Reaches, UnitRules
from haichieu.units.requests import Merge, Rename, Request

MOST_NAMES = 12
"""Rows that are named; of more, the number is said."""
GROUPS = ("units", "rows", "reach", "history")
REACHING = ("zone", "official", "account", "schedule", "broadcast", "source", "area")
"""The kinds of `Reach`, in their order."""


@dataclass(frozen=True)
class Effect:
    """One effect; `group` is the heading `unit_tree.group.<group>` under which it is shown."""

    group: str
    said: Message


def by_group(effects: Sequence[Effect]) -> list[tuple[Message, list[Effect]]]:
    """Return the effects under their headings, in the order of the pages."""
    grouped = ((group, [one for one in effects if one.group == group]) for group in GROUPS)
    return [(message(f"unit_tree.group.{group}"), those) for group, those in grouped if those]


def reaches_now(session: Session, rules: UnitRules) -> Reaches:
    """Return what everything reaches now."""
    return {key: reach for look in rules.reaches for key, reach in look(session).items()}


def effects_of(
    session: Session, rules: UnitRules, steps: Sequence[Mapping[str, Any]], before: Reaches, *, undone: bool = False
) -> list[Effect]:
    """Return the effects of the steps of a journal, once they are done or taken back; `before` was reached before."""
    found = list(_rows(session, rules, steps, undone=undone))
    found += _reached(before, reaches_now(session, rules))
    return found


def history_left(session: Session, rules: UnitRules, wanted: Request) -> Iterator[Effect]:
    """Yield what stays under the old names, and how they are understood from now on."""
    if isinstance(wanted, Merge):
        for number in dict.fromkeys(wanted.units):
            unit = session.get_one(Unit, number)
            counts: dict[str, int] = {}
            for reference in rules.references:
                if not reference.by_carrier:
                    counts.setdefault(reference.what, reference.count(session, number))
            for what, count in counts.items():
                if count:
                    rows = message(f"unit_tree.what.{what}", count=count)
                    yield Effect("history", message("unit_tree.stays", rows=rows, name=unit.name))
            yield Effect("history", message("unit_tree.name_understood", name=unit.name))
    if isinstance(wanted, Rename) or (isinstance(wanted, Merge) and wanted.name):
        yield Effect("history", message("unit_tree.old_name_understood"))


def _rows(session: Session, rules: UnitRules, steps: Sequence[Mapping[str, Any]], *, undone: bool) -> Iterator[Effect]:
    names = dict(session.execute(sa.select(Unit.id, Unit.name)).all())
    for step in steps:
        reference = rules.of(f"{step['table']}.{step.get('column')}") if step["do"] == "set" else None
        if reference is None:
            continue
        rows: Collection[int] = step["rows"]
        into = step["before" if undone else "after"]
        what = message(f"unit_tree.what.{reference.what}", count=len(rows))
        group = "units" if reference.table.name == Unit.__tablename__ else "rows"
        if len(rows) <= MOST_NAMES and (named := reference.named(session, rows, MOST_NAMES)):
            said = message("unit_tree.follow_named", rows=what, names=tuple(named), unit=names.get(into, ""))
        else:
            said = message("unit_tree.follow", rows=what, unit=names.get(into, ""))
        yield Effect(group, said)


def _reached(before: Reaches, after: Reaches) -> Iterator[Effect]:
    nothing = frozenset[int]()
    for kind in REACHING:
        keys = sorted(key for key in before.keys() | after.keys() if key[0] == kind)
        for key in keys:
            old = before.get(key) or Reach(after[key].name, nothing)
            new = after.get(key) or Reach(old.name, nothing)
            if old.speakers != new.speakers:
                yield Effect(
                    "reach",
                    message(
                        f"unit_tree.reach.{kind}", name=new.name, before=len(old.speakers), after=len(new.speakers),
                    ),
                )  # fmt: skip
