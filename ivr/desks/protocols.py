"""Interfaces between flows and the station: citizens, cases and bulletins for officials, answers by call."""

import datetime
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from broadcast_bridge.source_system.by_phone import DeclineReason
from feedback.states import CaseStatus, DataRight, Purpose
from ivr.desks.repair_protocols import FaultDesk


@dataclass(frozen=True)
class CommuneSeen:
    """A unit whose bulletins a caller may hear. `formerly` are names that it, or units merged into it, had before."""

    id: int
    name: str
    formerly: tuple[str, ...] = ()


@dataclass(frozen=True)
class BulletinSeen:
    """A bulletin; `sound` is a path without extension."""

    id: int
    title: str
    sound: str


@dataclass(frozen=True)
class CategorySeen:
    """A category of messages; `key` selects it."""

    id: int
    key: str
    name: str


@dataclass(frozen=True)
class CaseSeen:
    """A case as its citizen may hear it; `answers` are sounds, oldest first."""

    status: CaseStatus
    answers: tuple[str, ...]


class DutyDesk(Enum):
    """The outcome of a transfer to the duty desk."""

    TALKED = auto()
    CLOSED = auto()
    """Or the number has no duty desk."""
    BUSY = auto()
    NO_ANSWER = auto()


@dataclass(frozen=True)
class RequestSeen:
    """A request about personal data; `due_at` is in the station's time zone. Asked twice, it is not new."""

    is_new: bool
    due_at: datetime.datetime


class RightsDesk(Protocol):
    """What callers may decide about the cases of their own telephone; about any other, each method returns None."""

    async def consents(self, case_number: str) -> frozenset[Purpose] | None:
        """Return what the caller consents to."""
        ...

    async def begin_consent(self, case_number: str, purpose: Purpose) -> str | None:
        """Return the name to record a consent to. Raises DiskFull."""
        ...

    async def keep_consent(self, name: str) -> bool:
        """Record it; return False when nothing was said."""
        ...

    def release_consent(self, name: str) -> None:
        """Release it at the end of the call: the station records what was said."""
        ...

    async def ask(self, case_number: str, kind: DataRight) -> RequestSeen | None:
        """File a request. Raises RequestRefused when there is nothing to ask about."""
        ...


class CitizenDesk(Protocol):
    """The station's services for a citizen on one call."""

    @property
    def rights(self) -> RightsDesk:
        """The rights of the caller."""
        ...

    async def languages(self) -> Sequence[str]:
        """Return the languages to choose from; fewer than two without a choice."""
        ...

    async def earlier_language(self) -> str:
        """Return the language that this telephone chose last; empty without one."""
        ...

    def speaks(self, language: str) -> None:
        """Store the language for the next call."""
        ...

    async def commune(self) -> CommuneSeen | None:
        """Return the commune of the caller: chosen on this call or earlier, or that of the number; None to ask."""
        ...

    async def communes(self) -> Sequence[CommuneSeen]:
        """Return the communes to choose from, the number's own unit first."""
        ...

    def lives_in(self, commune: CommuneSeen) -> None:
        """Store the commune for this call's message and for the next call."""
        ...

    async def bulletins(self, commune: CommuneSeen) -> Sequence[BulletinSeen]:
        """Return the latest bulletins, newest first."""
        ...

    async def vote(self, bulletin: BulletinSeen, commune: CommuneSeen, *, useful: bool) -> None:
        """Count the listener's opinion of a bulletin."""
        ...

    async def categories(self) -> Sequence[CategorySeen]:
        """Return the categories of messages."""
        ...

    async def begin_message(self, category: CategorySeen | None, language: str) -> str:
        """Return the name to record a message to. Raises DiskFull or TooManyMessages."""
        ...

    def recorded_meanwhile(self, name: str, max_seconds: int) -> AbstractAsyncContextManager[None]:
        """Record the caller, and not what the station plays, during the block."""
        ...

    def message_sound(self, name: str) -> str:
        """Return the path of the recording without extension."""
        ...

    async def has_speech(self, name: str) -> bool:
        """Return whether it contains speech."""
        ...

    async def keep_message(self, name: str, *, anonymous: bool) -> str:
        """File it, committed when this returns, and return the number of its case. Raises NothingSaid."""
        ...

    def forget_sound(self, name: str) -> None:
        """Delete the recording; it is about to be made again."""
        ...

    async def discard_message(self, name: str) -> None:
        """Discard it: it is silent."""
        ...

    def release_message(self, name: str) -> None:
        """Release it at the end of the call: the station files what was neither kept nor discarded."""
        ...

    async def case(self, number: str) -> CaseSeen:
        """Return the status of a case. Raises WrongCheckDigit, NoSuchCase or TooManyCaseNumbers."""
        ...

    @property
    def faults(self) -> FaultDesk:
        """Reports of faults of speakers."""
        ...

    async def duty_desk_is_open(self) -> bool:
        """Return whether this number has a duty desk that is open now."""
        ...

    async def ring_duty_desk(self) -> DutyDesk:
        """Transfer the caller, and return when the desk has hung up or cannot be reached."""
        ...


@dataclass(frozen=True)
class WaitingCase:
    """A case as it is played. `opened_at` is in the station's time zone; `category` is empty without one."""

    id: int
    number: str
    category: str
    opened_at: datetime.datetime
    sounds: tuple[str, ...]
    """The citizen's messages, as paths without extension."""


class CaseDesk(Protocol):
    """The new cases of an official on one call, without the identity of citizens."""

    async def new_cases(self, official_id: int) -> list[int]:
        """Return the ids of the unanswered cases in the official's unit and below, oldest first."""
        ...

    async def open_case(self, case_id: int) -> WaitingCase | None:
        """Return a case; None when it is no longer waiting."""
        ...

    async def begin_answer(self, official_id: int, case_id: int) -> str:
        """Return the name to record an answer to. Raises AnswerNotAllowed or DiskFull."""
        ...

    def answer_sound(self, name: str) -> str:
        """Return the path of the recording without extension."""
        ...

    async def send_answer(self, name: str) -> bool:
        """Send the answer; return whether by call, else on air. Raises UnusableSound or NotTaken."""
        ...

    def discard_answer(self, name: str) -> None:
        """Discard it; the official records it again."""
        ...

    def release_answer(self, name: str) -> None:
        """Release it at the end of the call: an unsent answer becomes a note in the case."""
        ...

    def forget_sounds(self) -> None:
        """Delete the texts that were synthesised for this call."""
        ...


@dataclass(frozen=True)
class OfferedSeen:
    """A bulletin of the province as an official hears it. Moments are in the station's time zone.

    `sound` is a path without extension, empty until the sound is here. `rival` is the commune's programme that it
    meets; where it is set, the official decides until `decide_by` which of them is first.
    """

    id: int
    title: str
    source: str
    seconds: int
    sound: str
    rival: str = ""
    rival_begins: datetime.datetime | None = None
    decide_by: datetime.datetime | None = None


class ProvinceDesk(Protocol):
    """The bulletins of the province that an official decides about. What is refused is raised as HaiChieuError."""

    async def count(self, official_id: int) -> int:
        """Return how many wait; 0 for an official who may not decide."""
        ...

    async def waiting(self, official_id: int) -> list[int]:
        """Return the ids of those that wait, the most urgent first. Raises DecisionNotAllowed."""
        ...

    async def open(self, official_id: int, bulletin_id: int) -> OfferedSeen | None:
        """Return a bulletin; None when it no longer waits."""
        ...

    async def accept(self, official_id: int, bulletin_id: int, *, called_back: bool) -> None:
        """Choose it: it becomes a programme."""
        ...

    async def schedule(
        self, official_id: int, bulletin_id: int, clock: datetime.time | None, *, called_back: bool
    ) -> datetime.datetime:
        """Choose it and have it broadcast at a time of the clock, or at once (None); return when."""
        ...

    async def decline(self, official_id: int, bulletin_id: int, reason: DeclineReason) -> None:
        """Decline it."""
        ...

    async def decide(self, official_id: int, bulletin_id: int, *, source_first: bool) -> None:
        """Decide whether it or the commune's programme is first."""
        ...


@dataclass(frozen=True)
class AnswerSeen:
    """One answer. `asked_at` is when its case was opened, in the station's time zone."""

    id: int
    sound: str
    asked_at: datetime.datetime


class AnswerDesk(Protocol):
    """The answers of one call, played one after the other, and the citizen's messages about them."""

    def next_answer(self) -> AnswerSeen | None:
        """Return the next answer; None when all were played."""
        ...

    def played(self, answer: AnswerSeen, seconds: float) -> None:
        """Note how much was played until it ended, a key was pressed or the citizen left."""
        ...

    async def heard(self, answer: AnswerSeen) -> None:
        """Record that the citizen has heard it."""
        ...

    @property
    def has_heard(self) -> bool:
        """Whether the citizen has heard an answer in this call."""
        ...

    async def rate(self, *, satisfied: bool) -> None:
        """Store the citizen's opinion of the answers heard in this call."""
        ...

    async def begin_message(self) -> str:
        """Return the name to record a message to, for the case of the last answer. Raises DiskFull."""
        ...

    def message_sound(self, name: str) -> str:
        """Return the path of the recording without extension."""
        ...

    async def keep_message(self, name: str) -> None:
        """File it. Raises NothingSaid."""
        ...

    def discard_message(self, name: str) -> None:
        """Discard it; the citizen records it again."""
        ...

    def release_message(self, name: str) -> None:
        """Release it at the end of the call: the station files what was not filed."""
        ...
