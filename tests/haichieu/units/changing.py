"""Changes of the unit tree in tests: made, taken back, refused, and all rows before and after."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.zones import speakers_in
from haichieu.database import Base, Database
from haichieu.district.unit_rules import RULES
from haichieu.locale import render
from haichieu.people import Unit
from haichieu.units.carrying_out import Outcome, carry_out
from haichieu.units.requests import Merge, Request, UnitChangeRefused
from haichieu.units.undoing import undo
from tests.builders.two_tiers import Tiers


def change(database: Database, wanted: Request) -> Outcome:
    with database.session() as session:
        return carry_out(session, RULES, wanted, "account:cbg@x.example")


def take_back(database: Database, outcome: Outcome) -> Outcome:
    with database.session() as session:
        return undo(session, RULES, outcome.change_id or 0, "account:cbg@x.example")


def merge(tiers: Tiers, *codes: str, name: str = "") -> Merge:
    *units, into = (tiers.units[code] for code in codes)
    return Merge(units, into, name)


def given(session: Session, tiers: Tiers, code: str, **parts: str) -> dict[tuple[str, int], str]:
    """Give the speakers and units below a unit, by code, to parts; dashes are underlines."""
    found = {}
    for name, model in (("speakers.unit_id", Speaker), ("units.parent_id", Unit)):
        for key, part in parts.items():
            row = session.query(model).filter_by(code=key.replace("_", "-")).first()
            if row is not None:
                found[name, row.id] = part
    return found


def every_row(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of the station but those of the trail and of the changes."""
    with database.reading() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(sa.select(table))), key=repr)
            for name, table in Base.metadata.tables.items()
            if name not in ("audit_entries", "unit_changes")
        }


def reach(session: Session) -> dict[str, list[str]]:
    return {
        zone.code: [speaker.code for speaker in speakers_in(session, [zone.id])]
        for zone in session.scalars(sa.select(Zone).order_by(Zone.code))
    }


def said(outcome: Outcome, group: str = "") -> list[str]:
    return [render(one.said, "en") for one in outcome.effects if not group or one.group == group]


def refusal(database: Database, wanted: Request) -> dict[str, str]:
    before = every_row(database)
    with pytest.raises(UnitChangeRefused) as refused:
        change(database, wanted)
    assert every_row(database) == before
    return {field: render(problem, "en") for field, problem in refused.value.problems.items()}
