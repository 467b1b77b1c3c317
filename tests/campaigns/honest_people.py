"""Honest callers during an attack: an official on the loudspeakers and a citizen on the hotline."""

import asyncio
import contextlib

from haichieu.audio.sound import Sound, active_frames, read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.event_process import EventProcessError
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.errors import EnvironmentProblem
from tests.campaigns.hostile_sound import hostile_seconds
from tests.campaigns.tally import Report
from tests.campaigns.targets import HOTLINE, OFFICIALS_LINE
from tests.station import district
from tests.station.scene import ON_THE_WAY, SAME, Scene

IN_ZONE, ELSEWHERE = "cb-1", "cp-1"
"""Honest speakers: one in the official's zone, one that must stay silent."""
CODE, PIN = "1001#", f"{district.PINS[district.HAI]}#"
TO_LIVE = ("1", "11#", "1")
MORE_THAN_OWN = 0.5
"""Seconds that the sound of a broadcast may vary; the tone of the attackers is found to the frame."""
PAUSE_SECONDS, PATIENCE, MOST_QUESTIONS = 3.0, 20.0, 6


class Official:
    """Speaks on zone 11 again and again, and judges what the speakers play."""

    def __init__(self, scene: Scene, report: Report) -> None:
        self._scene, self._report = scene, report
        self._own_seconds: float | None = None
        """Active seconds of the chimes: those of the first broadcast, before any attack."""
        self.wanted: set[int] = set()

    async def speak(self, speech: str) -> None:
        """Go on air once, and judge everything that was played since the last time."""
        scene, report, before = self._scene, self._report, self._scene.broadcasts()
        report.broadcasts += 1
        phone = await scene.phone("may-hai")
        try:
            await self._go_live(phone, before)
            self.wanted.add(scene.broadcasts())
            await phone.play(scene.speeches[speech])
            await phone.digits("#")
            number = scene.broadcasts()
            await until(lambda: scene.broadcast(number).state not in ON_THE_WAY, "the end of the broadcast", 30)
        except (EventProcessError, EnvironmentProblem) as problem:
            report.problems.append(str(problem)[:300])
        finally:
            with contextlib.suppress(EventProcessError):
                await scene.hang_up(phone)
        self._judge(speech)

    async def _go_live(self, phone: SoftPhone, before: int) -> None:
        """Call, answer the questions as they come, and wait until the voice is on air.

        After forged attempts the station asks for the staff code, or calls the official back.
        """
        scene = self._scene
        if _last(phone, "incoming", "answered", "ended") == "incoming":  # someone has used this number
            await phone.answer()
        else:
            await phone.call(OFFICIALS_LINE)
        for _ in range(MOST_QUESTIONS):
            question = await scene.hears(phone, "ask-staff-code", "ask-pin", "official-menu", "sign-in-call-back")
            if question == "official-menu":
                for part in TO_LIVE:
                    await phone.digits(part)
                await until(lambda: scene.broadcasts() > before and scene.newest().live, "live", PATIENCE)
                return
            if question == "sign-in-call-back":
                self._report.called_back += 1
                await phone.hang_up()
                await phone.incoming(20)
                await phone.answer()
            else:
                await phone.digits(CODE if question == "ask-staff-code" else PIN)
        raise EnvironmentProblem("demo.waited_in_vain", seconds=PATIENCE, what="the menu of the officials' line")

    def _judge(self, speech: str) -> None:
        scene, report = self._scene, self._report
        said, heard = read_wav(scene.speeches[speech]), scene.sound_of(IN_ZONE)
        found, elsewhere = match(said, heard), scene.sound_of(ELSEWHERE)
        scene.forget()
        if not self.wanted:
            raise EnvironmentProblem("demo.waited_in_vain", seconds=PATIENCE, what=f"air: {report.problems}")
        aired = scene.newest()
        own = _active(heard) - _active(said)
        if self._own_seconds is None:
            self._own_seconds = own
        is_whole = found.correlation > SAME and (aired.state, aired.reason) == ("ended", None)
        report.whole += is_whole
        if not is_whole:
            report.problems.append(f"{speech}: correlation {found.correlation:.2f}, {aired.state}, {aired.reason}")
        report.on_air_seconds += _active(heard)
        excess = own - self._own_seconds
        report.foreign_seconds += max(
            hostile_seconds(heard) + hostile_seconds(elsewhere) + _active(elsewhere),
            excess if excess > MORE_THAN_OWN else 0.0,
        )


async def calls_of_a_citizen(scene: Scene, report: Report) -> None:
    """Call the hotline again and again, and measure when it is answered."""
    while True:
        await call_hotline(scene, report)
        await asyncio.sleep(PAUSE_SECONDS)


async def call_hotline(scene: Scene, report: Report) -> None:
    """Call the hotline once."""
    clock = asyncio.get_running_loop().time
    phone = await scene.phone("ban-truc")
    began = clock()
    try:
        try:
            await phone.call(HOTLINE, timeout=15)
        except EventProcessError:
            if _last(phone, "incoming", "answered", "ended") != "incoming":
                raise
            await scene.hang_up(phone)  # an attacker may have had itself transferred to this desk
            began = clock()
            await phone.call(HOTLINE, timeout=15)
        report.answered.append(clock() - began)
        await asyncio.sleep(1)
        await scene.hang_up(phone)
    except EventProcessError as problem:
        report.unanswered += 1
        report.problems.append(f"hotline: {problem}"[:300])
        with contextlib.suppress(EventProcessError):  # so that the next call does not find this one still up
            await scene.hang_up(phone)


def _last(phone: SoftPhone, *events: str) -> str:
    """Return which of several events happened last to a phone."""
    found = [event["event"] for event in phone.events if event["event"] in events]
    return str(found[-1]) if found else ""


def _active(sound: Sound) -> float:
    return float(active_frames(sound).sum()) * 0.02
