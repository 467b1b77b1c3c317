"""A call as its handler sees it: keys, questions, and hanging up, over real SIP."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from haichieu.ari.call import Call
from haichieu.ari.errors import HungUp
from haichieu.ari.key_events import Digits
from tests.haichieu.ari.conftest import Line

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]

LONG = "demo-congrats"


async def test_key_ends_the_question_and_counts(line: Line) -> None:
    async with await line.call() as call:
        asking = asyncio.create_task(call.ask(LONG))
        began = time.monotonic()
        await line.phone.digits("12#")
        assert await asyncio.wait_for(asking, 5) == Digits("12", "terminator")
        assert time.monotonic() - began < 5
    await line.phone.ended()


async def test_keys_pressed_ahead_answer_the_next_questions(line: Line) -> None:
    async with await line.call() as call:
        await line.phone.digits("12#34")
        assert await call.ask(LONG) == Digits("12", "terminator")
        assert await call.ask(LONG, max_digits=2) == Digits("34", "length")
    await line.phone.ended()


async def test_keys_pressed_ahead_can_be_discarded(line: Line) -> None:
    async with await line.call() as call:
        await line.phone.digits("1")
        assert await call.ask("beep", max_digits=1) == Digits("1", "length")
        await line.phone.digits("7")
        await asyncio.sleep(0)
        waiting = asyncio.create_task(call.wait_for_key("9"))
        await line.phone.digits("89")
        assert await asyncio.wait_for(waiting, 5) == "9"
        call.forget_keys()
        assert await call.ask("beep", first_digit_seconds=0.2) == Digits("", "silence")
    await line.phone.ended()


async def test_silence_ends_a_question(line: Line) -> None:
    async with await line.call() as call:
        assert await call.ask("beep", first_digit_seconds=0.3) == Digits("", "silence")
        asking = asyncio.create_task(call.ask(first_digit_seconds=5, next_digit_seconds=0.6))
        await line.phone.digits("5")
        assert await asyncio.wait_for(asking, 3) == Digits("5", "silence")
    await line.phone.ended()


@pytest.mark.parametrize(
    "busy",
    [
        lambda call: call.say(LONG),
        lambda call: call.ask(LONG),
        lambda call: call.ask(first_digit_seconds=30),
        lambda call: call.wait_for_key("#"),
        lambda call: call.until_hung_up(),
    ],
    ids=["say", "ask", "ask after the question", "wait_for_key", "until_hung_up"],
)
async def test_hanging_up_ends_any_wait(line: Line, busy: Callable[[Call], Awaitable[object]]) -> None:
    async with await line.call() as call:
        waiting = asyncio.ensure_future(busy(call))
        await asyncio.sleep(0)
        await line.phone.hang_up()
        with pytest.raises(HungUp):
            await asyncio.wait_for(waiting, 5)
        with pytest.raises(HungUp):
            await call.say("beep")
        with pytest.raises(HungUp):
            await call.answer()
    assert call.id not in line.client.events.claimed


async def test_interrupted_call_ends(line: Line) -> None:
    async with await line.call() as call:
        waiting = asyncio.create_task(call.say(LONG))
        await asyncio.sleep(0)
        call.interrupt()
        with pytest.raises(HungUp):
            await asyncio.wait_for(waiting, 5)
    await line.phone.ended()
    await line.asterisk.calls_over()
