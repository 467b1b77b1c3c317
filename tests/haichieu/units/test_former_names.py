"""Old names and codes of units: in messages, on the telephone, in tables and in the district file."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker, Zone
from feedback.cases.suggestions import unit_for
from feedback.intake.filing import file_message
from feedback.models import Citizen
from haichieu.database import Database, now
from haichieu.district.apply_report import ApplyReport
from haichieu.district.reconcile import apply_file
from haichieu.district.unit_rules import RULES
from haichieu.district.words_of_tables import Places
from haichieu.people import Unit
from haichieu.units.carrying_out import carry_out
from haichieu.units.former_names import former_names
from haichieu.units.requests import Merge, Rename, Request
from haichieu.vault import open_vault
from ivr.flows.definition import delivered_flows
from tests.builders.two_tiers import Tiers, case_in, two_tiers, unit_of

FILE = """
[[units]]
code = "CBG"
name = "Tỉnh Cao Bằng"
level = "province"

[[units]]
code = "CB"
name = "Xã Cô Ba"
level = "commune"
parent = "CBG"

[[units]]
code = "CB-1"
name = "Thôn Nà Rào"
level = "village"
parent = "CB"

[[units]]
code = "CP"
name = "Xã Cốc Pàng"
level = "commune"
parent = "CBG"

[[speakers]]
id = "loa-a"
name = "Loa A"
unit = "CB"
password = "speaker-secret-a"

[[speakers]]
id = "loa-b"
name = "Loa B"
unit = "CP"
password = "speaker-secret-b"

[[zones]]
code = "10"
name = "Cô Ba"
units = ["CB"]
"""


def change(database: Database, wanted: Request) -> None:
    with database.session() as session:
        carry_out(session, RULES, wanted, "test")


@pytest.fixture
def tiers(database: Database) -> Tiers:
    with database.session() as session:
        return two_tiers(session)


class District:
    """A district file and the station that it was applied to."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.file = database, folder / "district.toml"
        self.file.write_text(FILE)
        self.apply()

    def apply(self, *, prune: bool = False) -> ApplyReport:
        vault = open_vault(self.file.parent)
        return apply_file(self.database, vault, self.file, delivered_flows(), dry_run=False, prune=prune, actor="test")

    def replace(self, before: str, after: str) -> None:
        self.file.write_text(self.file.read_text().replace(before, after))

    def unit(self, session: Session, code: str) -> Unit:
        return session.query(Unit).filter_by(code=code).one()


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    return District(database, tmp_path)


@pytest.mark.parametrize("prune", [False, True])
def test_file_from_before_a_merge_changes_nothing(district: District, prune: bool) -> None:
    with district.database.reading() as session:
        merged = Merge([district.unit(session, "CB").id], district.unit(session, "CP").id)
    change(district.database, merged)
    report = district.apply(prune=prune)
    assert [(one.key, str(one.action)) for one in report.changes] == [("CB", "merged")]
    with district.database.reading() as session:
        into = district.unit(session, "CP").id
        assert {one.unit_id for one in session.query(Speaker)} == {into}
        assert district.unit(session, "CB-1").parent_id == into
        [zone] = session.query(Zone)
        assert [one.code for one in zone.units] == ["CB-1"]
        assert [one.code for one in zone.speakers] == ["loa-a"]


def test_new_entry_of_a_merged_unit_belongs_to_the_other(district: District) -> None:
    with district.database.reading() as session:
        merged = Merge([district.unit(session, "CB").id], district.unit(session, "CP").id)
    change(district.database, merged)
    district.file.write_text(FILE + '[[zones]]\ncode = "30"\nname = "Mới"\nunits = ["CB"]\n')
    district.apply()
    with district.database.reading() as session:
        assert [one.code for one in session.query(Zone).filter_by(code="30").one().units] == ["CP"]


def test_old_name_in_the_file_does_not_take_a_renaming_back(district: District) -> None:
    with district.database.reading() as session:
        number = district.unit(session, "CP").id
    change(district.database, Rename(number, "Xã Đức Hạnh"))
    assert district.apply().made == []
    with district.database.reading() as session:
        assert district.unit(session, "CP").name == "Xã Đức Hạnh"


def test_name_that_the_file_replaces_is_remembered(district: District) -> None:
    district.replace("Xã Cốc Pàng", "Xã Đức Hạnh")
    district.apply()
    with district.database.reading() as session:
        assert former_names(session) == {district.unit(session, "CP").id: ("Xã Cốc Pàng",)}


def test_message_that_names_a_merged_village_is_filed_in_the_new_one(database: Database, tiers: Tiers) -> None:
    change(database, Merge([tiers.units["CB-1"]], tiers.units["CB-2"], "Thôn Hợp Nhất"))
    with database.session() as session:
        case = case_in(session, tiers, "CB")
        case.messages[0].text = "Cầu ở thôn Nà Rào bị hỏng"
        file_message(session, case.messages[0], now())
        assert (case.unit_id, case.unit_by) == (tiers.units["CB-2"], "place: Nà Rào")


def test_former_name_of_two_units_suggests_neither() -> None:
    here = Unit(id=1, code="A", name="Xã Cô Ba", level="commune")
    below = [Unit(id=number, code=f"V{number}", name=f"Thôn {number}", level="village") for number in (2, 3)]
    assert unit_for("ở Nà Rào", here, below, {2: ("Thôn Nà Rào",), 3: ("Bản Nà Rào",)}) is None
    found = unit_for("ở Nà Rào", here, below, {2: ("Thôn Nà Rào",)})
    assert found is not None
    assert found.unit.id == 2


def test_case_of_a_call_that_outlasts_the_merge_is_the_new_units(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        session.add(
            Citizen(number_hash="x", number_locked="x", unit_id=tiers.units["CB"], created_at=now(), seen_at=now())
        )
    change(database, Merge([tiers.units["CB"]], tiers.units["CP"]))
    with database.session() as session:
        assert case_in(session, tiers, "CB").unit_id == tiers.units["CP"]
        assert session.query(Citizen).one().unit_id == tiers.units["CP"]


def test_tables_understand_old_names_and_codes(database: Database, tiers: Tiers) -> None:
    change(database, Merge([tiers.units["CB-1"]], tiers.units["CB-2"], "Thôn Hợp Nhất"))
    with database.reading() as session:
        places = Places(session)
        for typed in ("CB-1", "cb-2", "thon na rao", "Thôn Phiêng Sáng", "Thôn Hợp Nhất"):
            assert places.code("unit", typed) == "CB-2", typed
        assert places.code("unit", "Thôn Khác") == "Thôn Khác"
        assert unit_of(session, "CB-2").name == "Thôn Hợp Nhất"
