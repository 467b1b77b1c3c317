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
        "`make bench` makes this page. It runs Hai Chiều and plain Asterisk alternately, in one Asterisk and one",
        "run, with SIPp as the speakers. Values are medians. The time from key to first audio begins when the phone",
        "has sent the key that confirms the broadcast, or that starts `Page()`, and ends at the first packet with",
        "sound at the last speaker. The budgets come from the design. 300 speakers are paged through three chained",
        "groups, because one `Page()` does not take so many. A broadcast of a file is compared with a `Page()` fed",
        "by `Playback()`; the broadcast begins with the chime, `Page()` with the file. Hotline callers press keys",
        "by RFC 4733 and each speaks a different tone. They are compared with a bare dialplan of the same prompts",
        "with `Read()` and `Record()`; callers are added until a key or a recording is lost. Pages of the panel are",
        "requested from one process; p95 is followed by the processor time in it.",
        "",
        f"Machine: {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, Python "
        f"{platform.python_version()}, Asterisk {version}; {runs} runs each.",
        "",
        "| what | Hai Chiều | plain Asterisk | ratio | budget |",
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
