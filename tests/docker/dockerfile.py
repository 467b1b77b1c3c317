"""Just enough of Dockerfiles and ignore files to check them where there is no engine."""

import json
import shlex
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined: `keyword` in capitals, `value` as written."""

    keyword: str
    value: str

    @property
    def exec_form(self) -> list[str] | None:
        """The words of a JSON array, or None for the shell form."""
        return json.loads(self.value) if self.value.startswith("[") else None


def read_instructions(path: Path) -> list[Instruction]:
    """The instructions of a Dockerfile in order, comments left out."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    split = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(keyword.upper(), value.strip()) for keyword, value in split]


def copied_from_context(instructions: list[Instruction]) -> list[str]:
    """Every path that is copied out of the build context."""
    sources: list[str] = []
    for instruction in instructions:
        words = shlex.split(instruction.value) if instruction.keyword in ("COPY", "ADD") else []
        if not any(word.startswith("--from=") for word in words):
            sources += [word for word in words if not word.startswith("--")][:-1]
    return sources


def is_ignored(path: str, ignore_file: Path) -> bool:
    """Whether the builder never sees `path`: the last pattern that fits it or a folder above it decides."""
    parts = PurePosixPath(path)
    ancestry = [str(parts), *(str(parent) for parent in parts.parents if str(parent) != ".")]
    ignored = False
    for line in ignore_file.read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted = pattern.startswith("!")
        pattern = pattern.removeprefix("!").removeprefix("**/")
        if any(fnmatch(candidate, pattern) for candidate in ancestry):
            ignored = not wanted
    return ignored
