"""What the citizens' line asks of the station: communes, bulletins, messages, cases and the duty desk."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from feedback.states import CaseStatus


@dataclass(frozen=True)
class CommuneSeen:
    """A unit that a caller may hear the news of."""

    id: int
    name: str


@dataclass(frozen=True)
class BulletinSeen:
    """A programme that can be heard; `sound` is a path without extension."""

    id: int
    title: str
    sound: str


@dataclass(frozen=True)
class CategorySeen:
    """What a message may be about; `key` is what is pressed for it."""

    id: int
    key: str
    name: str


@dataclass(frozen=True)
class CaseSeen:
    """A case as its citizen may hear of it; `answers` are sounds, the oldest first."""

    status: CaseStatus
    answers: tuple[str, ...]


class DutyDesk(Enum):
    """What came of putting a caller through to the duty desk."""

    TALKED = auto()
    CLOSED = auto()
    """Also of a number without a desk."""
    BUSY = auto()
    NO_ANSWER = auto()


class CitizenDesk(Protocol):
    """What the station does for a citizen on one call. Made for that call."""

    async def languages(self) -> Sequence[str]:
        """The languages to choose from; fewer than two when there is nothing to choose."""
        ...

    async def earlier_language(self) -> str:
        """What this telephone chose last; empty when it never did."""
        ...

    def speaks(self, language: str) -> None:
        """Remember the language for the next call."""
        ...

    async def commune(self) -> CommuneSeen | None:
        """Whose news to tell: chosen on this call or an earlier one, or that of the number; None to ask."""
        ...

    async def communes(self) -> Sequence[CommuneSeen]:
        """What may be chosen on this number, the number's own unit first."""
        ...

    def lives_in(self, commune: CommuneSeen) -> None:
        """Remember the commune, for this call's message and for the next call."""
        ...

    async def bulletins(self, commune: CommuneSeen) -> Sequence[BulletinSeen]:
        """The latest bulletins, the newest first."""
        ...

    async def vote(self, bulletin: BulletinSeen, commune: CommuneSeen, *, useful: bool) -> None:
        """Count what the listener says of a bulletin."""
        ...

    async def categories(self) -> Sequence[CategorySeen]:
        """What a message may be about."""
        ...

    async def begin_message(self, category: CategorySeen | None, language: str) -> str:
        """Return the name to record a message to. Raises DiskFull or TooManyMessages."""
        ...

    def message_sound(self, name: str) -> str:
        """Path without extension of what was recorded."""
        ...

    async def has_speech(self, name: str) -> bool:
        """Say whether there is anything to hear in it."""
        ...

    async def keep_message(self, name: str, *, anonymous: bool) -> str:
        """File it, committed when this returns, and return the number of its case. Raises NothingSaid."""
        ...

    def forget_sound(self, name: str) -> None:
        """It is about to be recorded anew."""
        ...

    async def discard_message(self, name: str) -> None:
        """There is nothing in it."""
        ...

    def let_go_of_message(self, name: str) -> None:
        """The call is done with it: what was neither kept nor discarded is filed by the station."""
        ...

    async def case(self, number: str) -> CaseSeen:
        """What became of a case. Raises WrongCheckDigit or NoSuchCase."""
        ...

    async def duty_desk_is_open(self) -> bool:
        """Say whether this number has a duty desk, and it is in its hours."""
        ...

    async def ring_duty_desk(self) -> DutyDesk:
        """Put the caller through, and return when the desk has hung up or cannot be had."""
        ...
