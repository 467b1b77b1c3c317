"""One run of a flow: the call it speaks to, the desk it asks, and what is known so far.

The verbs see a telephone only through `Call`, officials, zones and broadcasts only through `OfficialDesk`, and what is
done for citizens only through `ivr.desks.citizen_protocol`.
"""

import asyncio
import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from broadcast_bridge.broadcasts.states import Priority, Reason
from broadcast_bridge.programmes.phone_recordings import Kept
from haichieu.ari.call import Digits
from haichieu.errors import HaiChieuError
from ivr.desks.answer_protocol import AnswerDesk
from ivr.desks.case_protocol import CaseDesk
from ivr.desks.citizen_protocol import BulletinSeen, CitizenDesk, CommuneSeen

Values = Mapping[str, str | int]


class CallBackOwed(HaiChieuError):
    """The official has to be called back before going live."""

    def __init__(self) -> None:
        super().__init__("call.call_back_required")


class NotKnownYet(RuntimeError):
    """A node needs something that no node before it found out; the linter refuses such flows."""


class Call(Protocol):
    """A telephone call, as a flow uses it. Any of its coroutines raises HungUp once the caller is gone."""

    caller_number: str | None
    """E.164 ("+84912000001") or an internal number; None when it is withheld."""
    dialled: str

    async def answer(self) -> None:
        """Answer the call."""
        ...

    async def say(self, *sounds: str) -> None:
        """Play sound files (paths without extension) to their end; keys pressed meanwhile are kept."""
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
        """Sound the tone and record the caller under a name that the desk gave; return whether it could be kept."""
        ...

    def forget_keys(self) -> None:
        """Drop keys that were pressed ahead."""
        ...

    async def hang_up(self) -> None:
        """End the call."""
        ...


class Prompts(Protocol):
    """Where sounds come from. May block: it is called in a thread."""

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
    """A zone that the official may speak in, as it was when it was chosen. `keys` is its code, `*` for all."""

    keys: str
    name: str
    reachable: int
    total: int


@dataclass(frozen=True)
class LiveResult:
    """How a live broadcast went. `reason` is None when the official ended it."""

    heard: int
    total: int
    reason: Reason | None = None


@dataclass(frozen=True)
class LastReport:
    """The official's last broadcast that is over. `when` is in the station's time zone."""

    zone: str
    when: datetime.datetime
    heard: int
    total: int
    missed: tuple[str, ...]


class OfficialDesk(Protocol):
    """What the station does for an official on one call. Made for that call, whose voice goes on air."""

    async def knows_caller(self, caller_number: str | None) -> bool:
        """Say whether an official calls from this number."""
        ...

    async def sign_in(self, caller_number: str | None, code: str | None, pin: str) -> OfficialSeen:
        """Check a PIN; `code` is None for a known caller. Raises WrongPin or LockedOut (`haichieu.sign_in`)."""
        ...

    async def choose_pin(self, official_id: int, pin: str) -> None:
        """Take another PIN. Raises SimplePin (`haichieu.pins`)."""
        ...

    async def find_zone(self, official_id: int, keys: str) -> ZoneSeen:
        """Find the zone keyed in, `*` for all of the official's. Raises UnknownZone or ZoneNotAllowed."""
        ...

    async def go_live(self, official_id: int, zone: ZoneSeen, priority: Priority, *, called_back: bool) -> LiveResult:
        """Put the call on air until `#`, hang-up (HungUp) or an end from outside.

        `called_back` says that the station itself dialled the official's registered number. Raises CallBackOwed,
        ZoneBusy, ZoneQuiet, NoReachableSpeaker, LiveNotAllowed, UnknownZone, ZoneNotAllowed or DiskFull before
        anything has reached a speaker.
        """
        ...

    @property
    def cases(self) -> CaseDesk:
        """The cases that wait for the official."""
        ...

    async def begin_recording(self, official_id: int) -> str:
        """Return the name to record a programme to. Raises RecordNotAllowed or DiskFull."""
        ...

    def recording_sound(self, name: str) -> str:
        """Path without extension of what was recorded, to be listened to."""
        ...

    async def keep_recording(self, name: str, zone_keys: str) -> Kept:
        """Make a programme of it, meant for a zone (empty: for none yet). Raises UnusableSound."""
        ...

    def discard_recording(self, name: str) -> None:
        """The caller does not want it."""
        ...

    def let_go_of_recording(self, name: str) -> None:
        """The call is done with it: what was neither kept nor discarded is kept by the station."""
        ...

    async def emergency_sounds(self, official_id: int) -> bool:
        """Say whether an emergency is repeated now where this official answers."""
        ...

    async def acknowledge(self, official_id: int) -> int:
        """Have it end there; return at how many speakers."""
        ...

    async def last_report(self, official_id: int) -> LastReport | None:
        """Return the report of the official's last broadcast, None when there was none."""
        ...


@dataclass(frozen=True)
class Line:
    """A prompt to be said, with values of its own; those of the session are added."""

    prompt: str
    values: Values = field(default_factory=dict)


@dataclass
class Session:
    """One run of a flow. `official` is set only after the PIN was right, or by a call-back."""

    call: Call
    prompts: Prompts
    desk: OfficialDesk
    language: str
    official: OfficialSeen | None = None
    zone: ZoneSeen | None = None
    called_back: bool = False
    owed_priority: Priority | None = None
    """What the official asked for on the call that this one pays back."""
    due_at: datetime.datetime | None = None
    """The hour of the booked broadcast that this call is about."""
    answers: dict[str, str] = field(default_factory=dict)
    citizens: CitizenDesk | None = None
    commune: CommuneSeen | None = None
    bulletin: BulletinSeen | None = None
    """What was just heard to its end."""
    heard: set[int] = field(default_factory=set)
    """Bulletins that were offered since the caller began to listen."""
    wrong_cases: int = 0

    def the_citizens(self) -> CitizenDesk:
        """Return the desk for citizens. Raises NotKnownYet where the line has none."""
        if self.citizens is None:
            raise NotKnownYet("this line has no desk for citizens")
        return self.citizens

    def the_commune(self) -> CommuneSeen:
        """Return whose news is told. Raises NotKnownYet."""
        if self.commune is None:
            raise NotKnownYet("no commune was chosen on this call")
        return self.commune

    answer_desk: AnswerDesk | None = None
    """The answers that a call of the station to a citizen is for."""

    def the_official(self) -> OfficialSeen:
        """Return who has signed in. Raises NotKnownYet."""
        if self.official is None:
            raise NotKnownYet("nobody has signed in on this call")
        return self.official

    def the_zone(self) -> ZoneSeen:
        """Return the chosen zone. Raises NotKnownYet."""
        if self.zone is None:
            raise NotKnownYet("no zone was chosen on this call")
        return self.zone

    def values(self) -> dict[str, str | int]:
        """Return what prompts may name: answers, and the facts about official and zone."""
        known: dict[str, str | int] = dict(self.answers)
        if self.official:
            known |= {"official": self.official.name}
        if self.zone:
            known |= {"zone": self.zone.name, "reachable": self.zone.reachable, "total": self.zone.total}
        if self.commune:
            known |= {"unit": self.commune.name}
        return known

    async def say(self, prompt: str, **values: str | int) -> None:
        """Say a prompt to its end."""
        await self.call.say(*await self.sounds(Line(prompt, values)))

    async def sounds(self, *lines: Line) -> list[str]:
        """Return the paths of the sounds of several lines, one after the other."""
        return [
            await asyncio.to_thread(self.prompts.sound, line.prompt, self.language, self.values() | dict(line.values))
            for line in lines
        ]
