"""Dispatcher of pending calls to officials and citizens: places each and runs its call flow."""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.orm import Session

from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import Leg, dial
from haichieu.ari.errors import AriError, HungUp, NotAnswered
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.phone_numbers import masked
from haichieu.work_runner import WorkRunner

log = structlog.get_logger()

RING_SECONDS = 30.0


class LegsFor(Protocol):
    """Returns how to reach a number. Raises a HaiChieuError when it has no route or may not be called."""

    async def __call__(self, number: str) -> Sequence[Leg]: ...


class PendingCall(Protocol):
    """A call to place."""

    @property
    def id(self) -> int:
        """The id that it is settled by."""
        ...

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers to try, in order."""
        ...


D = TypeVar("D", bound=PendingCall)


class CallQueue(Protocol[D]):
    """A queue of pending calls: `broadcast_bridge.broadcasts.call_backs`, `feedback.intake.missed_calls`."""

    def claim(self, session: Session, at: datetime.datetime, most: int, /) -> list[D]:
        """Claim up to `most` calls that are due."""
        ...

    def next_due(self, session: Session, /) -> datetime.datetime | None:
        """Return when the next call is due."""
        ...

    def settle(self, session: Session, call_id: int, outcome: str, /) -> None:
        """Record the outcome."""
        ...

    def expire_interrupted(self, session: Session, /) -> int:
        """Give up the calls that a dead switchboard was placing."""
        ...


class CallBackDispatcher(WorkRunner[D]):
    """Claims pending calls and places them. The claim is committed before dialling, so that no call is placed twice."""

    at_once = 10

    def __init__(
        self,
        client: AriClient,
        database: Database,
        queue: CallQueue[D],
        take_up: Callable[[Call, D], Awaitable[None]],
        legs_for: LegsFor,
        *,
        names_numbers: bool,
    ) -> None:
        """`take_up` runs the flow with the person who answers. `names_numbers` allows masked numbers in outcomes."""
        super().__init__(database)
        self._client = client
        self._queue = queue
        self._take_up = take_up
        self._legs_for = legs_for
        self._names_numbers = names_numbers

    async def run(self) -> None:
        """Work until cancelled. Calls that a dead switchboard was placing are given up first."""
        await self._database.until_written(self._queue.expire_interrupted)
        await super().run()

    async def next_due(self) -> datetime.datetime | None:
        """Return when the next call is due."""
        return await self._database.look(self._queue.next_due)

    def claim(self, session: Session, most: int) -> list[D]:
        """Claim the calls that are due."""
        return self._queue.claim(session, now(), most)

    async def handle(self, work: D) -> None:
        """Place one call and record its outcome."""
        try:
            outcome = await self._call(work)
        except HaiChieuError as problem:
            outcome = self._problem(problem)
        except Exception as problem:
            log.exception("call_back.failed", call_back=work.id)
            outcome = f"not made: {type(problem).__name__}"
        log.info("call_back.done", call_back=work.id, outcome=outcome)
        await self._database.until_written(lambda session: self._queue.settle(session, work.id, outcome))

    async def _call(self, pending: D) -> str:
        """Try each number in order; return the outcome."""
        outcome = "no registered number"
        for number in pending.numbers:
            at = f" at {masked(number)}" if self._names_numbers else ""
            try:
                legs = await self._legs_for(number)
            except HaiChieuError as problem:  # the next number may have a route
                outcome = self._problem(problem)
                continue
            try:
                async with dial(self._client, legs, timeout=RING_SECONDS, called_number=number) as call:
                    await self._take_up(call, pending)
                    return f"answered{at}"
            except NotAnswered as refusal:
                outcome = f"{masked(number)} {refusal}" if self._names_numbers else str(refusal)
            except HungUp:
                return f"answered{at}, hung up"
            except AriError as problem:
                outcome = self._problem(problem)
        return outcome

    def _problem(self, problem: HaiChieuError) -> str:
        """Describe a problem; Asterisk's own words may contain the number."""
        return str(problem) if self._names_numbers else f"not made: {type(problem).__name__}"
