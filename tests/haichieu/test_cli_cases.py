"""Cases and the data of citizens from the command line, as each role uses it."""

import csv
import json
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from admin.district.reconcile import apply_file
from feedback import filing
from feedback.cases import Opening, Said, open_case
from feedback.citizens import open_citizens
from feedback.models import Case, Citizen, Reply
from feedback.states import Channel, Direction
from haichieu.database import Database, now
from haichieu.people import Unit
from haichieu.vault import open_vault
from ivr.flow import delivered_flows
from tests.command_line import Finished, haichieu

DISTRICT = """
[[units]]
code = "BL"
name = "Huyện Bảo Lạc"
level = "district"
[[units]]
code = "CB"
name = "Xã Cô Ba"
level = "commune"
parent = "BL"
[[units]]
code = "CP"
name = "Xã Cốc Pàng"
level = "commune"
parent = "BL"
[[departments]]
code = "kinh-te"
name = "Phòng Kinh tế"
[[departments]]
code = "van-hoa"
name = "Phòng Văn hóa"
[[categories]]
code = "1"
name = "Hạ tầng"
department = "kinh-te"
answer_within_days = 7
keywords = ["điện", "cầu"]
"""
ACCOUNT = '[[accounts]]\nemail = "{0}@x.example"\nname = "{0}"\npassword = "mat-khau-{0}"\nrole = "{1}"\nunit = "{2}"\n'
NUMBER = "+84912345678"
CHIEF, DESK, READER, ELSEWHERE = (f"{name}@x.example" for name in ("quantri", "truc", "xem", "ngoai"))


@pytest.fixture
def home(tmp_path: Path, migrated_sqlite: Path) -> Path:
    (tmp_path / "haichieu.sqlite").write_bytes(migrated_sqlite.read_bytes())
    accounts = (("quantri", "admin", "BL"), ("truc", "operator", "CB"), ("xem", "approver", "BL"),
                ("ngoai", "operator", "CP"))  # fmt: skip
    file = tmp_path / "district.toml"
    file.write_text(DISTRICT + "".join(ACCOUNT.format(*account) for account in accounts))
    database = station(tmp_path)
    apply_file(database, open_vault(tmp_path), file, delivered_flows(), dry_run=False, prune=False, actor="test")
    database.close()
    return tmp_path


def station(home: Path) -> Database:
    return Database(f"sqlite:///{home / 'haichieu.sqlite'}")


def told(home: Path, text: str, number: str = NUMBER) -> str:
    """Have a citizen of Cô Ba say something, and file it; return the case's number."""
    database = station(home)
    with database.session() as session:
        unit_id = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        citizen = open_citizens(home).meet(session, number, now()) if number else None
        about = Opening(Channel.TEXT, unit_id, "number", citizen)
        case = open_case(session, about, Said(Direction.IN, Channel.TEXT, "citizen", text), now())
        filing.file_message(session, case.messages[0], now())
        found = case.number
    database.close()
    return found


def run(home: Path, *arguments: str, by: str = DESK, said: str = "") -> Finished:
    return haichieu(*arguments, "--by", by, "--home", str(home), said=said)


def test_a_case_from_the_list_to_its_end(home: Path) -> None:
    empty = run(home, "case", "list")
    assert (empty.returncode, "There is no such case" in empty.stdout) == (0, True)
    number = told(home, "Cầu treo bị hỏng \x1b[31m[red]x")
    listed = run(home, "case", "list", "--search", "cau treo").stdout
    assert number[4:] in listed
    assert "\x1b[31m" not in listed
    shown = run(home, "case", "show", f"{number[:4]} {number[4:]}").stdout
    for part in ("Hạ tầng (keywords: cầu)", "Cầu treo bị hỏng", NUMBER, "Phòng Kinh tế", "opened"):
        assert part in shown
    assert NUMBER not in run(home, "case", "show", number, by=READER).stdout
    assigned = run(home, "case", "assign", number, "--to", DESK, "--department", "van-hoa", "--unit", "CB")
    assert assigned.stdout.strip().split("\t") == [number, "assigned", "Xã Cô Ba", "Phòng Văn hóa"], assigned.stderr
    (home / "anh.bin").write_bytes(b"\xff\xd8\xff" + bytes(20))
    assert run(home, "case", "note", number, "Đã gọi", "--attach", str(home / "anh.bin")).returncode == 0
    assert "anh.jpg" in run(home, "case", "show", number).stdout
    assert run(home, "case", "answer", number, "Đã sửa", "--way", "text").stdout.split("\t")[1] == "answered"
    assert run(home, "case", "close", number).stdout.split("\t")[1] == "closed"
    assert run(home, "case", "list", "--status", "new").stdout.startswith("Không có phản ánh")
    assert run(home, "case", "reopen", number).stdout.split("\t")[1] == "reopened"


def test_one_answer_and_one_closing_reach_merged_cases(home: Path) -> None:
    main = told(home, "Cầu treo ở suối bị hỏng, các cháu không đi học được")
    double = told(home, "Cầu treo suối bị hỏng, các cháu không đi học được", "+84987654321")
    assert main in run(home, "case", "show", double).stdout
    assert run(home, "case", "merge", double, main).returncode == 0
    assert "merged into" in run(home, "case", "show", double).stdout
    assert run(home, "case", "answer", main, "Đã sửa", "--way", "text").returncode == 0
    assert run(home, "case", "close", main).returncode == 0
    database = station(home)
    with database.session() as session:
        assert set(session.scalars(sa.select(Case.status))) == {"closed"}
        assert len(session.scalars(sa.select(Reply)).all()) == 2
    database.close()
    assert run(home, "case", "merge", double, main, "--undo").returncode == 0


def test_role_and_unit_decide_who_may_do_what(home: Path) -> None:
    number = told(home, "Mất điện")
    for arguments, by, says in (
        (("case", "show", number), ELSEWHERE, "limited to its own unit"),
        (("case", "list", "--unit", "BL"), DESK, "limited to its own unit"),
        (("case", "note", number, "x"), READER, "may not work on cases"),
        (("case", "assign", number, "--unit", "CP"), DESK, "limited to its own unit"),
        (("case", "assign", number, "--to", ELSEWHERE), DESK, "no part in"),
        (("citizen", "export", NUMBER, str(home / "x.zip")), DESK, "may not export"),
        (("citizen", "erase", NUMBER, "--yes"), DESK, "may not export or erase"),
        (("case", "show", number), "ai@x.example", "no account"),
    ):
        refused = run(home, *arguments, by=by)
        assert (refused.returncode, says in refused.stderr) == (1, True), (arguments, refused)
    assert number[4:] not in run(home, "case", "list", by=ELSEWHERE).stdout


def test_what_there_is_not_is_said(home: Path) -> None:
    number = told(home, "Mất điện", "")
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    for arguments, says in (
        (("case", "show", wrong), "not the number of a case"),
        (("case", "assign", number), "Give one of them"),
        (("case", "assign", number, "--category", "9"), "no category 9"),
        (("case", "assign", number, "--department", "x"), "no department x"),
        (("case", "answer", number, "Đã sửa", "--way", "text"), "anonymous"),
        (("case", "answer", number, "Đã sửa"), "Choose a way"),
        (("case", "note", number, " "), "A note has"),
        (("case", "note", number, "x", "--attach", "/no/file"), "no file"),
        (("case", "reopen", number), "reopen"),
        (("case", "list", "--after", "x"), "printed"),
        (("case", "export", "/no/folder/x.csv"), "Cannot write"),
        (("citizen", "erase", "09123abc", "--yes"), "not a phone number"),
        (("citizen", "erase", NUMBER, "--yes"), "holds nothing"),
    ):
        refused = run(home, *arguments, by=CHIEF)
        assert refused.returncode in (1, 2), arguments
        assert says in refused.stderr, (arguments, refused)


def test_a_table_for_statistics_names_nobody(home: Path) -> None:
    numbers = {told(home, f"=1+1 Mất điện ở nhà {one}") for one in "abc"}
    file = home / "cases.csv"
    assert "3 phản ánh" in run(home, "case", "export", str(file), by=READER).stdout
    content = file.read_text(encoding="utf-8-sig")
    assert {row["number"] for row in csv.DictReader(content.splitlines())} == numbers
    assert "Mất điện" not in content
    assert NUMBER[3:] not in content


def test_a_citizens_data_is_handed_over_and_erased_when_they_ask(home: Path) -> None:
    told(home, "Mất điện")
    target = home / "data.zip"
    assert run(home, "citizen", "export", "0912 345 678", str(target), by=CHIEF).returncode == 0
    with zipfile.ZipFile(target) as archive:
        assert json.loads(archive.read("data.json"))["cases"][0]["messages"][0]["text"] == "Mất điện"
    target.unlink()
    assert run(home, "citizen", "erase", NUMBER, by=CHIEF, said="n\n").returncode == 1
    erased = run(home, "citizen", "erase", "-", "--yes", by=CHIEF, said=f"{NUMBER}\n")
    assert "1 phản ánh" in erased.stdout, erased
    database = station(home)
    with database.session() as session:
        assert session.scalars(sa.select(Citizen)).all() == []
    database.close()
    assert "Mất điện".encode() not in b"".join(path.read_bytes() for path in home.glob("haichieu.sqlite*"))
