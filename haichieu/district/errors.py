"""Mistakes in a district file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haichieu.errors import UsageError
from haichieu.locale import Message, message


@dataclass(frozen=True)
class Mistake:
    """One mistake: its line (1 is the first, 0 means none), its place and the message."""

    line: int
    place: str
    wrong: Message


class DistrictFileError(UsageError):
    """The file cannot be applied; nothing was changed. Names every mistake with its line."""

    def __init__(self, path: Path, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.place)))
        rows = [
            message("district.mistake", file=path, line=mistake.line, place=mistake.place, wrong=mistake.wrong)
            for mistake in self.mistakes
        ]
        super().__init__(Message.lines([*rows, message("district.nothing_changed", count=len(rows))]))
