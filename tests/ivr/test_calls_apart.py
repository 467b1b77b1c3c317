"""Calls that the station makes: an error about one call affects no other one, and claims are kept."""

import asyncio
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import call_backs
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import CallBack
from broadcast_bridge.schedule import dispatch, due
from broadcast_bridge.schedule.dispatch import BookedCall
from feedback.answers import answer_calls
from feedback.answers.answer_calls import PendingAnswers
from haichieu import background
from haichieu.ari.call import Call
from haichieu.ari.dialling import Leg
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from ivr.calls import booked
from ivr.calls.answer_delivery import AnswerCalls
from ivr.calls.booked import BookedCalls, Booking
from ivr.calls.call_back_dispatcher import CallBackDispatcher
from tests.builders.places import commune
from tests.fake_asterisk import FakeAsterisk

LOCKED = sa.exc.OperationalError("COMMIT", {}, Exception("database is locked"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(background, "RETRY_SECONDS", (0.01,))


@dataclass(frozen=True)
class Pending:
    id: int
    numbers: tuple[str, ...] = ("+84912345678",)


class Queue:
    def __init__(self, *ids: int) -> None:
        self.waiting = list(ids)
        self.problems: dict[int, list[Exception]] = {}
        self.outcomes: dict[int, str] = {}

    def next_due(self, session: Session) -> datetime.datetime | None:
        return now() if self.waiting else None

    def claim(self, session: Session, at: datetime.datetime, most: int) -> list[Pending]:
        claimed, self.waiting = self.waiting[:most], self.waiting[most:]
        return [Pending(one) for one in claimed]

    def settle(self, session: Session, call_id: int, outcome: str) -> None:
        if problems := self.problems.get(call_id):
            raise problems.pop()
        self.outcomes[call_id] = outcome

    def expire_interrupted(self, session: Session) -> int:
        return 0


async def test_error_about_one_call_hangs_up_no_other(database: Database) -> None:
    queue, asterisk = Queue(1, 2, 3), FakeAsterisk()
    live, over = asyncio.Event(), asyncio.Event()
    queue.problems = {2: [ZeroDivisionError()], 3: [LOCKED]}

    async def take_up(call: Call, pending: Pending) -> None:
        if pending.id == 1:
            live.set()
            await over.wait()
        else:
            await live.wait()

    dispatcher = CallBackDispatcher(asterisk.client, database, queue, take_up, legs_for, names_numbers=False)
    running = asyncio.create_task(dispatcher.run())
    async with asyncio.timeout(20):
        await until(lambda: 3 in queue.outcomes and len(asterisk.channels) == 1, "only the first is on the line")
        over.set()
        await until(lambda: 1 in queue.outcomes, "the first is over")
    running.cancel()
    await asyncio.wait([running])
    assert queue.outcomes == {1: "answered", 3: "answered"}


async def legs_for(number: str) -> list[Leg]:
    return [Leg("PJSIP/phone")]


def failing_first(extended: asyncio.Event) -> Callable[..., None]:
    """Extends a claim, the first time in vain."""
    failures = [LOCKED]
    loop = asyncio.get_running_loop()

    def extend(*_: object) -> None:
        if failures:
            raise failures.pop()
        loop.call_soon_threadsafe(extended.set)

    return extend


async def test_claim_of_booked_call_is_extended_after_an_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    extended = asyncio.Event()
    monkeypatch.setattr(due, "extend_claim", failing_first(extended))
    monkeypatch.setattr(dispatch, "LEASE", datetime.timedelta(seconds=0.03))
    monkeypatch.setattr(booked, "_booking", lambda *_: Booking(1, "us", now(), "11", Priority.NORMAL))
    monkeypatch.setattr(booked, "_candidates", lambda *_: ["the only one"])

    async def tried(*_: object) -> bool:
        await asyncio.wait_for(extended.wait(), 20)
        return True

    async def on_air(*_: object) -> bool:
        return False

    monkeypatch.setattr(BookedCalls, "_tried", tried)
    monkeypatch.setattr(BookedCalls, "_on_air", on_air)
    calls = BookedCalls(FakeAsterisk().client, database, cast(Any, None), legs_for)
    running = asyncio.create_task(calls.run())
    calls.book(BookedCall(1, now(), (), (), Priority.NORMAL), "us")
    await asyncio.wait_for(extended.wait(), 20)
    running.cancel()


async def test_claim_of_answers_is_extended_after_an_error(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    extended, waiting = asyncio.Event(), [PendingAnswers(1, "", "vi", ())]
    monkeypatch.setattr(answer_calls, "extend", failing_first(extended))
    monkeypatch.setattr(answer_calls, "LEASE", datetime.timedelta(seconds=0.03))
    monkeypatch.setattr(answer_calls, "next_due", lambda session: now() if waiting else None)
    monkeypatch.setattr(answer_calls, "claim", lambda *_: [waiting.pop()] if waiting else [])

    async def tell(*_: object) -> object:
        return await asyncio.Event().wait()

    monkeypatch.setattr(AnswerCalls, "_tell", tell)
    parts: dict[str, Any] = {"book": None, "sounds": None, "messages": None, "pauses": ()}
    calls = AnswerCalls(FakeAsterisk().client, database, cast(Any, None), legs_for, **parts)
    running = asyncio.create_task(calls.run())
    await asyncio.wait_for(extended.wait(), 20)
    running.cancel()


async def test_call_back_is_placed_once_it_is_due(database: Database) -> None:
    placed: asyncio.Queue[int] = asyncio.Queue()

    async def take_up(call: Call, pending: call_backs.PendingCall) -> None:
        placed.put_nowait(pending.official_id)

    with database.session() as session:
        official = commune(session).official
        owed = call_backs.request(session, official, "11", Priority.NORMAL, "official-line", now()).id
    dispatcher = CallBackDispatcher(FakeAsterisk().client, database, call_backs, take_up, legs_for, names_numbers=True)
    running = asyncio.create_task(dispatcher.run())
    with database.session() as session:
        call_backs.make_due(session, owed, now())
    assert await asyncio.wait_for(placed.get(), 20) == official.id

    def is_settled() -> bool:
        with database.session() as session:
            return session.get_one(CallBack, owed).state == "done"

    await until(is_settled, "the outcome is written")
    running.cancel()
