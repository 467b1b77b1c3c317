"""Line numbers of keys in a TOML text, which the standard library's parser does not report."""

import re
from collections import Counter

Place = tuple[str | int, ...]
"""("speakers", 2, "password"): the third [[speakers]], its key `password`; ("station", "name") for a plain table."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([\w\s.-]+?)\s*=")
_OPAQUE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|#[^\n]*",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Place, int]:
    """Return the line of every table and of every key in it, counted from 1. The text must be valid TOML."""
    found: dict[Place, int] = {}
    seen: Counter[str] = Counter()
    table: Place = ()
    depth = 0
    for number, line in enumerate(_OPAQUE.sub(_without_structure, text).split("\n"), 1):
        if depth == 0:
            if header := _HEADER.match(line):
                name = header[2]
                table = (name, seen[name]) if header[1] == "[[" else tuple(name.split("."))
                seen[name] += 1
                found.setdefault((name,), number)
                found[table] = number
                continue
            if key := _KEY.match(line):
                # A dotted key belongs to a nested table: `station.name = …`.
                parts = tuple(part.strip() for part in key[1].split("."))
                for length in range(1, len(parts) + 1):
                    found.setdefault((*table, *parts[:length]), number)
        depth += line.count("[") + line.count("{") - line.count("]") - line.count("}")
    return found


def line_of(lines: dict[Place, int], place: Place) -> int:
    """Return the line of a place, or of its nearest parent that has one; 0 when there is none."""
    for length in range(len(place), 0, -1):
        if line := lines.get(place[:length]):
            return line
    return 0


def _without_structure(opaque: re.Match[str]) -> str:
    """Blank out strings and comments, which contain neither tables nor keys; a quoted key keeps its letters."""
    if opaque[0].startswith("#"):
        return ""
    inside = opaque[0].strip("\"'")
    return "".join(letter if letter == "\n" or letter.isalnum() or letter in "_-" else "_" for letter in inside)
