"""The audit trail: sealed at commit, append-only, and a change that goes around that is found."""

import contextlib
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from haichieu import audit
from haichieu.audit import Head
from haichieu.database import Database, migrate
from haichieu.locale import message
from tests.command_line import Finished, haichieu

pytestmark = pytest.mark.both_databases


def write(database: Database, *actors: str) -> None:
    """One transaction with an entry of each of these."""
    with database.session() as session:
        for actor in actors:
            audit.record(session, actor, "zone.silence", "zone:11", until="5:30", minutes=3)


def without_triggers(database: Database, *statements: str) -> None:
    """Do what only a database administrator can: change rows behind the triggers' back."""
    with database.engine.begin() as connection:
        for trigger in ("no_update", "no_delete"):
            on = "" if database.is_sqlite else " ON audit_entries"
            connection.exec_driver_sql(f"DROP TRIGGER audit_entries_{trigger}{on}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def verdict(database: Database, noted: Head | None = None) -> audit.Verdict:
    with database.session() as session:
        return audit.verify(session, noted)


def test_entries_are_sealed_in_the_order_of_their_commits_and_verify(database: Database) -> None:
    assert verdict(database).head == Head(0, audit.START)
    write(database, "a")
    write(database, "b", "c")
    found = verdict(database)
    assert (found.broken_at, found.head.position) == (None, 3)
    with database.session() as session:
        assert [entry.actor for entry in audit.find(session)] == ["c", "b", "a"]
        assert [entry.actor for entry in audit.find(session, words="B")] == ["b"]
        assert audit.find(session, words="%") == []


def test_an_act_that_failed_leaves_no_entry_and_no_gap(database: Database) -> None:
    write(database, "a")
    with contextlib.suppress(RuntimeError), database.session() as session:
        audit.record(session, "b", "x", "y")
        session.flush()
        raise RuntimeError
    with database.session() as session:
        audit.record(session, "c", "x", "y")
        with contextlib.suppress(RuntimeError), session.begin_nested():
            audit.record(session, "d", "x", "y")
            raise RuntimeError
        with session.begin_nested():
            audit.record(session, "e", "x", "y")
    assert verdict(database) == audit.Verdict(verdict(database).head)
    with database.session() as session:
        assert [entry.actor for entry in audit.find(session)] == ["e", "c", "a"]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entries SET actor = 'x' WHERE position = 2", "DELETE FROM audit_entries"]
)
def test_the_database_refuses_to_change_or_remove_an_entry(database: Database, statement: str) -> None:
    write(database, "a", "b")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert verdict(database).head.position == 2


@pytest.mark.parametrize(
    ("statement", "at", "problem"),
    [
        ("UPDATE audit_entries SET actor = 'x' WHERE position = 2", 2, "altered"),
        ("UPDATE audit_entries SET detail = '{}' WHERE position = 3", 3, "altered"),
        ("DELETE FROM audit_entries WHERE position = 2", 2, "missing"),
        ("UPDATE audit_entries SET position = 9 WHERE position = 3", 3, "missing"),
        ("UPDATE audit_entries SET position = NULL, digest = NULL WHERE position = 4", 4, "missing"),
    ],
)
def test_a_change_behind_the_triggers_is_found_and_named(
    database: Database, statement: str, at: int, problem: str
) -> None:
    write(database, "a", "b", "c", "d")
    without_triggers(database, statement)
    found = verdict(database)
    assert found.broken_at == at
    assert found.problem == message(f"base.audit.{problem}")


def test_a_truncated_or_rewritten_trail_does_not_match_its_noted_head(database: Database) -> None:
    write(database, "a", "b", "c")
    noted = verdict(database).head
    write(database, "d")
    assert verdict(database, noted).broken_at is None
    without_triggers(database, "DELETE FROM audit_entries WHERE position >= 3")
    assert verdict(database).broken_at is None  # nothing in what is left gives it away
    assert verdict(database, noted).problem == message("base.audit.cut_off")
    write(database, "another c")
    assert (verdict(database, noted).broken_at, verdict(database, noted).problem) == (
        3,
        message("base.audit.not_noted"),
    )


def test_many_writers_make_one_chain(database: Database) -> None:
    writers = [
        threading.Thread(target=lambda name=name: [write(database, f"{name}-{turn}") for turn in range(5)])
        for name in "abcd"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    found = verdict(database)
    assert (found.broken_at, found.head.position) == (None, 20)


def test_the_command_line_verifies_and_lists(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'haichieu.sqlite'}"
    migrate(url)
    database = Database(url)

    def run(*arguments: str) -> Finished:
        return haichieu("audit", *arguments, "--home", str(tmp_path))

    assert "No matching entries" in run("list").stdout
    write(database, "account:a@x.example", "official:1001")
    whole = run("verify")
    assert whole.returncode == 0
    noted = whole.stdout.splitlines()[-1]
    assert run("verify", "--head", noted).returncode == 0
    assert run("verify", "--head", "12").returncode == 2
    assert "official:1001" in run("list", "--search", "official").stdout
    without_triggers(database, "UPDATE audit_entries SET actor = 'nobody' WHERE position = 1")
    database.close()
    broken = run("verify", "--json")
    assert broken.returncode == 1
    assert '"broken_at": 1' in broken.stdout
