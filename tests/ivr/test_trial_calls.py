"""Test calls: the telephones that may be called, and the key that says that the sentence was heard."""

import contextlib
import datetime
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from haichieu.ari.client import AriClient
from haichieu.ari.dialling import Leg
from haichieu.ari.errors import HungUp, NotAnswered
from haichieu.ari.key_events import Digits
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import render
from ivr.calls import trial_calls
from ivr.calls.trial_calls import TrialCall, TrialCallRefused, TrialCalls, TrialState, expire_interrupted, request
from tests.builders.places import commune

pytestmark = pytest.mark.asyncio


class Answering:
    """A telephone that is answered; it presses these keys, one after each question."""

    def __init__(self, keys: Sequence[str], leaves: bool = False) -> None:
        self.keys, self.leaves, self.heard = list(keys), leaves, list[str]()

    async def ask(self, *sounds: str, **_: object) -> Digits:
        self.heard += sounds
        if self.leaves:
            raise HungUp("test")
        return Digits(self.keys.pop(0) if self.keys else "", "silence")

    async def say(self, *sounds: str) -> None:
        self.heard += sounds


def asked_for(database: Database) -> str:
    """Request a test call to an official; return the number."""
    with database.session() as session:
        (phone,) = commune(session).official.phones
        request(session, phone.number, "account:a@x.example", now())
        return str(phone.number)


async def result(
    database: Database, monkeypatch: pytest.MonkeyPatch, phone: Answering | HaiChieuError
) -> tuple[TrialState, str]:
    """Place the pending call; return its state, and why it was not answered."""
    number = asked_for(database)

    @contextlib.asynccontextmanager
    async def dial(client: AriClient, legs: list[Leg], **_: object) -> AsyncIterator[Any]:
        if isinstance(phone, HaiChieuError):
            raise phone
        yield phone

    async def legs_for(dialled: str) -> list[Leg]:
        assert dialled == number
        return [Leg("PJSIP/home")]

    monkeypatch.setattr(trial_calls, "dial", dial)
    prompts = SimpleNamespace(sound=lambda key, *_: key)
    assert await TrialCalls(cast(AriClient, None), database, cast(Any, prompts), legs_for).step() == 1
    with database.session() as session:
        call = session.query(TrialCall).one()
        return TrialState(call.state), render(call.reason, "en") if call.reason else ""


async def test_key_one_confirms_that_it_was_heard(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Answering(["", "1"])
    assert (await result(database, monkeypatch, phone))[0] is TrialState.HEARD
    assert phone.heard == ["trial-call", "trial-call", "trial-call-heard"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("phone", "state", "reason"),
    [
        (Answering([]), TrialState.PLAYED, ""),
        (Answering(["5"]), TrialState.PLAYED, ""),
        (Answering([], leaves=True), TrialState.HUNG_UP, ""),
        (NotAnswered(NotAnswered.BUSY, "busy"), TrialState.NOT_ANSWERED, "busy"),
        (HaiChieuError("asterisk.no_outgoing_trunk"), TrialState.NOT_ANSWERED, "trunk"),
    ],
)
async def test_other_ends_say_what_happened(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    phone: Answering | HaiChieuError,
    state: TrialState,
    reason: str,
) -> None:
    found, why = await result(database, monkeypatch, phone)
    assert found is state
    assert reason in why


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_strangers_are_not_called(database: Database) -> None:
    with database.session() as session, pytest.raises(TrialCallRefused):
        request(session, "+84977000111", "account:a@x.example", now())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_interrupted_call_is_given_up_and_another_may_follow(database: Database) -> None:
    number = asked_for(database)
    with database.session() as session:
        session.query(TrialCall).one().state = TrialState.CALLING
        expire_interrupted(session)
    with database.session() as session:
        assert session.query(TrialCall).one().state == TrialState.NOT_ANSWERED
        old = now() + datetime.timedelta(days=2)
        request(session, number, "account:a@x.example", old)
        assert session.query(TrialCall).count() == 1
