"""Changes of the unit tree that are refused, beside their fields and with nothing changed."""

import pytest

from broadcast_bridge.models import Speaker
from haichieu.database import Database
from haichieu.units.requests import STAYS, Merge, Move, Part, Rename, Split
from tests.builders.two_tiers import Tiers, heard_in, unit_of
from tests.haichieu.units.changing import change, given, merge, refusal


def test_split_without_a_place_for_a_speaker_is_refused(database: Database, tiers: Tiers) -> None:
    with database.reading() as session:
        speaker = session.query(Speaker).filter_by(code="loa-CB").one().id
        given_away = given(session, tiers, "CB", CB_1="CB-M", CB_2="elsewhere")
    found = refusal(database, Split(tiers.units["CB"], [Part("CB-M", "Xã Mới")], given_away))
    assert set(found) == {f"speakers-{speaker}", f"units-{tiers.units['CB-2']}"}
    assert "Loa Xã Cô Ba" in found[f"speakers-{speaker}"]


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        (lambda u: Merge([u["CB"]], u["CB"]), "units", "itself"),
        (lambda u: Merge([u["CB"], u["CP"]], u["CB"]), "units", "itself"),
        (lambda u: Merge([u["CB"]], u["CB-1"]), "units", "below"),
        (lambda u: Merge([u["CB"]], u["DV"]), "units", "province"),
        (lambda u: Merge([u["CB-1"]], u["CP"]), "units", "level"),
        (lambda u: Merge([u["CB-1"]], u["CBG"]), "units", "level"),
        (lambda u: Merge([], u["CP"]), "units", "Choose"),
        (lambda u: Merge([u["CP"]], u["CB"], "x" * 201), "name", "200"),
        (lambda u: Move(u["CB"], u["CB-1"]), "parent", "below itself"),
        (lambda u: Move(u["CB"], u["CB"]), "parent", "below itself"),
        (lambda u: Move(u["CB"], u["CBG"]), "parent", "already"),
        (lambda u: Move(u["CB-1"], u["DV"]), "parent", "province"),
        (lambda u: Move(u["CP"], u["CB"]), "parent", "level"),
        (lambda u: Rename(u["CB"], ""), "name", "200"),
        (lambda u: Rename(u["CB"], "Xã\u202eCô Ba"), "name", "200"),
        (lambda u: Rename(u["CB"], "Xã Cô Ba"), "name", "already"),
        (lambda u: Rename(u["CB"], "XÃ CỐC PÀNG"), "name", "already"),
        (lambda u: Split(u["CBG"], [Part("X", "Tỉnh X")]), "", "highest"),
        (lambda u: Split(u["CP-1"], []), "name-1", "new unit"),
        (lambda u: Split(u["CP-1"], [Part("CB", "Thôn X")]), "code-1", "CB"),
        (lambda u: Split(u["CP-1"], [Part("a b", "Thôn X")]), "code-1", "a b"),
        (lambda u: Split(u["CP-1"], [Part("X", "Thôn X"), Part("Y", "thôn x")]), "name-2", "already"),
    ],
)  # fmt: skip
def test_impossible_change_is_refused_beside_its_field(
    database: Database, tiers: Tiers, wanted: object, field: str, words: str
) -> None:
    assert words in refusal(database, wanted(tiers.units))[field]  # type: ignore[operator]


def test_merge_in_a_circle_is_refused(database: Database, tiers: Tiers) -> None:
    change(database, merge(tiers, "CB-1", "CB-2"))
    assert "was merged into" in refusal(database, merge(tiers, "CB-2", "CB-1"))["into"]
    assert "was merged into" in refusal(database, merge(tiers, "CB-1", "CP-1"))["units"]
    for wanted in (Rename(tiers.units["CB-1"], "X"), Move(tiers.units["CB-1"], tiers.units["CP"])):
        assert "was merged into" in refusal(database, wanted)[""]
    assert "was merged into" in refusal(database, Move(tiers.units["CP-1"], tiers.units["CB-1"]))["parent"]
    assert "was merged into" in refusal(database, Split(tiers.units["CB-1"], [Part("X", "X")]))[""]


def test_villages_of_one_name_are_renamed_before_their_communes_merge(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        unit_of(session, "CP-1").name = "thôn Nà rào"
    found = refusal(database, merge(tiers, "CB", "CP"))["units"]
    assert "Thôn Nà Rào (CB-1)" in found
    assert "thôn Nà rào (CP-1)" in found
    assert "parent" in refusal(database, Move(tiers.units["CB-1"], tiers.units["CP"]))
    change(database, Rename(tiers.units["CP-1"], "Thôn Nà Rào 2"))
    change(database, merge(tiers, "CB", "CP"))


@pytest.mark.both_databases
def test_tree_is_not_changed_under_a_broadcast_on_air(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        heard_in(session, "CB-1", state="on_air")
        parts = given(session, tiers, "CB", loa_CB=STAYS, CB_1=STAYS, CB_2=STAYS)
    for wanted in (
        merge(tiers, "CB", "CP"),
        Move(tiers.units["CB-1"], tiers.units["CP"]),
        Split(tiers.units["CB"], [Part("X", "Xã X")], parts),
    ):
        assert "Bản tin sáng" in refusal(database, wanted)[""]
    change(database, Rename(tiers.units["CB-1"], "Thôn Khác"))


def test_broadcast_in_another_place_hinders_no_change(database: Database, tiers: Tiers) -> None:
    with database.session() as session:
        heard_in(session, "CP-1", state="on_air")
        parts = given(session, tiers, "CB", loa_CB=STAYS, CB_1=STAYS, CB_2=STAYS)
    change(database, Split(tiers.units["CB"], [Part("X", "Xã X")], parts))
    change(database, Move(tiers.units["CB-1"], tiers.units["CP"]))
