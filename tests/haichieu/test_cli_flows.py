"""Call flows from the command line: a file becomes a draft, is published by who may, and taken back."""

import json
from pathlib import Path

import pytest

from haichieu.database import Database
from haichieu.people import Account, Level, Role, Unit
from ivr.flow import delivered_definition
from tests.command_line import haichieu

CHIEF, BELOW = "quantri@x.example", "xa@x.example"


@pytest.fixture
def home(tmp_path: Path, migrated_sqlite: Path) -> Path:
    (tmp_path / "haichieu.sqlite").write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'haichieu.sqlite'}")
    with database.session() as session:
        above = Unit(code="BL", name="Huyện", level=Level.DISTRICT)
        session.add(above)
        session.flush()
        below = Unit(code="CB", name="Xã", level=Level.COMMUNE, parent_id=above.id)
        session.add(below)
        session.flush()
        for email, unit in ((CHIEF, above), (BELOW, below)):
            session.add(Account(email=email, name="A", password_hash="x", role=Role.ADMIN, unit_id=unit.id))
    database.close()
    return tmp_path


def flow(home: Path, *words: str):  # type: ignore[no-untyped-def]
    command, *rest = words
    return haichieu("flow", command, "--home", str(home), *rest)


def test_a_file_becomes_a_draft_a_version_and_history(home: Path) -> None:
    changed = json.loads(delivered_definition("hotline"))
    changed["nodes"][0]["prompt"] = "duty-desk-closed"
    file = home / "hotline.json"
    file.write_text(json.dumps(changed))
    assert "hotline\t11 bước" in flow(home, "check", str(file)).stdout
    refused = flow(home, "draft", str(file), "--by", BELOW)
    assert (refused.returncode, "chỉ phụ trách" in refused.stderr) == (1, True)
    assert flow(home, "draft", str(file), "--by", CHIEF).returncode == 0
    again = flow(home, "draft", str(file), "--by", CHIEF)
    assert (again.returncode, "--replace" in again.stderr) == (2, True)
    del changed["nodes"][-1]
    file.write_text(json.dumps(changed))
    wrong = flow(home, "draft", str(file), "--by", CHIEF, "--replace")
    assert (wrong.returncode, "main-menu: lối ra 0 dẫn tới nút duty-desk" in wrong.stderr) == (0, True)
    assert flow(home, "check", str(file)).returncode == 2
    refused = flow(home, "publish", "hotline", "--by", CHIEF, "--because", "vội")
    assert (refused.returncode, "duty-desk" in refused.stderr) == (2, True)
    del changed["nodes"][3]["exits"]["0"]
    file.write_text(json.dumps(changed))
    assert flow(home, "draft", str(file), "--by", CHIEF, "--replace").stderr == ""
    walked = flow(home, "simulate", "hotline", "3", "-", "--draft").stdout
    assert "[greeting]\n  Hiện ngoài giờ trực." in walked
    assert walked.endswith("  …\n")
    assert flow(home, "publish", "hotline", "--by", CHIEF, "--because", "Hết trực", "--over", "3").returncode == 1
    assert flow(home, "publish", "hotline", "--by", CHIEF, "--because", "Hết trực").stdout == "hotline\t1\n"
    assert json.loads(flow(home, "show", "hotline").stdout)["nodes"][0]["prompt"] == "duty-desk-closed"
    assert flow(home, "roll-back", "hotline", "0", "--by", CHIEF, "--because", "nhầm").stdout == "hotline\t2\n"
    assert flow(home, "show", "hotline").stdout.strip() == delivered_definition("hotline").strip()
    assert flow(home, "show", "hotline", "--draft").returncode == 1
    assert "nhầm" in flow(home, "list").stdout
    assert flow(home, "show", "nope").returncode == 1
    assert flow(home, "draft", str(file), "--by", CHIEF).returncode == 0
    assert flow(home, "discard", "hotline", "--by", CHIEF).returncode == 0
    assert flow(home, "discard", "hotline", "--by", CHIEF).returncode == 1
