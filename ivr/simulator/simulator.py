"""Simulated call: scripted keys in, played prompts out as text.

Used in tests and by the panel's trial. Keys behave as on a real call: they are stored until a question, and a key
pressed ahead cuts the question short.
"""

import datetime
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.phone_recordings import Kept
from broadcast_bridge.speakers.zones import ALL_MY_ZONES, UnknownZone, ZoneNotAllowed
from haichieu.ari.errors import HungUp
from haichieu.ari.key_events import Digits
from haichieu.errors import HaiChieuError
from haichieu.phone_sign_in import CallBackNeeded, LockedOut, WrongPin
from haichieu.pins import require_good_pin
from haichieu.sign_in_counters import LOCK
from ivr.flows.session import LastReport, LiveResult, OfficialSeen, Values, ZoneSeen
from ivr.prompts.prompt_texts import PromptTexts, UnknownPrompt
from ivr.simulator.case_desks import SimulatedCases
from ivr.simulator.programme_desk import SimulatedProgrammes
from ivr.simulator.province_desk import SimulatedProvince
from ivr.simulator.repair_desks import SimulatedRepairs


class WrittenPrompts:
    """Prompts whose "sound" is the sentence itself."""

    def __init__(self, texts: PromptTexts, fallback: str = "vi") -> None:
        self._texts = texts
        self._fallback = fallback

    def sound(self, key: str, language: str, variables: Values | None = None) -> str:
        for spoken in (language, self._fallback):
            if self._texts.has(key, spoken):
                return self._texts.render(key, spoken, variables or {})
        raise UnknownPrompt(key)


class SimulatedCall:
    """A caller who presses keys by a script and may hang up at any step.

    `keys` has the keys for each question in turn: "1001#", "1", or "" for silence; after the script the caller is
    silent. `hang_up_at` is the number of the step (answer, say, ask; from 0) during which the caller hangs up.
    """

    def __init__(
        self,
        keys: Iterable[str] = (),
        caller_number: str | None = "+84912000001",
        dialled: str = "1800",
        hang_up_at: int | None = None,
    ) -> None:
        self.caller_number = caller_number
        self.dialled = dialled
        self.transcript: list[str] = []
        """What was played and pressed, in order: sentences, "⌨ keys", and the end of the line."""
        self.steps = 0
        self.over = False
        self._script = deque(keys)
        self._pressed: deque[str] = deque()
        self._hang_up_at = hang_up_at

    @property
    def heard(self) -> list[str]:
        """The sentences that the caller heard, at least in part."""
        return [line for line in self.transcript if not line.startswith(("⌨", "☎"))]

    async def answer(self) -> None:
        self._step("☎ answered")

    async def say(self, *sounds: str) -> None:
        self._step(*sounds)

    async def ask(
        self,
        *sounds: str,
        max_digits: int = 20,
        terminator: str = "#",
        first_digit_seconds: float = 6.0,
        next_digit_seconds: float = 4.0,
    ) -> Digits:
        """Ask, and take the next keys of the script."""
        self._step(*(() if self._pressed else sounds))
        if not self._pressed:
            pressed = self._script.popleft() if self._script else ""
            self.transcript.append(f"⌨ {pressed}")
            self._pressed.extend(pressed)
        keys = ""
        while self._pressed:
            key = self._pressed.popleft()
            if key in terminator:
                return Digits(keys, "terminator")
            keys += key
            if len(keys) >= max_digits:
                return Digits(keys, "length")
        return Digits(keys, "silence")

    async def record(self, name: str, *, max_seconds: int, silence_seconds: int, terminator: str = "#") -> bool:
        self._step("● recorded")
        return True

    def forget_keys(self) -> None:
        self._pressed.clear()

    async def hang_up(self) -> None:
        if not self.over:
            self._step("☎ hung up by the station")
            self.over = True

    def _step(self, *lines: str) -> None:
        if self.over:
            raise HungUp("ari.call_over")
        if self.steps == self._hang_up_at:
            self.over = True
            self.transcript.append("☎ hung up by the caller")
            raise HungUp("ari.hung_up")
        self.steps += 1
        self.transcript.extend(lines)


@dataclass
class SimulatedDesk:
    """A desk with one official and no loudspeakers."""

    official: OfficialSeen = field(default_factory=lambda: OfficialSeen(1, "Nông Văn Hải"))
    code: str = "1001"
    pin: str = "2468"
    call_back: bool = False
    """Whether the official is called back before going live, and may choose a short PIN."""
    phones: frozenset[str] = frozenset({"+84912000001"})
    zones: Mapping[str, ZoneSeen] = field(default_factory=dict)
    forbidden_zones: frozenset[str] = frozenset()
    locked: bool = False
    report: LastReport | None = None
    refusal: HaiChieuError | None = None
    """Raised by `go_live`."""
    result: LiveResult | None = None
    """Returned by `go_live`; by default every reachable speaker has played."""
    went_live: list[ZoneSeen] = field(default_factory=list)
    expected: list[str | None] = field(default_factory=list)
    """The zones whose speakers were called ahead, and None each time that they were released."""
    submits: bool = False
    """Whether recordings are submitted at once."""
    unusable: HaiChieuError | None = None
    """Raised by `keep_recording`."""
    kept: list[str] = field(default_factory=list)
    """The zones of the kept recordings."""
    discarded: int = 0
    let_go: int = 0
    sounding: int = 0
    """The number of speakers that play an emergency."""
    priorities: list[Priority] = field(default_factory=list)
    """The priorities of the live broadcasts."""
    cases: SimulatedCases = field(default_factory=SimulatedCases)
    province: SimulatedProvince = field(default_factory=SimulatedProvince)
    programmes: SimulatedProgrammes = field(default_factory=SimulatedProgrammes)
    repairs: SimulatedRepairs = field(default_factory=SimulatedRepairs)

    async def knows_caller(self, caller_number: str | None, *, called_back: bool) -> bool:
        return caller_number in self.phones

    async def sign_in(
        self, caller_number: str | None, code: str | None, pin: str, *, called_back: bool
    ) -> OfficialSeen:
        if self.locked and not called_back and caller_number in self.phones:
            raise CallBackNeeded(self.official.id)
        if self.locked:
            raise LockedOut("base.sign_in.locked_out", minutes=LOCK // datetime.timedelta(minutes=1))
        if pin != self.pin or (code != self.code if code is not None else caller_number not in self.phones):
            raise WrongPin("base.sign_in.wrong")
        return self.official

    async def choose_pin(self, official_id: int, pin: str) -> None:
        """Apply the station's own rule for PINs."""
        require_good_pin(pin, (self.code, *self.phones), call_back=self.call_back)
        self.pin = pin

    async def find_zone(self, official_id: int, keys: str) -> ZoneSeen:
        if keys in self.forbidden_zones or (keys == ALL_MY_ZONES and not self.zones):
            raise ZoneNotAllowed("zone.not_allowed", name=self.official.name, zone=keys)
        if keys == ALL_MY_ZONES:
            zones = self.zones.values()
            name = ", ".join(zone.name for zone in zones)
            return ZoneSeen(keys, name, sum(zone.reachable for zone in zones), sum(zone.total for zone in zones))
        if keys not in self.zones:
            raise UnknownZone("zone.unknown", codes=(keys,))
        return self.zones[keys]

    def expect_live(
        self, official_id: int, zone: ZoneSeen, due_at: datetime.datetime | None, *, called_back: bool
    ) -> None:
        self.expected.append(zone.keys)

    def expect_nothing(self) -> None:
        self.expected.append(None)

    async def go_live(self, official_id: int, zone: ZoneSeen, priority: Priority, *, called_back: bool) -> LiveResult:
        if self.refusal is not None:
            raise self.refusal
        self.went_live.append(zone)
        self.priorities.append(priority)
        return self.result or LiveResult(zone.reachable, zone.total)

    async def begin_recording(self, official_id: int) -> str:
        if self.refusal is not None:
            raise self.refusal
        return "recording"

    def recording_sound(self, name: str) -> str:
        return "▶"

    async def keep_recording(self, name: str, zone_keys: str) -> Kept:
        if self.unusable is not None:
            raise self.unusable
        self.kept.append(zone_keys)
        return Kept(len(self.kept), 12.0, self.submits)

    def discard_recording(self, name: str) -> None:
        self.discarded += 1

    def release_recording(self, name: str) -> None:
        self.let_go += 1

    async def emergency_sounds(self, official_id: int) -> bool:
        return self.sounding > 0

    async def acknowledge(self, official_id: int) -> int:
        silenced, self.sounding = self.sounding, 0
        return silenced

    async def last_report(self, official_id: int) -> LastReport | None:
        return self.report
