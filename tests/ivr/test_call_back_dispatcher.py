"""Dispatcher of pending calls: the numbers of one call are tried in order."""

import contextlib
import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import pytest
from sqlalchemy.orm import Session

from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import Leg
from haichieu.ari.errors import NotAnswered
from haichieu.background import in_background
from haichieu.database import Database
from haichieu.demo.trial_station import until
from haichieu.errors import HaiChieuError
from ivr.calls import call_back_dispatcher
from ivr.calls.call_back_dispatcher import CallBackDispatcher

pytestmark = pytest.mark.asyncio


@dataclass
class Pending:
    """A call to an official with several telephones."""

    id: int
    numbers: tuple[str, ...]


@dataclass
class Queue:
    """A queue in memory, with the outcomes of its calls."""

    due: list[Pending]
    outcomes: dict[int, str] = field(default_factory=dict)

    def claim(self, session: Session, at: datetime.datetime, most: int, /) -> list[Pending]:
        claimed, self.due = self.due[:most], self.due[most:]
        return claimed

    def next_due(self, session: Session, /) -> datetime.datetime | None:
        return datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC) if self.due else None

    def settle(self, session: Session, call_id: int, outcome: str, /) -> None:
        self.outcomes[call_id] = outcome

    def expire_interrupted(self, session: Session, /) -> int:
        return 0


async def legs_for(number: str) -> list[Leg]:
    if number == "nowhere":
        raise HaiChieuError("asterisk.no_outgoing_trunk")
    return [Leg(f"PJSIP/{number}")]


async def outcome_of(database: Database, monkeypatch: pytest.MonkeyPatch, *numbers: str) -> tuple[str, list[str]]:
    """The outcome of one pending call, and the endpoints that were dialled; only "home" answers."""
    dialled: list[str] = []

    @contextlib.asynccontextmanager
    async def dial(client: AriClient, legs: list[Leg], **_: object) -> AsyncIterator[Call]:
        dialled.append(legs[0].endpoint)
        if legs[0].endpoint != "PJSIP/home":
            raise NotAnswered(NotAnswered.BUSY, "busy")
        yield cast(Call, None)

    async def take_up(*_: object) -> None:
        return None

    monkeypatch.setattr(call_back_dispatcher, "dial", dial)
    queue = Queue([Pending(1, numbers)])
    dispatcher = CallBackDispatcher(
        cast(AriClient, None), database, queue, take_up, legs_for, names_numbers=True
    )  # fmt: skip
    async with in_background(dispatcher.run()):
        await until(lambda: bool(queue.outcomes), "the call is settled")
    return queue.outcomes[1], dialled


async def test_a_number_without_a_route_does_not_keep_the_next_from_being_tried(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, dialled = await outcome_of(database, monkeypatch, "nowhere", "work", "home")
    assert (outcome, dialled) == ("answered at •ome", ["PJSIP/work", "PJSIP/home"])


async def test_a_call_without_any_route_says_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, dialled = await outcome_of(database, monkeypatch, "nowhere")
    assert "[[trunks]]" in outcome
    assert dialled == []
