"""Nodes that share a database: announcements, alarms, clocks, and schemas of other versions."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
import sqlalchemy as sa

from haichieu import node_lock, node_watch, nodes
from haichieu.alarms import open_alarms
from haichieu.database import Database, newest_revision, now
from haichieu.node_clock import MOST_SECONDS, NodeClock, Reading
from haichieu.nodes import Announcement, Node, OtherVersion, announcement, node_states, nodes_up, require_schema
from haichieu.settings import load_settings
from haichieu.station_status import nodes_of_status
from tests.builders.places import commune

SECOND = datetime.timedelta(seconds=1)


def about(name: str) -> Announcement:
    return Announcement(name, f"http://{name}:8080", f"{name}:5060", "1.0", newest_revision())


@pytest_asyncio.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url)
    yield database
    database.close()


def reading(offset: float, took: float = 0.002) -> Reading:
    at = now()
    theirs = at - datetime.timedelta(seconds=offset)
    half = datetime.timedelta(seconds=took / 2)
    return Reading(at - half, theirs, at + half)


async def test_status_lists_the_nodes_that_are_up(postgres: Database) -> None:
    with postgres.session() as session:
        place = commune(session, speakers=3, reachable=2)
        for speaker, node in zip(place.speakers, ("a", "b", "b"), strict=True):
            speaker.node = node
    async with AsyncExitStack() as stack:
        for name in ("b", "a"):
            await stack.enter_async_context(node_lock.node_lock(postgres, about(name), NodeClock()))
        with postgres.reading() as session:
            states = nodes_of_status(session)
        assert [(one.name, one.ok, one.version, one.speakers) for one in states] == [
            ("a", True, "1.0", 1), ("b", True, "1.0", 1),
        ]  # fmt: skip
        assert all(abs(one.clock_offset or 0) < MOST_SECONDS for one in states), "both have one clock"
    with postgres.reading() as session:
        assert [(one.name, one.ok, one.left) for one in node_states(session, {})] == [
            ("a", False, True), ("b", False, True),
        ]  # fmt: skip


async def test_a_node_that_is_alone_is_not_listed(postgres: Database) -> None:
    async with node_lock.node_lock(postgres, about("main"), NodeClock()):
        with postgres.reading() as session:
            assert [node.name for node in nodes_up(session)] == ["main"]
            assert nodes_of_status(session) == ()


def lost(database: Database, name: str, *, left: bool = False) -> None:
    at = now() - datetime.timedelta(minutes=1)
    with database.session() as session:
        session.add(
            Node(name=name, revision=newest_revision(), version="0.9", seen_at=at, left_at=at if left else None)
        )


async def test_a_lost_node_raises_an_alarm_until_it_is_back(postgres: Database) -> None:
    lost(postgres, "b")
    lost(postgres, "c", left=True)
    async with node_lock.node_lock(postgres, about("a"), NodeClock()):
        with postgres.session() as session:
            node_watch.note(session, "a", node_watch.watched(session, "a"), NodeClock())
        with postgres.reading() as session:
            assert [(alarm.kind, alarm.subject) for alarm in open_alarms(session)] == [("node_down", "node:b")]
        async with node_lock.node_lock(postgres, about("b"), NodeClock()):
            with postgres.session() as session:
                assert node_watch.watched(session, "b") == {}, "only the first node watches the others"
                node_watch.note(session, "a", node_watch.watched(session, "a"), NodeClock())
            with postgres.reading() as session:
                assert open_alarms(session) == []


@pytest.mark.parametrize(
    ("offset", "took", "is_off"), [(3.0, 0.002, True), (-3.0, 0.002, True), (0.03, 0.002, False), (0.2, 0.4, False)]
)
def test_only_a_clock_that_is_certainly_off_raises_an_alarm(offset: float, took: float, is_off: bool) -> None:
    clock = NodeClock()
    clock.take([reading(offset, took), reading(offset + 0.1, took + 1.0)])
    assert clock.is_off is is_off
    assert clock.offset == pytest.approx(offset, abs=0.001)


def test_a_wrong_clock_still_gives_the_common_time() -> None:
    clock = NodeClock()
    clock.take([reading(3.0)])
    assert abs((clock.now() - (now() - 3 * SECOND)).total_seconds()) < 0.1


def test_a_clock_that_was_set_is_believed_at_once() -> None:
    clock = NodeClock()
    clock.take([reading(3.0, 0.001)])
    clock.take([reading(0.0, 0.01)])
    assert clock.offset == pytest.approx(0.0, abs=0.001)


async def test_a_wrong_clock_is_reported_until_it_is_set(postgres: Database) -> None:
    clock = NodeClock()
    clock.take([reading(3.0)])
    with postgres.session() as session:
        node_watch.note(session, "a", {}, clock)
        assert [(alarm.kind, alarm.subject) for alarm in open_alarms(session)] == [("clock_off", "node:a")]
        assert open_alarms(session)[0].text.fields["seconds"] == 3.0
        clock.take([reading(0.0)])
        node_watch.note(session, "a", {}, clock)
        assert open_alarms(session) == []


async def test_second_node_of_a_name_is_refused_before_it_starts(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_lock, "WAIT_SECONDS", 0.2)
    await node_lock.require_free_name(postgres, "a")
    async with node_lock.node_lock(postgres, about("a"), NodeClock()):
        with pytest.raises(node_lock.NodeInUse, match="HAICHIEU_NODE"):
            await node_lock.require_free_name(postgres, "a")
        await node_lock.require_free_name(postgres, "b")


async def test_a_node_whose_connection_broke_announces_itself_again(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_lock, "BEAT_SECONDS", 0.05)
    async with node_lock.node_lock(postgres, about("a"), NodeClock()):
        with postgres.session() as session:
            session.execute(sa.text("DELETE FROM nodes"))
            session.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        async with asyncio.timeout(10):
            while True:
                with postgres.reading() as session:
                    if [node.name for node in nodes_up(session)] == ["a"]:
                        break
                await asyncio.sleep(0.05)


@pytest.mark.both_databases
def test_a_database_of_a_newer_version_is_refused_in_words(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    require_schema(database, "a")
    found = newest_revision()
    monkeypatch.setattr(nodes, "newest_revision", lambda: "0001")
    monkeypatch.setattr(nodes, "known_revisions", lambda: {"0001"})
    with pytest.raises(OtherVersion, match=f"{found}.*newer"):
        require_schema(database, "a")


async def test_an_upgrade_is_refused_while_other_nodes_run(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with node_lock.node_lock(postgres, about("old"), NodeClock()):
        monkeypatch.setattr(nodes, "newest_revision", lambda: "9999")
        with pytest.raises(OtherVersion, match=r"old \(1\.0\)"):
            require_schema(postgres, "new")
        require_schema(postgres, "old")
    require_schema(postgres, "new")


@pytest.mark.parametrize(
    ("settings", "addresses"),
    [
        ({}, ("http://127.0.0.1:8080", "127.0.0.1:5060")),
        ({"bind": "0.0.0.0", "web_port": 81}, ("", "")),
        ({"bind": "0.0.0.0", "node_address": "10.0.0.2"}, ("http://10.0.0.2:8080", "10.0.0.2:5060")),
    ],
)
def test_nodes_reach_each_other_at_the_address_of_the_settings(
    settings: dict[str, str], addresses: tuple[str, str]
) -> None:
    said = announcement(load_settings(**settings))
    assert (said.address, said.sip) == addresses


def test_silent_database_is_noticed_within_seconds() -> None:
    query = Database("postgresql://haichieu@db1.example/haichieu?tcp_user_timeout=4000").url.query
    assert int(str(query["connect_timeout"])) <= 10
    assert query["tcp_user_timeout"] == "4000", "what the URL says is kept"
    assert int(str(query["keepalives_idle"])) + 3 * int(str(query["keepalives_interval"])) < 15
