"""Mistakes in a district file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haichieu.errors import UsageError


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake: the line it stands on (1 is the first, 0 when it has none), the place in words, what is wrong."""

    line: int
    place: str
    sentence: str


class DistrictFileError(UsageError):
    """The file cannot be applied; nothing was changed. Names every mistake with its line."""

    def __init__(self, path: Path, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        head = "Không có gì được thay đổi. / Nothing was changed."
        rows = (f"{path}:{mistake.line}: {mistake.place}: {mistake.sentence}" for mistake in self.mistakes)
        super().__init__("\n".join([*rows, head]))
