"""What a flow sees of the answers that one call brings to a citizen."""

import datetime
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class AnswerSeen:
    """One answer to be told. `asked_at` is when its case was opened, in the station's time zone."""

    id: int
    sound: str
    asked_at: datetime.datetime


class AnswerDesk(Protocol):
    """The answers of one call, told one after the other, and what the citizen says to each."""

    def next_answer(self) -> AnswerSeen | None:
        """Turn to the next answer; None when all were told."""
        ...

    def played(self, answer: AnswerSeen, seconds: float) -> None:
        """Note that so much of it sounded, until it ended, a key was pressed or the citizen left."""
        ...

    async def heard(self, answer: AnswerSeen) -> None:
        """Write down that the citizen has heard it."""
        ...

    async def begin_message(self) -> str:
        """Return the name to record more to, for the case of the answer told last. Raises DiskFull."""
        ...

    def message_sound(self, name: str) -> str:
        """Path without extension of what was recorded."""
        ...

    async def keep_message(self, name: str) -> None:
        """File it. Raises NothingSaid."""
        ...

    def discard_message(self, name: str) -> None:
        """The citizen wants to say it anew."""
        ...

    def let_go_of_message(self, name: str) -> None:
        """The call is done with it: what was not filed is filed by the station."""
        ...
