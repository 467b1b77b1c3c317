"""Makes the calls that are owed to officials, and puts each into the call flow it came from."""

import asyncio
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from broadcast_bridge import call_backs
from broadcast_bridge.call_backs import OwedCall
from haichieu.ari.call import dial
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError, HungUp, NotAnswered
from haichieu.changes import changes
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.phone_numbers import masked
from ivr.reception import Reception

log = structlog.get_logger()

RING_SECONDS = 30.0
LOOK_SECONDS = 0.2


class EndpointFor(Protocol):
    """Finds what Asterisk dials for a number. Raises a HaiChieuError when there is no way out."""

    def __call__(self, session: Session, number: str) -> str:
        """Return the dial string."""
        ...


class CallBackDispatcher:
    """Claims owed calls and makes them."""

    def __init__(self, client: AriClient, database: Database, reception: Reception, endpoint_for: EndpointFor) -> None:
        self._client = client
        self._database = database
        self._reception = reception
        self._endpoint_for = endpoint_for

    async def run(self) -> None:
        """Work until cancelled. Calls that a dead switchboard was making are given up first."""
        await self._database.run(call_backs.expire_interrupted)
        async with asyncio.TaskGroup() as calls:
            async for _ in changes(self._database):
                while await self._some_owed(calls):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)  # a time that comes due announces itself to nobody

    async def _some_owed(self, calls: asyncio.TaskGroup) -> bool:
        """Begin the calls that are due; say whether others have still to fall due."""
        for debt in await self._database.run(lambda session: call_backs.claim(session, now())):
            calls.create_task(self._pay(debt))
        return await self._database.run(call_backs.any_owed)

    async def _pay(self, debt: OwedCall) -> None:
        try:
            outcome = await self._call(debt)
        except HaiChieuError as problem:
            outcome = str(problem)
        log.info("call_back.done", call_back=debt.id, outcome=outcome)
        await self._database.run(lambda session: call_backs.settle(session, debt.id, outcome))

    async def _call(self, debt: OwedCall) -> str:
        """Try each number of the official in order; return what became of it."""
        outcome = "the official has no registered number"
        for number in debt.numbers:
            endpoint = await self._database.run(partial(self._endpoint_for, number=number))
            try:
                async with dial(self._client, endpoint, timeout=RING_SECONDS, called_number=number) as call:
                    await self._reception.resume(call, debt)
                    return f"answered at {masked(number)}"
            except NotAnswered as refusal:
                outcome = f"{masked(number)} {refusal}"
            except HungUp:
                return f"answered at {masked(number)}, hung up"
            except AriError as problem:
                outcome = str(problem)
        return outcome
