"""What a flow sees of the cases that an official hears and answers by phone."""

import datetime
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class CaseSeen:
    """A case as it is heard. `opened_at` is in the station's time zone; `category` is empty when nobody chose one."""

    id: int
    number: str
    category: str
    opened_at: datetime.datetime
    sounds: tuple[str, ...]
    """What the citizen said, as paths without extension."""


class CaseDesk(Protocol):
    """The new cases of an official on one call. It never says whose they are."""

    async def new_cases(self, official_id: int) -> list[int]:
        """The ids of the cases that wait for an answer in the official's unit and below, oldest first."""
        ...

    async def open_case(self, case_id: int) -> CaseSeen | None:
        """Look at a case; None when it waits no more."""
        ...

    async def begin_answer(self, official_id: int, case_id: int) -> str:
        """Return the name to record an answer to. Raises AnswerNotAllowed or DiskFull."""
        ...

    def answer_sound(self, name: str) -> str:
        """Path without extension of what was recorded."""
        ...

    async def send_answer(self, name: str) -> bool:
        """Answer with it; say whether by call, else it goes on air. Raises UnusableSound or NotTaken."""
        ...

    def discard_answer(self, name: str) -> None:
        """The official wants to record anew."""
        ...

    def let_go_of_answer(self, name: str) -> None:
        """The call is done with it: what was not sent becomes a note in the case."""
        ...

    def forget_sounds(self) -> None:
        """Delete the texts that were read aloud for this call."""
        ...
