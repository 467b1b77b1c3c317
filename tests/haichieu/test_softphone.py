"""The soft phone as scripts use it, one calling another without a server."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from haichieu.audio import Sound, measure, read_wav, resample, write_wav
from haichieu.demo.audio_matching import FOUND, match
from haichieu.demo.event_process import ChildEnded, EventMissing
from haichieu.demo.softphone.controller import CallNotAnswered, CommandRefused, SoftPhone
from haichieu.sip.endpoint_options import DIGIT_SECONDS

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable")]


class Pair:
    """A caller and a callee."""

    def __init__(self, folder: Path, codecs: tuple[str, ...] = ("alaw",)) -> None:
        self.heard = folder / "heard.wav"
        self.caller = SoftPhone(caller_number="0912000001", codecs=codecs)
        self.callee = SoftPhone(caller_number="0912000002", codecs=codecs, record=self.heard)
        self.address = ""

    async def talk(self) -> None:
        await self.caller.dial(self.address)
        await self.callee.incoming()
        await self.callee.answer()
        await self.caller.take("answered", timeout=5)


@pytest_asyncio.fixture
async def pair(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    pair = Pair(tmp_path, *getattr(request, "param", ()))
    async with pair.caller, pair.callee:
        pair.address = f"sip:0912000002@127.0.0.1:{await pair.callee.ready()}"
        yield pair


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    subprocess.run(
        [
            "espeak-ng",
            "-a",
            "60",
            "-w",
            str(path),
            "Good morning, everybody, and welcome to the morning news of our village.",
        ],
        check=True,
    )
    spoken = resample(read_wav(path), 16000)
    write_wav(path, Sound(spoken.samples[:32000], 16000))
    return path


@pytest.mark.parametrize(
    "pair",
    [pytest.param((("alaw",),), marks=pytest.mark.proof, id="alaw"), pytest.param((("g722",),), id="g722")],
    indirect=True,
)
async def test_one_phone_hears_what_the_other_plays(pair: Pair, speech: Path) -> None:
    await pair.talk()
    played = await pair.caller.play(speech)
    await pair.caller.hang_up()
    ended = await pair.callee.ended()
    assert played.ended - played.started == pytest.approx(read_wav(speech).seconds, abs=0.1)
    assert ended["seconds"] >= 1
    found = match(read_wav(speech), read_wav(pair.heard))
    assert found.correlation > FOUND


async def test_callee_learns_caller_and_dialled_number(pair: Pair) -> None:
    await pair.caller.dial(pair.address)
    incoming = await pair.callee.incoming()
    await pair.caller.ringing()
    assert (incoming["caller"], incoming["dialled"]) == ("0912000001", "0912000002")
    await pair.caller.hang_up()
    assert (await pair.callee.ended())["code"] == 487


async def test_every_digit_arrives_once_and_in_order(pair: Pair) -> None:
    await pair.talk()
    await pair.caller.digits("2468*#")
    await pair.caller.digits("10", gap=0.1)
    heard = [(await pair.callee.take("digit_heard", timeout=3)) for _ in range(8)]
    assert "".join(event["digit"] for event in heard) == "2468*#10"
    assert heard[7]["at"] - heard[6]["at"] >= DIGIT_SECONDS


async def test_busy_phone_refuses_the_next_caller(pair: Pair) -> None:
    await pair.talk()
    async with SoftPhone(caller_number="0912000003") as third:
        with pytest.raises(CallNotAnswered) as refusal:
            await third.call(pair.address)
    assert refusal.value.code == 486


async def test_playing_fails_when_the_call_ends(pair: Pair, speech: Path) -> None:
    await pair.talk()
    playing = asyncio.create_task(pair.caller.play(speech))
    await pair.caller.take("playing", timeout=5, tag=1)
    await pair.callee.hang_up()
    with pytest.raises(CommandRefused, match="ended"):
        await playing


async def test_silence_is_recorded_as_silence(pair: Pair) -> None:
    await pair.talk()
    await pair.caller.digits("1")
    await pair.caller.hang_up()
    await pair.callee.ended()
    assert measure(read_wav(pair.heard)).active_seconds < DIGIT_SECONDS + 0.1


async def test_impossible_commands_are_refused_and_the_phone_lives_on(pair: Pair) -> None:
    for command in (
        {"do": "dance"},
        {"do": "digits", "digits": "1"},
        {"do": "play", "file": "/none.wav"},
        {"do": "hangup"},
        {"do": "answer"},
        {"do": "call", "to": "1900"},
        {"do": "call", "to": "sip:"},
    ):
        await pair.caller.send(command)
        assert (await pair.caller.take("refused", timeout=5))["do"] == command["do"]
    await pair.talk()


async def test_missing_event_is_reported_with_what_came_instead(pair: Pair) -> None:
    await pair.caller.ready()
    with pytest.raises(EventMissing, match="ready"):
        await pair.caller.take("registered", timeout=0.05)


async def test_waiting_for_an_ended_phone_fails_at_once() -> None:
    async with SoftPhone(server="not an address", id="x") as phone:
        with pytest.raises(ChildEnded, match="HOST:PORT"):
            await phone.registered()
    assert phone.returncode == 2


async def test_phone_ends_when_its_script_closes_the_pipe() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "haichieu.demo.softphone", "--caller-number", "1"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(b"not json\n"), 10)
    assert process.returncode == 0
    assert b'"ready"' in out
