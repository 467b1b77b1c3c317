"""The page of benchmarks as Markdown: a short table of what matters, and a long one."""

import os
import platform
import re
from collections.abc import Callable, Sequence

from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings

Row = tuple[str, str, str, str, str]
"""Label, our figure, the other's, their ratio, the budget."""


SHORT, LONG = "## What matters", "## All figures"
_HEAD = ["| what | Hai Chiều | plain Asterisk | ratio | budget |", "|---|---|---|---|---|"]
_MANY = re.compile(r"(?P<group>[^:]+): .+, p95 \(ms\)$")


def whole_table(rows: Sequence[Row], runs: int) -> str:
    """Return the page with these rows: first what matters of them, then all."""
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
    ]
    return "\n".join(lines) + "\n" + _tables([line(row) for row in rows])


def line(row: Row) -> str:
    """Return one row as Markdown."""
    return f"| {' | '.join(row)} |"


def with_rows(page: str, owns: Callable[[str], bool], rows: Sequence[Row]) -> str:
    """Return the page with `rows` in place of the rows whose label `owns` accepts, or at the end if it has none."""
    words, _, _ = page.partition(f"{SHORT}\n")
    lines = all_rows(page)
    replaced = [number for number, text in enumerate(lines) if owns(text[2:])]
    place = replaced[0] if replaced else len(lines)
    kept = [text for number, text in enumerate(lines[place:], place) if number not in replaced]
    return words + _tables([*lines[:place], *map(line, rows), *kept])


def all_rows(page: str) -> list[str]:
    """Return the rows of the long table of a page."""
    long = page.partition(f"{LONG}\n")[2].splitlines()
    return [text for text in long if text.startswith("| ") and text not in _HEAD]


def what_matters(rows: Sequence[str]) -> list[str]:
    """Return the rows that have a budget; of several pages or searches only the slowest."""
    chosen: dict[str, list[str]] = {}
    for text in rows:
        label, budget = text.split("|")[1], text.split("|")[-2].strip()
        if budget:
            many = _MANY.match(label.strip())
            chosen.setdefault(many["group"] if many else label, []).append(text)
    return [_slowest(alike) for alike in chosen.values()]


def _slowest(alike: list[str]) -> str:
    if len(alike) == 1:
        return alike[0]
    slowest = max(alike, key=lambda text: float(re.findall(r"[\d.]+", text.split("|")[2])[0]))
    return slowest.replace(": ", ": slowest of all, ", 1)


def _tables(rows: Sequence[str]) -> str:
    """Return the short table and the long one."""
    short = [
        SHORT,
        "",
        "Figures that have a budget; of pages and searches the slowest.",
        "",
        *_HEAD,
        *what_matters(rows),
    ]
    return "\n".join([*short, "", LONG, "", *_HEAD, *rows]) + "\n"
