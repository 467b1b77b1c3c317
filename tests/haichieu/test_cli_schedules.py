"""The schedule and the alerts from the command line, as an editor and an administrator use them."""

import datetime
import hashlib
import hmac
from pathlib import Path

import pytest
import sqlalchemy as sa

from admin.district.reconcile import apply_file
from broadcast_bridge.alerts.models import CapAlert
from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.models import Schedule
from haichieu.database import Database, migrate, now
from haichieu.vault import open_vault
from ivr.flow import delivered_flows
from tests import builders
from tests.broadcast_bridge.alerts import messages
from tests.command_line import Finished, haichieu

DISTRICT = """
[[units]]
code = "BL"
name = "Bảo Lạc"
level = "district"
[[units]]
code = "CB"
name = "Cô Ba"
level = "commune"
parent = "BL"
[[speakers]]
id = "cb-1"
name = "Loa 1"
unit = "CB"
password = "mat-khau-loa"
[[zones]]
code = "11"
name = "Cô Ba"
units = ["CB"]
[[officials]]
code = "1001"
name = "Nông Văn Hải"
unit = "CB"
phones = ["+84912000001"]
pin = "246810"
zones = ["11"]
may = ["live"]
"""
ACCOUNT = '[[accounts]]\nemail = "{0}@x.example"\nname = "{0}"\npassword = "mat-khau-{0}"\nrole = "{1}"\nunit = "BL"\n'
EDITOR, ADMIN = ("--by", "bientap@x.example"), ("--by", "quantri@x.example")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path / 'haichieu.sqlite'}"
    migrate(url)
    file = tmp_path / "district.toml"
    file.write_text(DISTRICT + ACCOUNT.format("bientap", "editor") + ACCOUNT.format("quantri", "admin"))
    database = Database(url)
    apply_file(database, open_vault(tmp_path), file, delivered_flows(), dry_run=False, prune=False, actor="test")
    with database.session() as session:
        builders.programme(session)
    database.close()
    return tmp_path


def run(home: Path, *arguments: str, said: str = "") -> Finished:
    return haichieu(*arguments, "--home", str(home), said=said)


def add(home: Path, *more: str) -> Finished:
    what = ("--title", "Bản tin sáng", "--unit", "CB", "--zone", "11", "--starts", "2026-12-01 05:30")
    return run(home, "schedule", "add", *what, *EDITOR, *more)


def opened(home: Path) -> Database:
    return Database(f"sqlite:///{home / 'haichieu.sqlite'}")


def test_a_bulletin_is_planned_shown_exported_taken_over_again_and_removed(home: Path, tmp_path: Path) -> None:
    assert "Nothing is scheduled yet" in run(home, "schedule", "list").stdout
    planned = add(home, "--programme", "1", "--rrule", "FREQ=DAILY")
    assert planned.returncode == 0, planned.stderr
    assert "Hằng ngày lúc 05:30" in planned.stdout
    assert planned.stdout.count("05:30") == 6  # in words, and the next five
    second = add(home, "--programme", "1", "--lunar", "DAY=1,15")
    assert "! " in second.stdout  # both want the speaker at 5:30
    assert "Bản tin sáng" in run(home, "schedule", "conflicts").stdout
    assert "05:30" in run(home, "schedule", "list").stdout
    calendar = tmp_path / "lich.ics"
    assert run(home, "schedule", "export", str(calendar)).returncode == 0
    taken = run(home, "schedule", "import", str(calendar), "--unit", "CB", *EDITOR)
    assert "như cũ / same: 2" in taken.stdout, taken.stderr
    assert run(home, "schedule", "remove", "1", *EDITOR, said="n\n").returncode == 1
    assert run(home, "schedule", "remove", "1", *EDITOR, "--yes").returncode == 0
    with opened(home).session() as session:
        assert session.scalars(sa.select(Schedule.id).where(Schedule.removed_at.is_(None))).all() == [2]
    assert "Nothing is due" in run(home, "schedule", "upcoming").stdout


def test_a_live_call_is_booked_with_a_fallback(home: Path) -> None:
    booked = add(home, "--official", "1001", "--fallback", "1", "--rrule", "FREQ=WEEKLY;BYDAY=MO")
    assert booked.returncode == 0, booked.stderr
    with opened(home).session() as session:
        schedule = session.scalars(sa.select(Schedule)).one()
        assert (schedule.what, schedule.fallback_programme_id) == ("live", 1)
        assert schedule.lead_seconds > 0


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ((), 2, "exactly one"),
        (("--programme", "1", "--official", "1001"), 2, "exactly one"),
        (("--programme", "7"), 2, "There is no programme 7"),
        (("--official", "9"), 2, "There is no official 9"),
        (("--programme", "1", "--rrule", "FREQ=SOMETIMES"), 2, "FREQ"),
        (("--programme", "1", "--zone", "77"), 1, "There is no zone"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_words(home: Path, more: tuple[str, ...], status: int, words: str) -> None:
    refused = add(home, *more)
    assert refused.returncode == status
    assert words in refused.stderr
    with opened(home).session() as session:
        assert session.scalars(sa.select(Schedule)).all() == []


def test_a_zone_is_silenced_until_a_moment_and_again_allowed(home: Path) -> None:
    until = (now() + datetime.timedelta(hours=20)).strftime("%Y-%m-%d %H:%M")
    assert run(home, "schedule", "silence", "11", "--until", until, *EDITOR).returncode == 0
    with opened(home).session() as session:
        assert session.scalars(sa.select(Zone.silenced_by)).one() == "account:bientap@x.example"
    assert run(home, "schedule", "silence", "11", *EDITOR).returncode == 0
    with opened(home).session() as session:
        assert session.scalars(sa.select(Zone.silenced_until)).one() is None


def test_an_administrator_configures_a_source_and_takes_its_alert_from_a_file(home: Path, tmp_path: Path) -> None:
    assert "No source is configured yet" in run(home, "alert", "list").stdout
    wanted = ("alert", "source", "kttv", "--name", "Khí tượng", "--sender", messages.SENDER, "--secret")
    assert "may not" in run(home, *wanted, *EDITOR, said=messages.SECRET).stderr
    assert "16" in run(home, *wanted, *ADMIN, said="short").stderr
    assert run(home, *wanted, *ADMIN, said=messages.SECRET).returncode == 0
    assert run(home, "alert", "place", "CB", "VN-DVHC", messages.FIRST_CODE, *ADMIN).returncode == 0
    file = tmp_path / "alert.xml"
    sent = now()
    file.write_bytes(messages.alert(sent=sent, infos=messages.info(expires=messages.minutes(60, sent))))
    unsigned = run(home, "alert", "receive", str(file))
    assert (unsigned.returncode, "certificate" in unsigned.stderr) == (1, True)
    seal = hmac.new(messages.SECRET.encode(), file.read_bytes(), hashlib.sha256).hexdigest()
    taken = run(home, "alert", "receive", str(file), "--hmac", seal)
    assert taken.stdout.startswith("air\temergency\t1 "), taken.stderr
    assert run(home, "alert", "receive", str(file), "--hmac", seal).stdout.startswith("duplicate")
    assert "kttv" in run(home, "alert", "list").stdout
    with opened(home).session() as session:
        assert session.scalars(sa.select(CapAlert.state)).all() == ["received"]
