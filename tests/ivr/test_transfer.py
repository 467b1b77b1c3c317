"""Ends of transfers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest

from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import Leg
from haichieu.ari.errors import HungUp, NotAnswered
from haichieu.ari.events import EventRouter
from haichieu.ari.operations import Operation
from ivr.calls import transfer
from ivr.calls.transfer import transfer_call


class Caller:
    """A caller who hears that it rings, and stays on the line unless `leaves`."""

    id = "caller"

    def __init__(self, *, leaves: bool = False) -> None:
        self.leaves = leaves

    async def ring(self) -> None:
        """Ring."""

    async def stop_ringing(self) -> None:
        """Stop ringing."""

    def forget_keys(self) -> None:
        """Forget the keys."""

    async def until_hung_up(self) -> None:
        if self.leaves:
            raise HungUp("ari.hung_up")
        await asyncio.Event().wait()


class Desk:
    """A desk that answers, and hangs up after a moment."""

    id = "desk"

    async def until_hung_up(self) -> None:
        raise HungUp("ari.hung_up")


class Asterisk:
    """Remembers what it was asked to do, and of which channel."""

    def __init__(self) -> None:
        self.events = EventRouter(lambda event: None)
        self.asked: list[tuple[Operation, object]] = []

    async def request(self, operation: Operation, **parameters: object) -> None:
        self.asked.append((operation, parameters.get("channel")))


@pytest.fixture
def desk_that_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def dial(client: AriClient, legs: list[Leg], **options: object) -> AsyncIterator[Call]:
        await asyncio.sleep(0.01)
        raise HungUp("ari.hung_up")
        yield

    monkeypatch.setattr(transfer, "dial", dial)


@pytest.fixture
def desk_that_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def dial(client: AriClient, legs: list[Leg], **options: object) -> AsyncIterator[Call]:
        yield cast(Call, Desk())

    monkeypatch.setattr(transfer, "dial", dial)


async def connect(caller: Caller, asterisk: Asterisk | None = None) -> None:
    await transfer_call(
        cast(AriClient, asterisk), cast(Call, caller), [Leg("PJSIP/desk")], ring_seconds=5, shows="02063000001"
    )


@pytest.mark.usefixtures("desk_that_drops")
async def test_a_desk_that_drops_at_once_has_not_answered() -> None:
    with pytest.raises(NotAnswered) as refusal:
        await connect(Caller())
    assert refusal.value.cause == NotAnswered.NO_ANSWER


@pytest.mark.usefixtures("desk_that_drops")
async def test_a_caller_who_leaves_meanwhile_has_hung_up() -> None:
    with pytest.raises(HungUp):
        await connect(Caller(leaves=True))


@pytest.mark.usefixtures("desk_that_talks")
async def test_caller_leaves_the_bridge_before_it_is_destroyed() -> None:
    asterisk = Asterisk()
    await connect(Caller(), asterisk)
    assert asterisk.asked[-2:] == [(operations.REMOVE_FROM_BRIDGE, "caller"), (operations.DESTROY_BRIDGE, None)]
