"""Citizens who leave messages by telephone while a station is being broken."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from dialplans.left_messages import left_messages
from feedback.citizens.registry import open_citizens
from feedback.models import VoiceDraft
from haichieu.audio.sound import Sound, read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.event_process import EventProcessError
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.processes.sounds import open_prompts
from tests.station.scene import SAME, Scene, end_of

HOTLINE = "1022"
CALLS_PER_NUMBER = 8
"""Far below the station's limit of messages from one telephone."""
ANSWER_SECONDS, TONE_SECONDS, THANKS_SECONDS = 12.0, 25.0, 15.0
BETWEEN_SECONDS = 2.0
"""More than the clock of a note of Asterisk, in whole seconds, differs from ours."""
_NUMBERS = itertools.count(1)


@dataclass
class Call:
    """One call, as its caller experienced it. `began` and `ended` are epoch seconds."""

    number: str
    began: float
    ended: float = 0.0
    answered: bool = False
    spoken: bool = False
    """The recording had begun, and the caller said all of it before the call ended."""
    thanked: bool = False
    """The caller then heard that the message is stored."""


class Callers:
    """The calls of a campaign and what the callers listen for."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.calls: list[Call] = []
        self.speech = scene.speeches["demo-congrats"]
        self._scene = scene
        self._seed = seed
        self._thanks: list[Sound] = []

    def prepare(self) -> None:
        """Read the sentences that tell a caller that the message is stored."""
        store = open_prompts(self._scene.station.opened)
        names = ("message-kept", "degraded-message-kept")
        self._thanks = [read_wav(Path(f"{store.sound(name, 'vi')}.wav")) for name in names]

    async def keep_calling(self, caller: int) -> None:
        """Call again and again, with another telephone after some calls, until cancelled."""
        chance = random.Random(f"caller {self._seed} {caller}")
        while True:
            number = f"+84977{self._seed % 100:02}{next(_NUMBERS):04}"
            async with AsyncExitStack() as stack:
                phone = SoftPhone(server=self._scene.station.server, caller_number=number)
                await stack.enter_async_context(phone)
                await phone.ready(30)
                for _ in range(CALLS_PER_NUMBER):
                    if not await self._one_call(phone, number, hurried=chance.random() < 0.25):
                        break
                    await asyncio.sleep(BETWEEN_SECONDS)

    async def _one_call(self, phone: SoftPhone, number: str, *, hurried: bool) -> bool:
        """Make one call; return whether the telephone can be used for another."""
        call = Call(number, time.time())
        self.calls.append(call)
        first_event = len(phone.events)

        def is_over() -> bool:
            return phone.returncode is not None or any(one["event"] == "ended" for one in phone.events[first_event:])

        try:
            await self._leave_message(phone, call, is_over, hurried=hurried)
        except EventProcessError:
            pass  # not answered, or cut off
        finally:
            call.ended = time.time()
        try:
            if not is_over():
                await phone.hang_up()
                await phone.ended(8)
        except EventProcessError:
            return False  # Asterisk was killed: nobody confirms the end of the call
        finally:
            call.ended = time.time()
        return True

    async def _leave_message(self, phone: SoftPhone, call: Call, is_over: Callable[[], bool], *, hurried: bool) -> None:
        heard = self._scene.folder / f"caller-{call.number}-{call.began:.0f}.wav"
        await phone.record(heard)
        await phone.call(HOTLINE, ANSWER_SECONDS)
        call.answered = True
        await phone.digits("20")
        if not await _until(lambda: self._is_recording(call), is_over, TONE_SECONDS):
            return
        await phone.play(self.speech, 20)
        call.spoken = True
        if hurried:
            return
        for key in ("#", "1"):
            await phone.digits(key)
        call.thanked = await _until(lambda: self._is_thanked(heard), is_over, THANKS_SECONDS)
        call.thanked = call.thanked or await asyncio.to_thread(self._is_thanked, heard)
        heard.unlink(missing_ok=True)

    def _is_recording(self, call: Call) -> bool:
        """Return whether the message of this call is being recorded, by the switchboard or by Asterisk alone."""
        home = self._scene.station.settings.home
        left = (one for one in left_messages(home) if one.number == call.number and one.wav.exists())
        if any(one.at.timestamp() > call.began - 1 for one in left):
            return True
        book = open_citizens(home)
        try:
            with self._scene.station.database.reading() as session:
                drafts = session.scalars(sa.select(VoiceDraft).order_by(VoiceDraft.id.desc()).limit(20)).all()
        except sa.exc.DBAPIError:
            return False  # it is away
        return any(
            draft.started_at.timestamp() > call.began - 1
            and draft.number_locked
            and book.unlock(draft.number_locked) == call.number
            and any((home / "spool").rglob(f"{draft.name}.wav"))
            for draft in drafts
        )

    def _is_thanked(self, file: Path) -> bool:
        if not file.exists():
            return False
        heard = end_of(read_wav(file), THANKS_SECONDS + 10)
        return any(match(one, heard).correlation > SAME for one in self._thanks)


async def _until(condition: Callable[[], bool], is_over: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition is met; False when the call ended before, or after some seconds."""
    deadline = time.monotonic() + seconds
    while not is_over() and time.monotonic() < deadline:
        if await asyncio.to_thread(condition):
            return True
        await asyncio.sleep(0.2)
    return False
