"""One run of a flow: its call, its desks, and what is known so far.

The verbs see a telephone only through `Call`, officials, zones and broadcasts only through `OfficialDesk`, and services
for citizens only through `ivr.desks.protocols`.
"""

import asyncio
import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from broadcast_bridge.broadcasts.states import Priority, Reason
from broadcast_bridge.programmes.phone_recordings import Kept
from haichieu.ari.key_events import Digits
from haichieu.errors import HaiChieuError
from ivr.desks.programme_protocols import ProgrammeDesk
from ivr.desks.protocols import AnswerDesk, BulletinSeen, CaseDesk, CitizenDesk, CommuneSeen, ProvinceDesk
from ivr.desks.repair_protocols import RepairDesk

Values = Mapping[str, str | int]


class CallBackRequired(HaiChieuError):
    """The official has to be called back before going live."""

    def __init__(self) -> None:
        super().__init__("call.call_back_required")


class NotKnownYet(RuntimeError):
    """A node needs a value that no earlier node provides; the linter refuses such flows."""


class Call(Protocol):
    """A telephone call, as a flow uses it. Every coroutine raises HungUp once the caller is gone."""

    caller_number: str | None
    """E.164 ("+84912000001") or an internal number; None when it is withheld."""
    dialled: str

    async def answer(self) -> None: ...

    async def say(self, *sounds: str) -> None:
        """Play sound files (paths without extension) to their end; keys pressed meanwhile are stored."""
        ...

    async def ask(
        self,
        *sounds: str,
        max_digits: int = 20,
        terminator: str = "#",
        first_digit_seconds: float = 6.0,
        next_digit_seconds: float = 4.0,
    ) -> Digits:
        """Play a question and collect keys; a key pressed during the question ends it and counts."""
        ...

    async def record(self, name: str, *, max_seconds: int, silence_seconds: int, terminator: str = "#") -> bool:
        """Play the tone and record the caller under a name from the desk; return whether the recording was stored."""
        ...

    def forget_keys(self) -> None:
        """Drop keys that were pressed ahead."""
        ...

    async def hang_up(self) -> None: ...


class Prompts(Protocol):
    """The source of sounds. May block: call it in a thread."""

    def sound(self, key: str, language: str, variables: Values | None = None) -> str:
        """Return the path without extension of a prompt."""
        ...


@dataclass(frozen=True)
class OfficialSeen:
    """An official who has signed in."""

    id: int
    name: str


@dataclass(frozen=True)
class ZoneSeen:
    """A zone that the official may use, as of the choice. `keys` is its code, `*` for all."""

    keys: str
    name: str
    reachable: int
    total: int


@dataclass(frozen=True)
class LiveResult:
    """The result of a live broadcast. `reason` is None when the official ended it.

    `heard` speakers played it; the `unconfirmed` ones of them never reported back.
    """

    heard: int
    total: int
    reason: Reason | None = None
    unconfirmed: int = 0


@dataclass(frozen=True)
class LastReport:
    """The official's last finished broadcast. `when` is in the station's time zone."""

    zone: str
    when: datetime.datetime
    heard: int
    total: int
    missed: tuple[str, ...]
    unconfirmed: int = 0


class OfficialDesk(Protocol):
    """The station's services for an official on one call, whose voice goes on air."""

    async def knows_caller(self, caller_number: str | None, *, called_back: bool) -> bool:
        """Return whether an official calls from this number, and the staff code need not be asked for."""
        ...

    async def sign_in(
        self, caller_number: str | None, code: str | None, pin: str, *, called_back: bool
    ) -> OfficialSeen:
        """Check a PIN; `code` is None for a known caller; `called_back` means that the station placed this call.

        Raises WrongPin, LockedOut or CallBackNeeded (`haichieu.phone_sign_in`).
        """
        ...

    async def choose_pin(self, official_id: int, pin: str) -> None:
        """Set another PIN. Raises SimplePin or ShortPin (`haichieu.pins`)."""
        ...

    async def find_zone(self, official_id: int, keys: str) -> ZoneSeen:
        """Return the zone of this code, `*` for all of the official's. Raises UnknownZone or ZoneNotAllowed."""
        ...

    def expect_live(
        self, official_id: int, zone: ZoneSeen, due_at: datetime.datetime | None, *, called_back: bool
    ) -> None:
        """Call the speakers of a zone ahead of a live broadcast there, which begins at `due_at` or at any moment.

        It has no effect on what `go_live` decides. Never blocks.
        """
        ...

    def expect_nothing(self) -> None:
        """Release the speakers that were called by `expect_live` and are not on air. Never blocks."""
        ...

    async def go_live(self, official_id: int, zone: ZoneSeen, priority: Priority, *, called_back: bool) -> LiveResult:
        """Put the call on air until `#`, hang-up (HungUp) or an end from outside.

        `called_back` means that the station dialled the official's registered number. Raises CallBackRequired,
        ZoneBusy, ZoneQuiet, NoReachableSpeaker, LiveNotAllowed, UnknownZone, ZoneNotAllowed or DiskFull before anything
        is broadcast.
        """
        ...

    @property
    def cases(self) -> CaseDesk:
        """The cases that wait for the official."""
        ...

    @property
    def province(self) -> ProvinceDesk:
        """The bulletins of the province that wait for the official."""
        ...

    @property
    def programmes(self) -> ProgrammeDesk:
        """The programmes that wait for approval."""
        ...

    @property
    def repairs(self) -> RepairDesk:
        """The repairs of the speakers in the official's unit."""
        ...

    async def begin_recording(self, official_id: int) -> str:
        """Return the name to record a programme to. Raises RecordNotAllowed or DiskFull."""
        ...

    def recording_sound(self, name: str) -> str:
        """Return the path of the recording without extension."""
        ...

    async def keep_recording(self, name: str, zone_keys: str) -> Kept:
        """Make a programme of it for a zone (empty for none yet). Raises UnusableSound."""
        ...

    def discard_recording(self, name: str) -> None:
        """Delete it."""
        ...

    def release_recording(self, name: str) -> None:
        """Release it at the end of the call: the station keeps what was neither kept nor discarded."""
        ...

    async def emergency_sounds(self, official_id: int) -> bool:
        """Return whether an emergency is being repeated where this official answers."""
        ...

    async def acknowledge(self, official_id: int) -> int:
        """End the repetition there; return the number of speakers."""
        ...

    async def last_report(self, official_id: int) -> LastReport | None:
        """Return the report of the official's last broadcast, None without one."""
        ...


@dataclass(frozen=True)
class Line:
    """A prompt to be played, with its own values; those of the session are added."""

    prompt: str
    values: Values = field(default_factory=dict)


@dataclass
class Session:
    """One run of a flow. `official` is set only after the correct PIN, or by a call back."""

    call: Call
    prompts: Prompts
    desk: OfficialDesk
    language: str
    official: OfficialSeen | None = None
    zone: ZoneSeen | None = None
    called_back: bool = False
    call_back_priority: Priority | None = None
    """The priority requested on the call that led to this call back, until it is used."""
    due_at: datetime.datetime | None = None
    """The start time of the booked broadcast of this call."""
    answers: dict[str, str] = field(default_factory=dict)
    citizens: CitizenDesk | None = None
    commune: CommuneSeen | None = None
    bulletin: BulletinSeen | None = None
    """The bulletin that was just played to its end."""
    heard: set[int] = field(default_factory=set)
    """Bulletins offered since the caller began to listen."""
    wrong_cases: int = 0
    case_number: str = ""
    """The case that the caller opened or asked about last; empty for an anonymous message."""

    def require_citizens(self) -> CitizenDesk:
        """Return the desk for citizens. Raises NotKnownYet where the line has none."""
        if self.citizens is None:
            raise NotKnownYet("this line has no desk for citizens")
        return self.citizens

    def require_commune(self) -> CommuneSeen:
        """Return the chosen commune. Raises NotKnownYet."""
        if self.commune is None:
            raise NotKnownYet("no commune was chosen on this call")
        return self.commune

    answer_desk: AnswerDesk | None = None
    """The answers of a call to a citizen."""

    def require_official(self) -> OfficialSeen:
        """Return the official who has signed in. Raises NotKnownYet."""
        if self.official is None:
            raise NotKnownYet("nobody has signed in on this call")
        return self.official

    def require_zone(self) -> ZoneSeen:
        """Return the chosen zone. Raises NotKnownYet."""
        if self.zone is None:
            raise NotKnownYet("no zone was chosen on this call")
        return self.zone

    def take_requested_priority(self) -> Priority | None:
        """Return the priority of the call back, which applies only once; None when there is none any more."""
        priority, self.call_back_priority = self.call_back_priority, None
        return priority

    def values(self) -> dict[str, str | int]:
        """Return the values for prompts: answers, and facts about official and zone."""
        known: dict[str, str | int] = dict(self.answers)
        if self.official:
            known |= {"official": self.official.name}
        if self.zone:
            known |= {"zone": self.zone.name, "reachable": self.zone.reachable, "total": self.zone.total}
        if self.commune:
            known |= {"unit": self.commune.name}
        return known

    async def say(self, prompt: str, **values: str | int) -> None:
        """Play a prompt to its end."""
        await self.call.say(*await self.sounds(Line(prompt, values)))

    async def sounds(self, *lines: Line) -> list[str]:
        """Return the paths of the sounds of several lines, one after the other."""
        return [
            await asyncio.to_thread(self.prompts.sound, line.prompt, self.language, self.values() | dict(line.values))
            for line in lines
        ]
