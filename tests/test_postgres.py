"""The tests' own PostgreSQL: fresh for each test, gone with the process that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from tests.postgres import PostgresCluster, private_cluster

ROOT = Path(__file__).parent.parent
STARTED_AND_WAITING = """
import signal
from tests.postgres import private_cluster
with private_cluster() as cluster:
    print(cluster.folder, (cluster.folder / "data/postmaster.pid").read_text().splitlines()[0], flush=True)
    signal.pause()
"""


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {
            str(row[0]) for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        }


def test_a_database_is_migrated_and_nobody_elses(postgres_cluster: PostgresCluster) -> None:
    with postgres_cluster.database() as one, postgres_cluster.database() as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE scribble (n int)")
        assert tables(one) == tables(other) | {"scribble"}
        assert "alembic_version" in tables(other)


def test_a_database_is_dropped_while_still_connected(postgres_cluster: PostgresCluster) -> None:
    with postgres_cluster.database() as url:
        left_open = psycopg.connect(url)
    left_open.close()
    with psycopg.connect(postgres_cluster.url("postgres")) as connection:
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
    assert url.split("/")[3].split("?")[0] not in names


def test_the_shared_database_is_emptied_and_gets_its_schema_back(postgres_cluster: PostgresCluster) -> None:
    add_unit = "INSERT INTO units (code, name, level) VALUES ('X', 'Xã', 'commune') RETURNING id"
    change_schema = "DROP TRIGGER audit_entries_no_update ON audit_entries"
    for statement in (add_unit, change_schema, change_schema):
        connection = psycopg.connect(postgres_cluster.emptied(), autocommit=True)
        assert connection.execute("SELECT count(*) FROM units").fetchone() == (0,)
        connection.execute(statement)
        connection.execute("BEGIN")  # left open
    with psycopg.connect(postgres_cluster.emptied()) as connection:
        assert connection.execute(add_unit).fetchone() == (1,)


def test_the_server_dies_with_a_killed_test_run_and_the_next_cleans_up() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTED_AND_WAITING], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        folder, pid = starter.stdout.readline().split()
        starter.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 10
    while is_running(int(pid)):
        assert time.monotonic() < deadline, "the server outlived the process that started it"
        os.sched_yield()
    with private_cluster():
        assert not Path(folder).exists()


def is_running(pid: int) -> bool:
    try:
        return "postgres" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
