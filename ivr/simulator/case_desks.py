"""Desks without casework, for calls without a telephone: see `simulator`."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from haichieu.errors import HaiChieuError
from ivr.desks.answer_protocol import AnswerSeen
from ivr.desks.case_protocol import CaseSeen


@dataclass
class SimulatedCases:
    """An official's new cases."""

    waiting: Mapping[int, CaseSeen | None] = field(default_factory=dict)
    """By id; None for one that is answered before its turn comes."""
    refusal: HaiChieuError | None = None
    """What `begin_answer` raises."""
    not_sent: HaiChieuError | None = None
    """What `send_answer` raises."""
    by_call: bool = True
    answered: list[int] = field(default_factory=list)
    discarded: int = 0
    left: int = 0
    """Answers that were recorded and not sent when the call let go of them."""
    sounds_forgotten: bool = False
    _recording: int | None = None

    async def new_cases(self, official_id: int) -> list[int]:
        """Those that were made up."""
        return list(self.waiting)

    async def open_case(self, case_id: int) -> CaseSeen | None:
        """One of them."""
        return self.waiting[case_id]

    async def begin_answer(self, official_id: int, case_id: int) -> str:
        """Allow it, unless told to refuse."""
        if self.refusal is not None:
            raise self.refusal
        self._recording = case_id
        return "answer"

    def answer_sound(self, name: str) -> str:
        """A sign for it."""
        return "▶"

    async def send_answer(self, name: str) -> bool:
        """Note it."""
        if self.not_sent is not None:
            raise self.not_sent
        if self._recording is not None:
            self.answered.append(self._recording)
            self._recording = None
        return self.by_call

    def discard_answer(self, name: str) -> None:
        """Note it."""
        self.discarded += 1

    def let_go_of_answer(self, name: str) -> None:
        """Note it."""
        self.left += self._recording is not None
        self._recording = None

    def forget_sounds(self) -> None:
        """Note it."""
        self.sounds_forgotten = True


@dataclass
class SimulatedAnswers:
    """The answers that a call is for."""

    answers: list[AnswerSeen] = field(
        default_factory=lambda: [AnswerSeen(1, "♫ answer 1", datetime.datetime(2026, 11, 20, 9, 30))]
    )
    refusal: HaiChieuError | None = None
    """What `begin_message` raises."""
    not_kept: HaiChieuError | None = None
    """What `keep_message` raises."""
    told: int = 0
    times_played: int = 0
    heard_ids: list[int] = field(default_factory=list)
    kept: int = 0
    discarded: int = 0
    let_go: int = 0

    def next_answer(self) -> AnswerSeen | None:
        """The next that was made up."""
        self.told += 1
        return self.answers[self.told - 1] if self.told <= len(self.answers) else None

    def played(self, answer: AnswerSeen, seconds: float) -> None:
        """Count it."""
        self.times_played += 1

    async def heard(self, answer: AnswerSeen) -> None:
        """Note it once."""
        if answer.id not in self.heard_ids:
            self.heard_ids.append(answer.id)

    async def begin_message(self) -> str:
        """Allow it, unless told to refuse."""
        if self.refusal is not None:
            raise self.refusal
        return "message"

    def message_sound(self, name: str) -> str:
        """A sign for it."""
        return "▶"

    async def keep_message(self, name: str) -> None:
        """Note it."""
        if self.not_kept is not None:
            raise self.not_kept
        self.kept += 1

    def discard_message(self, name: str) -> None:
        """Note it."""
        self.discarded += 1

    def let_go_of_message(self, name: str) -> None:
        """Note it."""
        self.let_go += 1
