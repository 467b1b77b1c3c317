"""The interface between a flow and the station's services for citizens: bulletins, messages, cases, duty desk."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from feedback.states import CaseStatus


@dataclass(frozen=True)
class CommuneSeen:
    """A unit whose bulletins a caller may hear."""

    id: int
    name: str


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


class CitizenDesk(Protocol):
    """The station's services for a citizen on one call."""

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
        """Return the status of a case. Raises WrongCheckDigit or NoSuchCase."""
        ...

    async def duty_desk_is_open(self) -> bool:
        """Return whether this number has a duty desk that is open now."""
        ...

    async def ring_duty_desk(self) -> DutyDesk:
        """Transfer the caller, and return when the desk has hung up or cannot be reached."""
        ...
