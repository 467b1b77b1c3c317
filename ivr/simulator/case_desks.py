"""Simulated desks for cases and answers, for calls without a telephone."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from haichieu.errors import HaiChieuError
from ivr.desks.protocols import AnswerSeen, WaitingCase


@dataclass
class SimulatedCases:
    """The new cases of an official."""

    waiting: Mapping[int, WaitingCase | None] = field(default_factory=dict)
    """By id; None for a case that is answered before its turn."""
    refusal: HaiChieuError | None = None
    """Raised by `begin_answer`."""
    not_sent: HaiChieuError | None = None
    """Raised by `send_answer`."""
    by_call: bool = True
    answered: list[int] = field(default_factory=list)
    discarded: int = 0
    left: int = 0
    """Answers that were recorded and not sent when the call released them."""
    sounds_forgotten: bool = False
    _recording: int | None = None

    async def new_cases(self, official_id: int) -> list[int]:
        return list(self.waiting)

    async def open_case(self, case_id: int) -> WaitingCase | None:
        return self.waiting[case_id]

    async def begin_answer(self, official_id: int, case_id: int) -> str:
        if self.refusal is not None:
            raise self.refusal
        self._recording = case_id
        return "answer"

    def answer_sound(self, name: str) -> str:
        return "▶"

    async def send_answer(self, name: str) -> bool:
        if self.not_sent is not None:
            raise self.not_sent
        if self._recording is not None:
            self.answered.append(self._recording)
            self._recording = None
        return self.by_call

    def discard_answer(self, name: str) -> None:
        self.discarded += 1

    def release_answer(self, name: str) -> None:
        self.left += self._recording is not None
        self._recording = None

    def forget_sounds(self) -> None:
        self.sounds_forgotten = True


@dataclass
class SimulatedAnswers:
    """The answers of a call."""

    answers: list[AnswerSeen] = field(
        default_factory=lambda: [AnswerSeen(1, "♫ answer 1", datetime.datetime(2026, 11, 20, 9, 30))]
    )
    refusal: HaiChieuError | None = None
    """Raised by `begin_message`."""
    not_kept: HaiChieuError | None = None
    """Raised by `keep_message`."""
    told: int = 0
    times_played: int = 0
    heard_ids: list[int] = field(default_factory=list)
    kept: int = 0
    discarded: int = 0
    let_go: int = 0
    ratings: list[bool] = field(default_factory=list)

    def next_answer(self) -> AnswerSeen | None:
        self.told += 1
        return self.answers[self.told - 1] if self.told <= len(self.answers) else None

    def played(self, answer: AnswerSeen, seconds: float) -> None:
        self.times_played += 1

    async def heard(self, answer: AnswerSeen) -> None:
        if answer.id not in self.heard_ids:
            self.heard_ids.append(answer.id)

    @property
    def has_heard(self) -> bool:
        return bool(self.heard_ids)

    async def rate(self, *, satisfied: bool) -> None:
        self.ratings.append(satisfied)

    async def begin_message(self) -> str:
        if self.refusal is not None:
            raise self.refusal
        return "message"

    def message_sound(self, name: str) -> str:
        return "▶"

    async def keep_message(self, name: str) -> None:
        if self.not_kept is not None:
            raise self.not_kept
        self.kept += 1

    def discard_message(self, name: str) -> None:
        self.discarded += 1

    def release_message(self, name: str) -> None:
        self.let_go += 1
