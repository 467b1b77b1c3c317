"""`haichieu unit`: its previews, its changes, and whom it obeys."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from haichieu.database import Database
from haichieu.people import Unit
from tests.builders.two_tiers import two_tiers, unit_of
from tests.command_line import Finished, haichieu


@pytest.fixture
def home(tmp_path: Path, migrated_sqlite: Path) -> Path:
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'haichieu.sqlite')}")
    with database.session() as session:
        two_tiers(session)
    database.close()
    return tmp_path


@pytest.fixture
def unit(home: Path) -> Callable[..., Finished]:
    return lambda command, *more: haichieu("unit", command, *more, "--home", str(home))


def found(home: Path, code: str) -> Unit:
    database = Database(f"sqlite:///{home / 'haichieu.sqlite'}")
    with database.reading() as session:
        unit = unit_of(session, code)
        session.expunge(unit)
    database.close()
    return unit


def test_dry_run_shows_what_follows_and_changes_nothing(home: Path, unit: Callable[..., Finished]) -> None:
    shown = unit("merge", "CB", "--into", "CP", "--dry-run")
    assert shown.returncode == 0
    assert "Zone 20 Xã Cốc Pàng: 2 → 5 loudspeakers" in shown.stdout
    assert found(home, "CB").retired_at is None
    done = unit("merge", "CB", "--into", "xã cốc pàng")
    assert found(home, "CB").retired_at is not None
    assert done.stdout.splitlines()[:-1] == shown.stdout.splitlines()[:-1]
    assert unit("undo", "1").returncode == 0
    assert found(home, "CB").retired_at is None
    listed = unit("list").stdout
    assert "Merge Xã Cô Ba into Xã Cốc Pàng\tundone" in listed


def test_split_and_rename_and_move(home: Path, unit: Callable[..., Finished]) -> None:
    refused = unit("split", "CB", "--new", "CM=Xã Mới", "--unit", "CB-1=CM", "--speaker", "loa-CB=CB")
    assert (refused.returncode, refused.stderr) == (1, "Thôn Phiêng Sáng has not been given to any unit.")
    split = unit(
        "split", "CB", "--new", "CM=Xã Mới", "--unit", "CB-1=CM", "--unit", "CB-2=CB", "--speaker", "loa-CB=CB"
    )
    assert split.returncode == 0, split.stderr
    assert found(home, "CB-1").parent_id == found(home, "CM").id
    assert unit("move", "CB-1", "--to", "CP").returncode == 0
    assert unit("rename", "CM", "Xã Khác").returncode == 0
    assert "Xã Khác\t(formerly Xã Mới)" in unit("list").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("merge", "CB", "--into", "CP", "--by", "cb@x.example"), "cb@x.example"),
        (("rename", "CB", "X", "--by", "nobody@x.example"), "nobody@x.example"),
        (("rename", "NOWHERE", "X"), "NOWHERE"),
        (("undo", "7"), "no change 7"),
        (("split", "CB", "--new", "Xã Mới"), "LEFT=RIGHT"),
        (("split", "CB", "--new", "CM=Xã Mới", "--speaker", "loa-CP=CM"), "loa-CP"),
    ],
)
def test_refusal_names_its_reason(
    home: Path, unit: Callable[..., Finished], arguments: tuple[str, ...], words: str
) -> None:
    refused = unit(*arguments)
    assert refused.returncode != 0
    assert words in refused.stderr
    assert found(home, "CB").name == "Xã Cô Ba"


def test_account_changes_the_units_that_it_may_configure(home: Path, unit: Callable[..., Finished]) -> None:
    assert unit("rename", "CB-1", "Thôn Khác", "--by", "cb@x.example").returncode == 0
    assert found(home, "CB-1").name == "Thôn Khác"
