"""Calls that the station makes: what the other side is shown, and how they end."""

import asyncio
import time
from pathlib import Path

import pytest

from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.dialling import dial_one
from haichieu.ari.errors import HungUp, NotAnswered
from tests.haichieu.ari.conftest import PASSWORD, Line
from tests.station.bare_speaker import BareSpeaker

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]

PHONE = "PJSIP/phone"


async def begin(line: Line, **given: object) -> tuple["asyncio.Task[None]", "asyncio.Future[Call]"]:
    """Dial the phone; the future holds the call once it is answered."""
    answered: asyncio.Future[Call] = asyncio.get_running_loop().create_future()

    async def talk() -> None:
        async with dial_one(line.client, PHONE, **given) as call:  # type: ignore[arg-type]
            answered.set_result(call)
            await call.until_hung_up()

    return asyncio.create_task(talk()), answered


async def test_a_dialled_call_shows_its_number_and_outlasts_its_ring_time(line: Line) -> None:
    talking, answered = await begin(line, timeout=1.5, caller_number="+842063000001")
    incoming = await line.phone.incoming()
    assert incoming["caller"] == "+842063000001"
    await line.phone.answer()
    call = await asyncio.wait_for(answered, 5)
    await asyncio.sleep(2.5)
    assert not talking.done()
    assert await line.client.request(operations.LIST_BRIDGES) == []
    assert [channel["id"] for channel in await line.asterisk.channels()] == [call.id]
    await line.phone.hang_up()
    with pytest.raises(HungUp):
        await asyncio.wait_for(talking, 5)
    await line.phone.ended()


async def test_an_answered_call_can_be_asked_and_recorded(line: Line) -> None:
    talking, answered = await begin(line, timeout=5)
    await line.phone.incoming()
    await line.phone.answer()
    call = await asyncio.wait_for(answered, 5)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    await line.phone.ended()
    assert call.hung_up

    async def serve() -> tuple[str, bool]:
        async with dial_one(line.client, PHONE, timeout=5) as other:
            keys = await other.ask("demo-congrats", max_digits=1)
            return keys.keys, await other.record("dialled", max_seconds=2, silence_seconds=2)

    serving = asyncio.create_task(serve())
    await line.phone.incoming()
    await line.phone.answer()
    await line.phone.digits("4")
    assert await asyncio.wait_for(serving, 15) == ("4", True)
    await line.phone.ended()
    assert (Path(line.asterisk.settings.home) / "spool/recording/dialled.wav").stat().st_size > 44


async def test_a_call_that_nobody_answers_or_that_is_declined_says_so(line: Line) -> None:
    talking, _ = await begin(line, timeout=1)
    await line.phone.incoming()
    began = time.monotonic()
    with pytest.raises(NotAnswered) as late:
        await talking
    assert late.value.cause == NotAnswered.NO_ANSWER
    assert time.monotonic() - began < 3
    await line.phone.ended()

    talking, _ = await begin(line, timeout=5)
    await line.phone.incoming()
    await line.phone.hang_up()
    with pytest.raises(NotAnswered) as declined:
        await talking
    assert declined.value.cause == NotAnswered.REJECTED
    await line.phone.ended()
    await line.asterisk.calls_over()


async def test_headers_arrive_and_a_busy_device_says_so(line: Line) -> None:
    await line.phone.stop()
    with BareSpeaker(line.asterisk.server, "phone", PASSWORD) as device:
        await asyncio.to_thread(device.registered.wait, 5)
        with pytest.raises(NotAnswered) as busy:
            async with dial_one(
                line.client,
                PHONE,
                timeout=5,
                variables={"PJSIP_HEADER(add,Call-Info)": "<sip:haichieu.invalid>;answer-after=0"},
            ):
                pytest.fail("the call was answered")  # fmt: skip
    assert busy.value.cause == NotAnswered.BUSY
    assert "Call-Info: <sip:haichieu.invalid>;answer-after=0" in device.invites[0]
