"""Makes the calls that are owed, to officials and to citizens, and puts each into the call flow it came from."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.orm import Session

from haichieu.ari.call import Call, dial
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, HungUp, NotAnswered
from haichieu.changes import hours
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.phone_numbers import masked

log = structlog.get_logger()

RING_SECONDS = 30.0


class EndpointFor(Protocol):
    """Finds what Asterisk dials for a number. Raises a HaiChieuError when there is no way out."""

    def __call__(self, session: Session, number: str) -> str:
        """Return the dial string."""
        ...


class Debt(Protocol):
    """A call to make."""

    @property
    def id(self) -> int:
        """What it is settled by."""
        ...

    @property
    def numbers(self) -> tuple[str, ...]:
        """Where it may be answered, in order."""
        ...


D = TypeVar("D", bound=Debt)


class Ledger(Protocol[D]):
    """Owed calls as rows: `broadcast_bridge.broadcasts.call_backs`, `feedback.intake.missed_calls`."""

    def claim(self, session: Session, at: datetime.datetime, /) -> list[D]:
        """Take the calls that are due, each for one claimant only."""
        ...

    def next_due(self, session: Session, /) -> datetime.datetime | None:
        """When the next one falls due."""
        ...

    def settle(self, session: Session, debt_id: int, outcome: str, /) -> None:
        """Write down how it went."""
        ...

    def expire_interrupted(self, session: Session, /) -> int:
        """Give up those that a dead switchboard was making."""
        ...


class CallBackDispatcher(Generic[D]):
    """Claims owed calls and makes them. The claim is committed before anybody is dialled, so none is made twice."""

    def __init__(
        self,
        client: AriClient,
        database: Database,
        ledger: Ledger[D],
        take_up: Callable[[Call, D], Awaitable[None]],
        endpoint_for: EndpointFor,
        *,
        names_numbers: bool,
    ) -> None:
        """`take_up` leads whoever answers through the flow. `names_numbers` lets outcomes show numbers, masked."""
        self._client = client
        self._database = database
        self._ledger = ledger
        self._take_up = take_up
        self._endpoint_for = endpoint_for
        self._names_numbers = names_numbers

    async def run(self) -> None:
        """Work until cancelled. Calls that a dead switchboard was making are given up first."""
        await self._database.run(self._ledger.expire_interrupted)
        async with asyncio.TaskGroup() as calls:
            await self._begin_due(calls)
            async for _ in hours(self._database, self._next_due):
                await self._begin_due(calls)

    async def _next_due(self) -> datetime.datetime | None:
        return await self._database.look(self._ledger.next_due)

    async def _begin_due(self, calls: asyncio.TaskGroup) -> None:
        if await self._next_due() is None:
            return
        for debt in await self._database.run(lambda session: self._ledger.claim(session, now())):
            calls.create_task(self._pay(debt))

    async def _pay(self, debt: D) -> None:
        try:
            outcome = await self._call(debt)
        except HaiChieuError as problem:
            outcome = self._problem(problem)
        log.info("call_back.done", call_back=debt.id, outcome=outcome)
        await self._database.run(lambda session: self._ledger.settle(session, debt.id, outcome))

    async def _call(self, debt: D) -> str:
        """Try each number in order; return what became of it."""
        outcome = "no registered number"
        for number in debt.numbers:
            at = f" at {masked(number)}" if self._names_numbers else ""
            endpoint = await self._database.run(partial(self._endpoint_for, number=number))
            try:
                async with dial(self._client, endpoint, timeout=RING_SECONDS, called_number=number) as call:
                    await self._take_up(call, debt)
                    return f"answered{at}"
            except NotAnswered as refusal:
                outcome = f"{masked(number)} {refusal}" if self._names_numbers else str(refusal)
            except HungUp:
                return f"answered{at}, hung up"
            except AriError as problem:
                outcome = self._problem(problem)
        return outcome

    def _problem(self, problem: HaiChieuError) -> str:
        """What Asterisk says of a call that it could not make may name the number."""
        return str(problem) if self._names_numbers else f"not made: {type(problem).__name__}"
