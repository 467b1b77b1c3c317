"""Programmes from the command line, as an editor, an approver and an operator use it."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from admin.district.reconcile import apply_file
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes import survey
from haichieu.account_rights import MAY, Action
from haichieu.audio.sound import write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, migrate, now
from haichieu.people import Role, Unit
from haichieu.vault import open_vault
from ivr.flow import delivered_flows
from tests.command_line import Finished, haichieu

DISTRICT = """
[[units]]
code = "CB"
name = "Cô Ba"
level = "commune"
[[units]]
code = "CP"
name = "Cốc Pàng"
level = "commune"
[[speakers]]
id = "cb-1"
name = "Loa 1"
unit = "CB"
password = "mat-khau-loa"
[[zones]]
code = "11"
name = "Cô Ba"
units = ["CB"]
"""
ACCOUNT = '[[accounts]]\nemail = "{0}@x.example"\nname = "{0}"\npassword = "mat-khau-{0}"\nrole = "{1}"\nunit = "{2}"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path / 'haichieu.sqlite'}"
    migrate(url)
    accounts = (("bientap", "editor", "CB"), ("duyet", "approver", "CB"), ("ngoai", "editor", "CP"))
    file = tmp_path / "district.toml"
    file.write_text(DISTRICT + "".join(ACCOUNT.format(*account) for account in accounts))
    database = Database(url)
    apply_file(database, open_vault(tmp_path), file, delivered_flows(), dry_run=False, prune=False, actor="test")
    database.close()
    return tmp_path


def run(home: Path, *arguments: str) -> Finished:
    return haichieu(*arguments, "--home", str(home))


def test_from_a_file_to_the_air_with_the_rights_of_each(home: Path) -> None:
    write_wav(home / "chime.wav", attention_chime(16000))
    new = ("programme", "add", str(home / "chime.wav"), "--title", "Nhạc hiệu", "--unit", "CB")
    stranger = run(home, *new, "--by", "ngoai@x.example")
    assert (stranger.returncode, "limited to its own unit" in stranger.stderr) == (1, True)
    added = run(home, *new, "--by", "bientap@x.example", "--submit")
    assert added.stdout.split("\t")[:2] == ["1", "submitted"], added.stderr
    again = run(home, *new, "--by", "bientap@x.example")
    assert (again.returncode, "Nhạc hiệu" in again.stderr) == (1, True)
    own = run(home, "programme", "approve", "1", "--by", "bientap@x.example")
    assert (own.returncode, "may not approve" in own.stderr) == (1, True)
    early = run(home, "programme", "air", "1", "--zone", "11", "--by", "bientap@x.example")
    assert (early.returncode, "not approved" in early.stderr) == (1, True)
    assert run(home, "programme", "approve", "1", "--by", "duyet@x.example").returncode == 0
    aired = run(home, "programme", "air", "1", "--zone", "11", "--by", "bientap@x.example")
    assert aired.stdout.split("\t")[:3] == ["1", "planned", "Cô Ba"], aired.stderr
    assert "Nhạc hiệu" in run(home, "programme", "list", "--search", "nhac hieu").stdout
    assert run(home, "stop", "1", "--by", "bientap@x.example").returncode == 0
    database = Database(f"sqlite:///{home / 'haichieu.sqlite'}")
    with database.session() as session:
        assert session.scalars(sa.select(Broadcast.state)).one() == "cancelled"
        survey.vote(session, 1, session.scalars(sa.select(Unit.id)).first() or 0, None, now(), useful=True)
    database.close()
    assert "Nhạc hiệu" in run(home, "programme", "usage").stdout


def test_what_there_is_not_is_said(home: Path) -> None:
    for arguments, said in (
        (("approve", "9", "--by", "duyet@x.example"), "no programme 9"),
        (("approve", "9", "--by", "ai@x.example"), "no account"),
        (("add", "/no/file", "--title", "x", "--unit", "CB", "--by", "bientap@x.example"), "no file"),
        (("add", "x", "--title", "x", "--unit", "ZZ", "--by", "bientap@x.example"), "no unit ZZ"),
    ):
        refused = run(home, "programme", *arguments)
        assert refused.returncode in (1, 2)
        assert said in refused.stderr


def test_every_role_is_in_the_matrix_and_nobody_but_the_admin_may_do_everything() -> None:
    assert MAY.keys() == set(Role)
    assert [role for role in Role if MAY[role] == set(Action)] == [Role.ADMIN]
