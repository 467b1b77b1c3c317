"""On which line of a TOML text a key stands. The parser of the standard library does not tell."""

import re
from collections import Counter

Place = tuple[str | int, ...]
"""("speakers", 2, "password"): the third [[speakers]], its key `password`; ("station", "name") for a plain table."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*=""")
_OPAQUE = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*')
_TRIPLE = ('"""', "'''")


def lines_of(text: str) -> dict[Place, int]:
    """Return the line of every table and of every key in it, counted from 1. The text must be valid TOML."""
    found: dict[Place, int] = {}
    seen: Counter[str] = Counter()
    table: Place = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if quote in line else quote
            continue
        if depth == 0:
            if header := _HEADER.match(line):
                name = header[2]
                table = (name, seen[name]) if header[1] == "[[" else (name,)
                seen[name] += 1
                found[table] = number
                continue
            if key := _KEY.match(line):
                found[(*table, key[1])] = number
        quote = next((mark for mark in _TRIPLE if line.count(mark) == 1), "")
        plain = _OPAQUE.sub("", line)
        depth += plain.count("[") + plain.count("{") - plain.count("]") - plain.count("}")
    return found


def line_of(lines: dict[Place, int], place: Place) -> int:
    """Return the line of a place, or of the nearest thing around it that has one; 0 when there is none."""
    for length in range(len(place), 0, -1):
        if line := lines.get(place[:length]):
            return line
    return 0
