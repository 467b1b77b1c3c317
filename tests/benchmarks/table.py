"""The table of benchmarks as Markdown."""

import os
import platform
from collections.abc import Callable, Sequence

from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings

Row = tuple[str, str, str, str, str]
"""Label, our figure, the other's, their ratio, the budget."""


def whole_table(rows: Sequence[Row], runs: int) -> str:
    """Return the page with these rows."""
    version = find_or_fetch(load_settings()).version
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`: our way and Asterisk's own by turns, in one Asterisk and one run, with SIPp as the",
        "speakers. Medians. The key is the one that confirms the broadcast, or that starts `Page()`; the time is",
        "from the moment the phone had sent it to the first packet with sound at the last speaker. Budgets are the",
        "design's. 300 speakers are paged through three chained groups, since one `Page()` does not take so many. A",
        "file is heard beside a `Page()` fed by `Playback()`; ours begins with the chime, theirs with the file itself.",
        "Hotline callers press keys by RFC 4733 and speak a tone each of their own, beside a bare dialplan of the",
        "same sentences, `Read()` and `Record()`; callers are added until a key or a recording is lost. Pages of the",
        "panel are asked in one process; beside the time that 95 of 100 keep to stands the processor's share of it.",
        "",
        f"Machine: {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, Python "
        f"{platform.python_version()}, Asterisk {version}; {runs} runs each.",
        "",
        "| what | ours | Asterisk's own | ratio | budget |",
        "|---|---|---|---|---|",
        *map(line, rows),
    ]
    return "\n".join(lines) + "\n"


def line(row: Row) -> str:
    """Return one row as Markdown."""
    return f"| {' | '.join(row)} |"


def with_rows(table: str, owns: Callable[[str], bool], rows: Sequence[Row]) -> str:
    """Return the page with `rows` in place of the rows whose label `owns` accepts, or at the end if it has none."""
    lines = table.rstrip().splitlines()
    replaced = [number for number, text in enumerate(lines) if text.startswith("| ") and owns(text[2:])]
    place = replaced[0] if replaced else len(lines)
    kept = [text for number, text in enumerate(lines[place:], place) if number not in replaced]
    return "\n".join([*lines[:place], *map(line, rows), *kept]) + "\n"
