"""The interface between a flow and the answers of one call to a citizen."""

import datetime
from dataclasses import dataclass
from typing import Protocol


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
