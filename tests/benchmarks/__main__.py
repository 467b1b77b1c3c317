"""`make bench`: runs the benchmarks and prints a table.

ARGS: --quick, --runs N, --sizes 20,100,300, --only panel, --write FILE.
"""

import argparse
import asyncio
import os
import platform
import tempfile
import time
from pathlib import Path

from haichieu.demo.trial_station import trial_station
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings
from tests.benchmarks import transcription
from tests.benchmarks.bench import Bench, Run, median, memory, with_bench
from tests.benchmarks.cases import measure as measure_cases
from tests.benchmarks.hotline import STEPS, measure_hotline
from tests.benchmarks.panel import measure as measure_panel
from tests.benchmarks.schedules import SCHEDULES, measure
from tests.benchmarks.ways import open_ways
from tests.every_table import load_every_table

Row = tuple[str, str, str, str, str]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("--quick", action="store_true", help="five speakers, one run: whether it works at all")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", default="20,100,300")
    parser.add_argument("--write", type=Path, help="also write the table to this Markdown file")
    parser.add_argument("--only", choices=["panel"], help="measure this alone, and write no other rows than its own")
    given = parser.parse_args()
    sizes = [5] if given.quick else [int(size) for size in given.sizes.split(",")]
    load_every_table()
    if given.only:
        rows = measure_panel()
        print("\n".join(map(_line, rows)))
        if given.write:
            given.write.write_text(_with_rows(given.write.read_text(), given.only, rows))
        return
    table = asyncio.run(_run(sizes, 1 if given.quick else given.runs))
    print(table)
    if given.write:
        given.write.write_text(table)


async def _run(sizes: list[int], runs: int) -> str:
    rows: list[Row] = []
    started = await _start_seconds()
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder:

        async def work(bench: Bench) -> None:
            await bench.broadcast(sizes[0])  # what is done for the first time in a process is slower
            for size in sizes:
                ours: list[Run] = []
                theirs: list[Run] = []
                for _ in range(runs):
                    ours.append(await bench.broadcast(size))
                    theirs.append(await bench.page(size))
                rows.extend(_compare(size, "", ours, theirs))
            for size in sizes:
                ours, theirs = [], []
                for _ in range(runs):
                    ours.append(await bench.programme(size))
                    theirs.append(await bench.page_file(size))
                rows.extend(_compare(size, " hear a file", ours, theirs))
            size = 100 if 100 in sizes else sizes[-1]
            urgent = [await bench.emergency(size) for _ in range(runs)]
            rows.append(
                (
                    f"{size} speakers: emergency asked for → siren at the last (s)",
                    f"{median(urgent):.2f}",
                    "",
                    "",
                    "on air ≤ 1",
                )
            )
            rows.extend(await _ways(bench, size, runs))
            dial = [late for _ in range(runs) for late in await bench.latency(dial=True)]
            live = [late for _ in range(runs) for late in await bench.latency(dial=False)]
            rows.append(_latency(dial, live))
            bench.fill_schedule(SCHEDULES)
            late = [await bench.scheduled() for _ in range(runs)]
            rows.append(
                (f"{SCHEDULES} schedules: first sound after the hour (s), worst", f"{max(late):.2f}", "", "", "≤ 0.5")
            )
            rows.append(("memory of switchboard + web, idle (MB)", f"{memory(bench.processes):.0f}", "", "", "≤ 350"))

        await with_bench(Path(folder), sizes, work)
    rows.extend(await measure_hotline((5,) if sizes == [5] else STEPS))
    rows.extend(measure())
    rows.extend(measure_cases())
    rows.extend(measure_panel())
    rows.extend(transcription.measure(runs))
    rows.append(("`haichieu up` → first call can be taken (s)", f"{started:.2f}", "", "", "≤ 6"))
    return _table(rows, runs)


async def _start_seconds() -> float:
    find_or_fetch(load_settings())
    begin = time.monotonic()
    async with trial_station(None):
        return time.monotonic() - begin


async def _ways(bench: Bench, size: int, runs: int) -> list[Row]:
    """Ways for a file into the speakers; the announcer is ours, the others stand in the second column."""
    rows: list[Row] = []
    async with open_ways(bench.station, bench.sink, bench.processes.asterisk) as ways:
        measured = {
            name: [await way(size, bench.voice) for _ in range(runs)]
            for name, way in (("announcer", ways.announcer), ("a playback each", ways.each), ("mixing", ways.mixing))
        }
    ours = measured.pop("announcer")
    for name, theirs in measured.items():
        cores = median([run.cores for run in ours]), median([run.cores for run in theirs])
        apart = median([run.apart for run in ours]), median([run.apart for run in theirs])
        for what, (mine, other) in (("Asterisk's cores", cores), ("first to last speaker (s)", apart)):
            label = f"{size} speakers, a file by announcer beside {name}: {what}"
            rows.append((label, f"{mine:.2f}", f"{other:.2f}", f"{mine / other:.2f}" if other else "", ""))
    return rows


def _compare(size: int, what: str, ours: list[Run], theirs: list[Run]) -> list[Row]:
    asked = "command" if what else "key"
    first = median([run.first_sound for run in ours]), median([run.first_sound for run in theirs])
    cores = median([run.asterisk_cores for run in ours]), median([run.asterisk_cores for run in theirs])
    switchboard = median([run.switchboard_cores for run in ours])
    reached = min(run.reached for run in ours), min(run.reached for run in theirs)
    return [
        (
            f"{size} speakers{what}: {asked} → first audio at the last (s)", f"{first[0]:.2f}", f"{first[1]:.2f}",
            f"{first[0] / first[1]:.2f}", "≤ 1.5 and ratio ≤ 1" if size == 100 else "",
        ),
        (f"{size} speakers{what}: reached, least", str(reached[0]), str(reached[1]), "", ""),
        (
            f"{size} speakers{what}: cores while live, Asterisk + switchboard", f"{cores[0] + switchboard:.2f}",
            f"{cores[1]:.2f}", f"{(cores[0] + switchboard) / cores[1]:.2f}", "ratio ≤ 1" if size == 100 else "",
        ),
        (f"{size} speakers{what}: of these the switchboard", f"{switchboard:.3f}", "", "", ""),
    ]  # fmt: skip


def _latency(dial: list[float], live: list[float]) -> Row:
    plain, ours = median(dial) * 1000, median(live) * 1000
    return ("mouth to ear (ms), beside a two-party Dial()", f"{ours:.0f}", f"{plain:.0f}", f"{ours - plain:+.0f} ms",
            "added ≤ 20 ms")  # fmt: skip


def _table(rows: list[Row], runs: int) -> str:
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
        *map(_line, rows),
    ]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    return f"| {' | '.join(row)} |"


def _with_rows(table: str, name: str, rows: list[Row]) -> str:
    """The table with these rows instead of those of that name, or at its end when it has none."""
    lines = table.rstrip().splitlines()
    kept = [line for line in lines if not line.startswith(f"| {name}")]
    place = next((number for number, line in enumerate(lines) if line.startswith(f"| {name}")), len(kept))
    return "\n".join([*kept[:place], *map(_line, rows), *kept[place:]]) + "\n"


main()
