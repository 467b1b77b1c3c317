"""The interface between a flow and the cases that an official hears and answers by phone."""

import datetime
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class CaseSeen:
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

    async def open_case(self, case_id: int) -> CaseSeen | None:
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
