"""Interface between flows and the programmes that wait for approval."""

import datetime
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ProgrammeSeen:
    """A programme as an official hears it. `sound` is a path without extension; it is what the speakers will play.

    `edition` names what was heard: a programme that was edited since then is not approved.
    """

    id: int
    title: str
    author: str
    seconds: int
    sound: str
    edition: datetime.datetime
    may_approve: bool


class ProgrammeDesk(Protocol):
    """The programmes that wait for approval. What is refused is raised as HaiChieuError."""

    async def waiting(self, official_id: int) -> list[int]:
        """Return the ids of those that wait, the oldest first. Raises HearingNotAllowed."""
        ...

    async def open(self, official_id: int, programme_id: int) -> ProgrammeSeen | None:
        """Return a programme; None when it no longer waits."""
        ...

    async def approve(self, official_id: int, programme: ProgrammeSeen, *, called_back: bool) -> None:
        """Approve it as it was heard."""
        ...
