"""Cost of a province, computed from the figures of `docs/benchmarks.md`: `python -m tests.benchmarks.scale`.

Prints the table of `docs/scale.md`; a test compares the two.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- computed by tests/benchmarks/scale.py -->", "<!-- end -->"


@dataclass(frozen=True)
class Province:
    """What is assumed."""

    speakers: int = 10_000
    communes: int = 500
    calls_a_day: int = 100_000
    seconds_of_a_call: float = 120.0
    seconds_of_a_message: float = 40.0
    share_of_the_peak_hour: float = 0.12
    share_of_messages: float = 0.6
    """Calls that leave a message, and so make a case."""
    broadcasts_a_day_of_a_commune: int = 6
    broadcasts_a_day_of_all: int = 4
    seconds_of_a_broadcast: float = 900.0
    registration_seconds: int = 60
    qualify_seconds: int = 30
    speakers_of_a_node: int = 1000
    cores_of_a_node: int = 8


@dataclass(frozen=True)
class Constants:
    """What was measured."""

    cores_of_300: float
    """Asterisk and switchboard, while 300 speakers hear a file."""
    cores_of_200_callers: float
    transcribed: float
    """Seconds of sound in a second of one core."""
    filed_ms: float
    """One case opened and filed in PostgreSQL, p95."""
    rows: float
    rows_of_a_speaker: float
    log_bytes: float
    log_bytes_of_a_speaker: float
    idle_rows: float
    idle_transactions: float
    kamailio_ms: float
    asterisk_ms: float
    rest_ms: float
    """Processor time of one registration."""


RTP_BITS = 50 * (160 + 12 + 8 + 20 + 18) * 8
"""G.711 in packets of 20 ms, with the headers of RTP, UDP, IP and Ethernet."""
OPTIONS_SHARE = 0.5
"""An OPTIONS request and its answer beside a registration, which takes two requests: not measured."""
MESSAGE_BYTES_A_SECOND = 16_000


def figures(label: str, page: str) -> list[float]:
    """Return the numbers in the second column of a row of the table of benchmarks. Raises KeyError."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 2 and cells[1].startswith(label):
            return [float(number.replace(",", "")) for number in re.findall(r"\d[\d.]*", cells[2])]
    raise KeyError(label)


def constants(page: str) -> Constants:
    """Return what a page of benchmarks has measured."""
    cost = "3 nodes, a broadcast of 20 s: "
    rows, log = (figures(f"{cost}{what}", page) for what in ("rows", "bytes"))
    idle = figures("3 nodes idle", page)
    registration = figures("registration through Kamailio: processor", page)
    return Constants(
        cores_of_300=figures("300 speakers hear a file: cores", page)[0],
        cores_of_200_callers=figures("hotline, 200 callers at once: cores", page)[0],
        transcribed=figures("transcription of", page)[0],
        filed_ms=figures("100,000 cases, PostgreSQL: one opened and filed", page)[0],
        rows=rows[0], rows_of_a_speaker=rows[1],
        log_bytes=log[0], log_bytes_of_a_speaker=log[1],
        idle_rows=idle[0], idle_transactions=idle[1],
        kamailio_ms=registration[0], asterisk_ms=registration[1], rest_ms=registration[2],
    )  # fmt: skip


def table(given: Province, measured: Constants) -> Iterator[tuple[str, str, str]]:
    """Yield what, how much, and what it follows from."""
    nodes = math.ceil(given.speakers / given.speakers_of_a_node) + 1
    yield "nodes", f"{nodes}", f"{given.speakers_of_a_node:,} speakers each, and one that may fail"
    share = measured.cores_of_300 / 300
    playing = share * given.speakers_of_a_node
    yield "cores of a node while all of its speakers play", f"{playing:.1f}", f"{1000 * share:.2f} for 1,000 speakers"
    bits = RTP_BITS * given.speakers_of_a_node
    yield "network of a node meanwhile, sent", f"{bits / 1e6:.0f} Mbit/s", f"{RTP_BITS / 1000:.0f} kbit/s each"
    refreshed = given.speakers / given.registration_seconds
    yield "registrations a second, all", f"{refreshed:.0f}", f"each speaker every {given.registration_seconds} s"
    asked = given.speakers / given.qualify_seconds if given.qualify_seconds else 0.0
    yield "OPTIONS a second, all", f"{asked:.0f}", f"each speaker every {given.qualify_seconds} s"
    proxy = (refreshed + OPTIONS_SHARE * asked) * measured.kamailio_ms / 1000
    yield "cores of Kamailio for both", f"{proxy:.2f}", f"{measured.kamailio_ms:.2f} ms a registration"
    theirs = (refreshed + OPTIONS_SHARE * asked) * (measured.asterisk_ms + measured.rest_ms) / 1000 / nodes
    yield (
        "cores of a node for both", f"{theirs:.2f}",
        f"Asterisk {measured.asterisk_ms:.2f} ms, the others {measured.rest_ms:.2f} ms",
    )  # fmt: skip
    yield from _database(given, measured, nodes)
    yield from _calls(given, measured, nodes)


def _database(given: Province, measured: Constants, nodes: int) -> Iterator[tuple[str, str, str]]:
    longer = given.seconds_of_a_broadcast / 20
    each = "figures rise every 5 s, for each speaker that plays" if longer > 1 else ""
    speakers = given.speakers
    rows = measured.rows + measured.rows_of_a_speaker * speakers * longer
    log = measured.log_bytes + measured.log_bytes_of_a_speaker * speakers * longer
    seconds = given.seconds_of_a_broadcast
    yield "rows written a second, a broadcast to all", f"{rows / seconds:,.0f}", each
    yield "database log of it", f"{log / 1e6:.0f} MB", f"{measured.log_bytes_of_a_speaker:.0f} bytes a speaker in 20 s"
    daily = given.broadcasts_a_day_of_all * log + given.communes * given.broadcasts_a_day_of_a_commune * (
        measured.log_bytes + measured.log_bytes_of_a_speaker * speakers / given.communes * longer
    )
    yield "database log of a day, all broadcasts", f"{daily / 1e9:.1f} GB", "also what replication carries"
    idle = measured.idle_transactions * nodes
    each = f"{measured.idle_transactions:.0f} a node, by its own clocks: heartbeats wake nobody"
    yield "transactions a second, idle", f"{idle:,.0f}", each


def _calls(given: Province, measured: Constants, nodes: int) -> Iterator[tuple[str, str, str]]:
    at_once = given.calls_a_day * given.share_of_the_peak_hour * given.seconds_of_a_call / 3600
    yield "callers at once in the peak hour", f"{at_once:.0f}", f"{given.share_of_the_peak_hour:.0%} of a day's calls"
    cores = measured.cores_of_200_callers / 200 * at_once
    yield (
        "cores for them, all nodes",
        f"{cores:.1f}",
        f"{measured.cores_of_200_callers / 200 * 1000:.1f} for 1,000 callers",
    )
    messages = given.calls_a_day * given.share_of_messages
    busy = messages * given.share_of_the_peak_hour / 3600 * measured.filed_ms / 1000
    yield "share of one connection that files cases, peak", f"{busy:.2f}", f"{measured.filed_ms:.0f} ms a case"
    speech = messages * given.seconds_of_a_message
    yield (
        "cores that transcribe, round the clock", f"{speech / measured.transcribed / 86400:.1f}",
        f"{measured.transcribed:.1f} s of sound a second of one core",
    )  # fmt: skip
    kept = speech * MESSAGE_BYTES_A_SECOND
    yield "messages stored, a day", f"{kept / 1e9:.0f} GB", f"{kept / nodes / 1e9:.1f} GB at each node"


def page() -> str:
    """Return the table as Markdown."""
    measured = constants(BENCHMARKS.read_text("utf-8"))
    lines = ["| what | how much | from |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in table(Province(), measured)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page())
