"""Changes of the unit tree that are undone, and those on which something new depends."""

import pytest

from broadcast_bridge.models import Speaker
from feedback.models import Case
from haichieu import audit
from haichieu.database import Database
from haichieu.district.unit_rules import RULES
from haichieu.people import Account, Unit
from haichieu.units.requests import Merge, Part, Split, UnitChangeRefused
from haichieu.units.undoing import undo
from tests.builders.two_tiers import Tiers, case_in, heard_in, something_in, unit_of
from tests.haichieu.units.changing import change, every_row, given, merge, take_back


@pytest.mark.both_databases
def test_undone_merge_leaves_every_row_as_before(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        for code in ("CB", "CB-1", "CP", "CP-1"):
            something_in(session, tiers, code)
        heard_in(session, "CB", "CB-1", "CP")
    before = every_row(database)
    outcome = change(database, merge(tiers, "CB", "CP", name="Xã Cốc Pàng mới"))
    assert every_row(database) != before
    take_back(database, outcome)
    assert every_row(database) == before
    with database.reading() as session:
        assert audit.verify(session).broken_at is None
        assert [one.action for one in audit.find(session)][:2] == ["unit.undo", "unit.merge"]


@pytest.mark.both_databases
def test_nested_villages_merge_together_and_come_back(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        unit_of(session, "CB-1").parent_id = tiers.units["CB-2"]
        something_in(session, tiers, "CB-1")
    before = every_row(database)
    outcome = change(database, merge(tiers, "CB-2", "CB-1", "CP-1"))
    with database.reading() as session:
        assert {unit_of(session, code).parent_id for code in ("CB-1", "CB-2")} == {tiers.units["CP-1"]}
    take_back(database, outcome)
    assert every_row(database) == before


def test_merge_is_not_undone_once_something_new_depends_on_it(database: Database, tiers: Tiers) -> None:
    outcome = change(database, merge(tiers, "CB-1", "CB-2"))
    with database.session() as session:
        number = case_in(session, tiers, "CB-2").id
    before = every_row(database)
    with pytest.raises(UnitChangeRefused, match="1 case"):
        take_back(database, outcome)
    assert every_row(database) == before
    with database.session() as session:
        session.get_one(Case, number).unit_id = tiers.units["CB"]
    take_back(database, outcome)
    with pytest.raises(UnitChangeRefused, match="undone"):
        take_back(database, outcome)


def test_undo_names_what_was_given_to_another_unit_since(database: Database, tiers: Tiers) -> None:
    outcome = change(database, merge(tiers, "CB-1", "CB-2"))
    with database.session() as session:
        session.query(Speaker).filter_by(code="loa-CB-1").one().unit_id = tiers.units["CP"]
    with pytest.raises(UnitChangeRefused, match="1 loudspeaker"):
        take_back(database, outcome)


def test_split_is_not_undone_while_its_unit_is_used(database: Database, tiers: Tiers) -> None:
    with database.reading() as session:
        parts = given(session, tiers, "CP-1", **{"loa_CP_1": "CP-2"})
    outcome = change(database, Split(tiers.units["CP-1"], [Part("CP-2", "Thôn Mới")], parts))
    with database.session() as session:
        session.query(Account).filter_by(email="dv@x.example").one().unit_id = unit_of(session, "CP-2").id
    with pytest.raises(UnitChangeRefused, match="1 account"):
        take_back(database, outcome)


def test_households_move_to_the_unit_that_remains_and_back(database: Database, tiers: Tiers) -> None:
    def households() -> list[int | None]:
        with database.session() as session:
            return [session.get_one(Unit, number).households for number in (tiers.units["CB-1"], tiers.units["CB-2"])]

    with database.session() as session:
        session.get_one(Unit, tiers.units["CB-1"]).households = 80
    made = change(database, Merge([tiers.units["CB-1"]], tiers.units["CB-2"]))
    assert households() == [None, 80]
    with database.session() as session:
        undo(session, RULES, made.change_id or 0, "account:cbg@x.example")
    assert households() == [80, None]
