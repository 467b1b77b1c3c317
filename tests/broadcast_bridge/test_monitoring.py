"""Devices followed through the events of their contacts."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio
import sqlalchemy as sa

from broadcast_bridge.models import Speaker
from broadcast_bridge.speakers import monitoring
from broadcast_bridge.speakers.monitoring import SpeakerSupervisor
from haichieu import background
from haichieu.ari.client import AriClient
from haichieu.ari.events import Event
from haichieu.background import in_background, kept_going
from haichieu.database import Database
from haichieu.demo.trial_station import until
from tests.builders.places import commune
from tests.faulty_database import FaultyDatabase

CODE = "s11-0"
HERE, THERE = f"sip:{CODE}@192.0.2.7:5060", f"sip:{CODE}@192.0.2.7:5062"


class World:
    """Asterisk's view of one speaker, and the news that the studio receives."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.state = "offline"
        self.told: list[tuple[str, bool | None]] = []
        self.pushed = self.looks = 0
        self.supervisor = SpeakerSupervisor(
            cast(AriClient, self), database, "main",
            lambda code, *, moved: self.told.append(("returned", moved)),
            lambda code: self.told.append(("lost", None)), self._push,
            check_direct_calls=False, qualify_seconds=0.3,
        )  # fmt: skip

    async def endpoints(self) -> list[dict[str, Any]]:
        """Answer as Asterisk does."""
        self.looks += 1
        return [{"resource": CODE, "state": self.state}]

    async def _push(self) -> bool:
        self.pushed += 1
        return True

    def happens(self, status: str, uri: str = HERE, state: str | None = None) -> None:
        """Let a contact change."""
        self.state = state or ("offline" if status in ("Unreachable", "Removed") else "online")
        self.calls(0)
        contact = {"aor": CODE, "contact_status": status, "uri": uri}
        self.supervisor.hear(Event("ContactStatusChange", {"contact_info": contact}))

    def calls(self, count: int) -> None:
        """Let Asterisk tell of the endpoint, as it does at every change of its state or of its number of calls."""
        endpoint = {"resource": CODE, "state": self.state, "channel_ids": [str(number) for number in range(count)]}
        self.supervisor.hear(Event("EndpointStateChange", {"endpoint": endpoint}))

    def answers_options(self) -> bool | None:
        """Return what is known of the device."""
        with self.database.session() as session:
            return session.scalars(sa.select(Speaker).where(Speaker.code == CODE)).one().answers_options

    def reachable(self) -> bool:
        """Return whether the log says that the device can be reached."""
        with self.database.session() as session:
            return session.scalars(sa.select(Speaker).where(Speaker.code == CODE)).one().reachable

    def knows(self, *, answers_options: bool | None) -> None:
        """Change what is known of the device."""
        with self.database.session() as session:
            session.scalars(sa.select(Speaker).where(Speaker.code == CODE)).one().answers_options = answers_options

    async def until_told(self, *told: tuple[str, bool | None]) -> None:
        """Wait for exactly this news."""
        await until(lambda: len(self.told) >= len(told), f"told {told}", 5)
        assert self.told == list(told)
        self.told.clear()


@pytest_asyncio.fixture
async def world(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(monitoring, "OPTIONS_SECONDS", 0.3)
    monkeypatch.setattr(monitoring, "EVENT_SECONDS", 0.2)
    with database.session() as session:
        commune(session, reachable=0)
    world = World(database)
    async with in_background(world.supervisor.run()):
        world.happens("NonQualified")
        await world.until_told(("returned", True))
        world.happens("Reachable")
        await until(lambda: world.answers_options() is True, "it answers OPTIONS")
        yield world


async def test_one_missed_options_request_ends_no_call(world: World) -> None:
    world.happens("Unreachable")
    world.happens("Reachable")
    await world.until_told(("returned", False))


async def test_calls_that_come_and_go_cost_no_look_at_all_devices(world: World) -> None:
    world.happens("Reachable")
    await until(lambda: not world.supervisor.is_behind, "it has looked")
    before = world.looks
    for count in (1, 2, 1, 0):
        world.calls(count)
        assert not world.supervisor.is_behind
    world.state = "offline"
    world.calls(0)
    await until(lambda: world.looks > before, "it looks")


async def test_second_missed_options_request_ends_the_call(world: World) -> None:
    world.happens("Unreachable")
    await world.until_told(("lost", None))
    world.happens("Reachable")
    await world.until_told(("returned", True))


async def test_device_that_unregisters_is_lost_at_once(world: World) -> None:
    world.happens("Removed")
    await world.until_told(("lost", None))


async def test_device_whose_first_options_answer_is_late_is_called(world: World) -> None:
    """A broadcast that begins between its registration and its answer waits for the news."""
    world.happens("Removed")
    await world.until_told(("lost", None))
    world.happens("NonQualified", state="offline")
    await world.until_told(("returned", True))
    world.happens("Reachable")
    await world.until_told(("returned", False))


async def test_device_that_moves_is_called_at_its_new_port(world: World) -> None:
    world.happens("NonQualified", THERE)
    world.happens("Removed", HERE, "online")
    await world.until_told(("returned", True))
    world.happens("Reachable", THERE)
    world.happens("Removed", THERE)
    await world.until_told(("lost", None))


async def test_device_that_has_left_is_not_taken_for_one_that_ignores_options(world: World) -> None:
    world.knows(answers_options=None)
    world.happens("Removed")
    await world.until_told(("lost", None))
    world.happens("Unreachable")
    world.happens("NonQualified")
    await world.until_told(("returned", True))
    assert world.pushed == 0


async def test_device_that_ignores_options_is_not_asked_again_when_it_moves(world: World) -> None:
    world.knows(answers_options=False)
    world.happens("NonQualified", THERE)
    world.happens("Removed", HERE, "online")
    await world.until_told(("returned", True))
    assert world.answers_options() is False


async def test_account_is_pushed_before_a_device_behind_nat_is_called(world: World) -> None:
    world.happens("NonQualified", f"{THERE};x-ast-orig-host=10.0.0.2:5060")
    await world.until_told(("returned", True))
    assert world.pushed == 1


async def test_device_that_returns_is_called_although_a_write_failed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.01)
    with database.session() as session:
        commune(session, reachable=0)
    faulty = FaultyDatabase(database)
    world = World(faulty)
    async with kept_going(world.supervisor.run):
        faulty.lock()
        world.happens("NonQualified")
        await until(lambda: faulty.failures > 0, "the news was not stored")
        faulty.release()
        await world.until_told(("returned", True))
        assert world.reachable()
    faulty.close()
