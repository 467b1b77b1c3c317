"""Merging, renaming, splitting and moving units: what follows, what stays, what is refused, and taking it back."""

import datetime

import pytest
import sqlalchemy as sa

from admin.reports.figures import figures
from broadcast_bridge.broadcasts.broadcast_reports import aired_figures
from broadcast_bridge.broadcasts.log import Wanted, find, when
from broadcast_bridge.broadcasts.villages import by_village, former_units
from broadcast_bridge.models import Broadcast, Zone
from feedback.models import Case
from haichieu.database import Base, Database, now
from haichieu.district.unit_rules import RULES
from haichieu.people import Official, Unit, live_unit, unit_coded, units_under
from haichieu.periods import Period
from haichieu.unit_names import unit_names
from haichieu.units.carrying_out import carry_out, preview
from haichieu.units.former_names import former_names
from haichieu.units.requests import STAYS, Merge, Move, Part, Rename, Split, UnitChangeRefused
from tests.builders.two_tiers import Tiers, heard_in, something_in, unit_of
from tests.haichieu.units.changing import change, every_row, given, merge, reach, said, take_back

DAY = datetime.timedelta(days=1)


def figures_of(one: object) -> tuple[float, ...]:
    names = ("broadcasts", "deliveries", "heard", "unconfirmed", "seconds", "synthetic")
    return tuple(getattr(one, name) for name in names)


def test_every_column_that_refers_to_units_is_handled() -> None:
    """A new table must say in its room's `unit_references.py` whether its rows follow."""
    referring = {
        f"{table.name}.{key.parent.name}"
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "units"
    }
    assert {one.name for one in RULES.references} == referring


@pytest.mark.both_databases
def test_merge_carries_everything_alive_and_leaves_the_history(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        something_in(session, tiers, "CB-1")
    change(database, merge(tiers, "CB-1", "CB-2"))
    source, target = tiers.units["CB-1"], tiers.units["CB-2"]
    with database.reading() as session:
        for one in RULES.references:
            left = session.scalars(sa.select(sa.func.count()).select_from(one.table).where(one.column == source)).one()
            expected = {"cases.unit_id": 1, "survey_answers.unit_id": 1, "former_speaker_units.unit_id": 1}

            assert left == expected.get(one.name, 0), one.name
        assert {case.status: case.unit_id for case in session.scalars(sa.select(Case))} == {
            "new": target, "closed": source,
        }  # fmt: skip
        merged = unit_of(session, "CB-1")
        assert (merged.parent_id, merged.retired_at is not None, merged.name) == (target, True, "Thôn Nà Rào")
        assert source in units_under(session, [target])


@pytest.mark.both_databases
def test_merge_keeps_every_figure_of_the_reports(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        for code in ("CB", "CB-1", "CB-2", "CP"):
            something_in(session, tiers, code)
        heard_in(session, "CB", "CB-1", "CB-2", "CP")
        heard_in(session, "CB-1")

    def sums() -> tuple[object, ...]:
        with database.reading() as session:
            every = units_under(session, [tiers.units["CBG"]])
            days = Period(now().date() - DAY, now().date() + DAY, "Asia/Ho_Chi_Minh")
            found = figures(session, every, days, now())
            numbers = [
                tuple(round(sum(values), 3) for values in zip(*(figures_of(one) for one in group), strict=True))
                for group in (found.by_commune, found.by_unit, found.by_category)
            ]
            cases = [
                (
                    sum(one.opened for one in group),
                    sum(one.waiting for one in group),
                    sum(one.answered for one in group),
                )
                for group in (found.cases.by_commune, found.cases.by_unit, [found.cases.total])
            ]
            survey = (sum(one.useful for one in found.survey), sum(one.not_useful for one in found.survey))
            rows = {
                one.unit.code: one.deliveries for one in aired_figures(session, every, now() - DAY, now() + DAY).by_unit
            }
            return numbers, cases, survey, rows, len(found.availability)

    before = sums()
    outcome = change(database, merge(tiers, "CB-1", "CB-2"))
    assert sums() == before
    second = change(database, merge(tiers, "CB", "CP"))
    assert sums() == before
    with database.session() as session:
        heard_in(session, "CB-1").on_air_at = now()
        rows = aired_figures(session, set(tiers.units.values()), now() - DAY, now() + DAY).by_unit
        assert {one.unit.code: one.deliveries for one in rows} == {"CB": 1, "CB-1": 2, "CB-2": 2, "CP": 1}
        session.rollback()
    take_back(database, second)
    take_back(database, outcome)
    assert sums() == before


@pytest.mark.both_databases
def test_zones_of_a_merged_unit_reach_what_they_reached(database: Database, tiers: Tiers) -> None:
    with database.reading() as session:
        before = reach(session)
    outcome = change(database, merge(tiers, "CB", "CP"))
    with database.reading() as session:
        after = reach(session)
        assert [one.code for one in session.query(Zone).filter_by(code="10").one().units] == ["CB-1", "CB-2"]
    assert after == before | {"20": ["loa-CB", "loa-CB-1", "loa-CB-2", "loa-CP", "loa-CP-1"]}
    assert "Zone 20 Xã Cốc Pàng: 2 → 5 loudspeakers" in said(outcome, "reach")
    assert any("cp@x.example: 2 → 5" in line for line in said(outcome, "reach"))


def test_preview_names_schedules_and_waiting_broadcasts(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        something_in(session, tiers, "CP")
        waiting = heard_in(session, state="planned")
        waiting.zone_codes, waiting.title = ["20"], "Họp xã"
    outcome = change(database, merge(tiers, "CB", "CP"))
    assert {"Schedule Lịch CP: 2 → 5 loudspeakers", "Waiting broadcast Họp xã: 2 → 5 loudspeakers"} <= set(
        said(outcome, "reach")
    )


def test_preview_names_the_speakers_that_a_source_loses(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        something_in(session, tiers, "CB")
    outcome = change(database, Move(tiers.units["CB-1"], tiers.units["CP"]))
    lines = [one for one in said(outcome, "reach") if "source" in one.lower()]
    assert lines == ["Source Nguồn CB: 3 → 2 loudspeakers", "Area area-CB of a source: 3 → 2 loudspeakers"]


def test_preview_says_what_the_change_says_and_changes_nothing(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        something_in(session, tiers, "CB-1")
    before = every_row(database)
    shown = preview(database, lambda session: carry_out(session, RULES, merge(tiers, "CB-1", "CB-2"), "a"))
    assert every_row(database) == before
    done = change(database, merge(tiers, "CB-1", "CB-2"))
    assert (shown.change_id, shown.mark) == (None, done.mark)
    lines = "\n".join(said(done))
    for words in ("loudspeaker", "number", "official", "account", "case", "schedule", "Bản tin CB-1"):
        assert words in lines


@pytest.mark.both_databases
def test_split_gives_every_speaker_to_one_part(database: Database, tiers: Tiers) -> None:
    before = every_row(database)
    with database.reading() as session:
        given_away = given(session, tiers, "CB", loa_CB=STAYS, CB_1="CB-M", CB_2=STAYS)
        who = session.query(Official).filter_by(code="1010").one()
        given_away["officials.unit_id", who.id] = "CB-M"
        reached = reach(session)
    outcome = change(database, Split(tiers.units["CB"], [Part("CB-M", "Xã Cô Ba Mới")], given_away))
    with database.reading() as session:
        new = unit_of(session, "CB-M")
        assert (new.parent_id, new.level) == (tiers.units["CBG"], "commune")
        assert unit_of(session, "CB-1").parent_id == new.id
        assert session.query(Official).filter_by(code="1010").one().unit_id == new.id
        assert reach(session) == reached
    assert any("cb@x.example: 3 → 2" in line for line in said(outcome, "reach"))
    take_back(database, outcome)
    assert every_row(database) == before


def test_rename_is_remembered(database: Database, tiers: Tiers) -> None:
    outcome = change(database, Rename(tiers.units["CP"], "Xã Đức Hạnh"))
    with database.reading() as session:
        assert former_names(session) == {tiers.units["CP"]: ("Xã Cốc Pàng",)}
        assert str(unit_names(session)[tiers.units["CP-1"]]) == "Thôn Nà Mìa (Xã Đức Hạnh)"
    take_back(database, outcome)
    with database.reading() as session:
        assert former_names(session) == {}
        assert unit_of(session, "CP").name == "Xã Cốc Pàng"


def test_move_takes_villages_to_another_commune(database: Database, tiers: Tiers) -> None:
    outcome = change(database, Move(tiers.units["CB-1"], tiers.units["CP"]))
    with database.reading() as session:
        assert reach(session)["10"] == ["loa-CB", "loa-CB-2"]
        assert reach(session)["20"] == ["loa-CB-1", "loa-CP", "loa-CP-1"]
    assert "Zone 10 Xã Cô Ba: 3 → 2 loudspeakers" in said(outcome, "reach")
    take_back(database, outcome)
    with database.reading() as session:
        assert unit_of(session, "CB-1").parent_id == tiers.units["CB"]


def test_chain_of_merges_leads_to_the_unit_that_is_left(database: Database, tiers: Tiers) -> None:
    first = change(database, merge(tiers, "CB-1", "CB-2"))
    change(database, merge(tiers, "CB", "CP"))
    second = change(database, merge(tiers, "CB-2", "CP-1", name="Thôn Hợp Nhất"))
    with database.reading() as session:
        left = unit_coded(session, "CB-1")
        assert left is not None
        assert left.code == "CP-1"
        assert live_unit(session, unit_of(session, "CB")).code == "CP"
        assert sorted(former_names(session)[left.id]) == ["Thôn Nà Mìa", "Thôn Nà Rào", "Thôn Phiêng Sáng"]
    with pytest.raises(UnitChangeRefused, match="undo"):
        take_back(database, first)
    take_back(database, second)


def test_districts_are_dissolved_into_their_province(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        district = Unit(code="BL", name="Huyện Bảo Lạc", level="district", parent_id=tiers.units["CBG"])
        session.add(district)
        session.flush()
        unit_of(session, "CB").parent_id = district.id
        number = district.id
    change(database, Merge([number], tiers.units["CBG"]))
    with database.reading() as session:
        assert unit_of(session, "CB").parent_id == tiers.units["CBG"]


@pytest.mark.both_databases
def test_log_and_proof_name_the_village_of_that_time(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        number = heard_in(session, "CB-1", "CB-2").id
    change(database, merge(tiers, "CB-1", "CB-2"))
    with database.session() as session:
        heard_in(session, "CB-1").on_air_at = now() + DAY
    with database.reading() as session:
        only = Wanted(unit_ids={tiers.units["CB-1"]})
        assert [one.broadcast.id for one in find(session, only, sa.true()).items] == [number]
        both = Wanted(unit_ids=units_under(session, [tiers.units["CB-2"]]))
        assert len(find(session, both, sa.true()).items) == 2
        broadcast = session.get_one(Broadcast, number)
        proof = by_village(broadcast.deliveries, unit_names(session), former_units(session, when(broadcast)))
        assert [one.name.name for one in proof.villages] == ["Thôn Nà Rào", "Thôn Phiêng Sáng"]
