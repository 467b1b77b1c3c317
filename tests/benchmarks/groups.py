"""The groups of benchmarks, in the order in which they run. Each hands over a row as soon as it is measured."""

import asyncio
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from haichieu.demo.trial_station import trial_station
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings
from tests.benchmarks import cases, panel, playout, schedules, sending, speech, transcription
from tests.benchmarks.bench import MOST_PAGED, Bench, Run, median, with_bench
from tests.benchmarks.cluster import measure_cluster
from tests.benchmarks.hotline import STEPS, measure_hotline
from tests.benchmarks.processes import memory
from tests.benchmarks.table import Row
from tests.benchmarks.ways import open_ways
from tests.builders.voices import voice_folder

Tell = Callable[[Row], None]
QUICK_SIZE = 5
LEAST_COMPARED = 0.01
"""Seconds or cores of the reference below which a ratio tells nothing."""
FIRST_AUDIO = {100: "ratio ≤ 0.2", 300: "ratio ≤ 0.2"}
CORES = {100: "ratio ≤ 0.3", 300: "ratio ≤ 0.25"}
"""Budgets of the design by the number of speakers."""


@dataclass(frozen=True)
class Options:
    """How much is measured: the sizes of zones, and how often."""

    sizes: tuple[int, ...]
    runs: int
    large: tuple[int, ...] = ()
    """More sizes, for the fan-out alone; they are measured once."""

    @property
    def size(self) -> int:
        """The size for what is measured at one size only."""
        return 100 if 100 in self.sizes else self.sizes[-1]


@dataclass(frozen=True)
class Group:
    """One group: what it is about, which rows of the table are its own, and how it is measured."""

    name: str
    about: str
    rows: str
    """A pattern for the beginning of the labels of its rows."""
    measure: Callable[[Options, Tell], None]

    def owns(self, label: str) -> bool:
        """Return whether a row of the table belongs to this group."""
        return re.match(self.rows, label) is not None


def _at_a_bench(
    work: Callable[[Bench, Options, Tell], Awaitable[None]], *, fan_out: bool = False
) -> Callable[[Options, Tell], None]:
    """Measure at a station with speakers, which is built for this group alone, with the fan-out or without."""

    def measure(options: Options, tell: Tell) -> None:
        async def whole() -> None:
            with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder:
                sizes = [*options.sizes, *(options.large if fan_out else ())]
                await with_bench(Path(folder), sizes, lambda bench: work(bench, options, tell), fan_out=fan_out)

        asyncio.run(whole())

    return measure


def _without_a_station(measure: Callable[[], Iterable[Row]]) -> Callable[[Options, Tell], None]:
    def told(_: Options, tell: Tell) -> None:
        for row in measure():
            tell(row)

    return told


async def _live(bench: Bench, options: Options, tell: Tell) -> None:
    await bench.broadcast(options.sizes[0])  # what is done for the first time in a process is slower
    for size in options.sizes:
        ours: list[Run] = []
        late: list[Run] = []
        theirs: list[Run] = []
        try:
            for _ in range(options.runs):
                ours.append(await bench.broadcast(size))
                late.append(await bench.broadcast(size, ahead=False))
                theirs.append(await bench.page(size))
        finally:  # also after an interruption or a failure
            if theirs:
                for row in _live_rows(size, ours, late, theirs):
                    tell(row)


def _live_rows(size: int, ours: list[Run], late: list[Run], theirs: list[Run]) -> list[Row]:
    apart = median([run.apart for run in ours]), median([run.apart for run in theirs])
    spread = f"{size} speakers: first to last speaker (s)"
    return [
        *_compare(size, "", ours, theirs),
        *_compare(size, ", not called ahead", late, theirs)[:2],
        (spread, f"{apart[0]:.3f}", f"{apart[1]:.3f}", _ratio(*apart), "≤ 0.04"),
    ]


async def _fan_out(bench: Bench, options: Options, tell: Tell) -> None:
    """Live broadcasts by the fan-out, beside Page() where that takes so many."""
    await bench.broadcast(options.sizes[0])
    for size in (*options.sizes, *options.large):
        ours: list[Run] = []
        theirs: list[Run] = []
        try:
            for _ in range(1 if size in options.large else options.runs):
                ours.append(await bench.broadcast(size))
                if size <= MOST_PAGED:
                    theirs.append(await bench.page(size))
        finally:
            if ours:
                for row in _fan_out_rows(size, ours, theirs):
                    tell(row)


def _fan_out_rows(size: int, ours: list[Run], theirs: list[Run]) -> list[Row]:
    cores = median([run.asterisk_cores + run.switchboard_cores + run.fan_out_cores for run in ours])
    paged, page = median([run.asterisk_cores for run in theirs]), median([run.first_sound for run in theirs])
    label, first = f"{size} speakers by the fan-out", median([run.first_sound for run in ours])
    rows = [
        (
            f"{label}: cores while live, all", f"{cores:.3f}", f"{paged:.3f}" if theirs else "",
            _ratio(cores, paged) if theirs else "", CORES.get(size, ""),
        )
    ]  # fmt: skip
    for name, part in (
        ("Asterisk", [run.asterisk_cores for run in ours]),
        ("the switchboard", [run.switchboard_cores for run in ours]),
        ("the fan-out", [run.fan_out_cores for run in ours]),
    ):
        rows.append((f"{label}: of these {name}", f"{median(part):.3f}", "", "", ""))
    return [
        *rows,
        (
            f"{label}: key → first audio at the last (s)", f"{first:.3f}", f"{page:.3f}" if theirs else "",
            _ratio(first, page) if theirs else "", FIRST_AUDIO.get(size, ""),
        ),
        (f"{label}: reached, least", str(min(run.reached for run in ours)), "", "", ""),
        (f"{label}: packets lost, worst (%)", f"{100 * max(run.lost for run in ours):.2f}", "", "", "< 0.1"),
    ]  # fmt: skip


async def _files(bench: Bench, options: Options, tell: Tell) -> None:
    await bench.programme(options.sizes[0])
    for size in options.sizes:
        ours: list[Run] = []
        theirs: list[Run] = []
        for _ in range(options.runs):
            ours.append(await bench.programme(size))
            theirs.append(await bench.page_file(size))
        for row in _compare(size, " hear a file", ours, theirs):
            tell(row)


async def _emergency(bench: Bench, options: Options, tell: Tell) -> None:
    urgent = [await bench.emergency(options.size) for _ in range(options.runs)]
    label = f"{options.size} speakers: emergency asked for → siren at the last (s)"
    tell((label, f"{median(urgent):.2f}", "", "", "≤ 0.3"))


async def _announcer(bench: Bench, options: Options, tell: Tell) -> None:
    """Ways for a file into the speakers; the announcer is ours, the others are in the second column."""
    size, runs = options.size, options.runs
    async with open_ways(bench.station, bench.sink, bench.processes.asterisk) as ways:
        ours = [await ways.announcer(size, bench.voice) for _ in range(runs)]
        for name, way in (("a playback each", ways.each), ("mixing", ways.mixing)):
            theirs = [await way(size, bench.voice) for _ in range(runs)]
            cores = median([run.cores for run in ours]), median([run.cores for run in theirs])
            apart = median([run.apart for run in ours]), median([run.apart for run in theirs])
            for what, (mine, other) in (("Asterisk's cores", cores), ("first to last speaker (s)", apart)):
                label = f"{size} speakers, a file by announcer beside {name}: {what}"
                tell((label, f"{mine:.2f}", f"{other:.2f}", _ratio(mine, other), ""))


async def _latency(bench: Bench, options: Options, tell: Tell) -> None:
    dial = [late for _ in range(options.runs) for late in await bench.latency(dial=True)]
    live = [late for _ in range(options.runs) for late in await bench.latency(dial=False)]
    plain, ours = median(dial) * 1000, median(live) * 1000
    label = "mouth to ear (ms), beside a two-party Dial()"
    tell((label, f"{ours:.0f}", f"{plain:.0f}", f"{ours - plain:+.0f} ms", "added ≤ 20 ms"))


async def _on_time(bench: Bench, options: Options, tell: Tell) -> None:
    bench.fill_schedule(schedules.SCHEDULES)
    late = [await bench.scheduled() for _ in range(options.runs)]
    label = f"{schedules.SCHEDULES} schedules: first sound after the hour (s), worst"
    tell((label, f"{max(late):.3f}", "", "", "≤ 0.05"))
    tell(
        ("memory of all processes, Asterisk included, idle (MB, PSS)", f"{memory(bench.station):.0f}", "", "", "≤ 320")
    )


def _start(options: Options, tell: Tell) -> None:
    find_or_fetch(load_settings())

    async def seconds() -> tuple[float, float]:
        begin = time.monotonic()
        async with trial_station(None) as station:
            first, again = time.monotonic() - begin, []
            for _ in range(options.runs):
                await station.stop()
                begin = time.monotonic()
                await station.start()
                again.append(time.monotonic() - begin)
            return first, median(again)

    first, again = asyncio.run(seconds())
    tell(("`haichieu up` in a new home → first call can be taken (s)", f"{first:.2f}", "", "", ""))
    tell(("`haichieu up` → first call can be taken (s)", f"{again:.2f}", "", "", "≤ 2"))


def _hotline(options: Options, tell: Tell) -> None:
    steps = (QUICK_SIZE,) if options.sizes == (QUICK_SIZE,) else STEPS
    asyncio.run(measure_hotline(tell, steps))


def _speech(options: Options, tell: Tell) -> None:
    for row in speech.measure():
        tell(row)

    async def on_air(bench: Bench) -> None:
        for row in await speech.measure_on_air(bench, options.runs):
            tell(row)

    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder:
        voices = voice_folder(Path(folder) / "voices", speech.VOICE)
        asyncio.run(with_bench(Path(folder), [1], on_air, voice_folder=str(voices)))


def _cluster(options: Options, tell: Tell) -> None:
    asyncio.run(measure_cluster(tell, max(options.size, 2 * QUICK_SIZE + 1), options.runs))


def _transcription(options: Options, tell: Tell) -> None:
    # Not inside an event loop: it runs its own, as the worker does.
    for row in transcription.measure(options.runs):
        tell(row)


def _compare(size: int, what: str, ours: list[Run], theirs: list[Run]) -> list[Row]:
    asked = "command" if "file" in what else "key"
    first = median([run.first_sound for run in ours]), median([run.first_sound for run in theirs])
    cores = median([run.asterisk_cores for run in ours]), median([run.asterisk_cores for run in theirs])
    switchboard = median([run.switchboard_cores for run in ours])
    reached = min(run.reached for run in ours), min(run.reached for run in theirs)
    return [
        (
            f"{size} speakers{what}: {asked} → first audio at the last (s)", f"{first[0]:.3f}", f"{first[1]:.3f}",
            _ratio(*first), FIRST_AUDIO.get(size, "") if not what else "ratio ≤ 1",
        ),
        (f"{size} speakers{what}: reached, least", str(reached[0]), str(reached[1]), "", ""),
        (
            f"{size} speakers{what}: cores while live, Asterisk + switchboard", f"{cores[0] + switchboard:.2f}",
            f"{cores[1]:.2f}", _ratio(cores[0] + switchboard, cores[1]), CORES.get(size, ""),
        ),
        (f"{size} speakers{what}: of these the switchboard", f"{switchboard:.3f}", "", "", ""),
    ]  # fmt: skip


def _ratio(ours: float, theirs: float) -> str:
    """Return the ratio; "" of a reference below `LEAST_COMPARED`, which tells nothing."""
    return f"{ours / theirs:.2f}" if theirs > LEAST_COMPARED else ""


GROUPS = (
    Group("start", "from `haichieu up` to the first call", r"`haichieu up`", _start),
    Group(
        "live",
        "live broadcasts beside Page()",
        r"\d+ speakers(, not called ahead)?: (key|reached|cores|of these|first to)",
        _at_a_bench(_live),
    ),
    Group("fan-out", "live broadcasts by the fan-out", r"\d+ speakers by the", _at_a_bench(_fan_out, fan_out=True)),
    Group("sending", "the sending of the fan-out", r"[\d,]+ listeners of", _without_a_station(sending.measure)),
    Group("files", "recorded programmes beside Page()", r"\d+ speakers hear a file", _at_a_bench(_files)),
    Group("emergency", "an emergency into a programme", r"\d+ speakers: emergency", _at_a_bench(_emergency)),
    Group("announcer", "ways for a file into speakers", r"\d+ speakers, a file by", _at_a_bench(_announcer)),
    Group("latency", "from mouth to ear beside Dial()", r"mouth to ear", _at_a_bench(_latency)),
    Group("on-time", "a schedule's first sound; memory", r"\d+ schedules: |memory of", _at_a_bench(_on_time)),
    Group("hotline", "callers at once", r"hotline", _hotline),
    Group("cluster", "three nodes, Kamailio and PostgreSQL", r"3 nodes|registration through", _cluster),
    Group("schedules", "a year of schedules", r"\d+ schedules, ", _without_a_station(schedules.measure)),
    Group("playout", "the look for missed airings", r"\d+ speakers, \d+ quiet", _without_a_station(playout.measure)),
    Group("cases", "a desk among 100,000 cases", r"[\d,]+ cases, ", _without_a_station(cases.measure)),
    Group("panel", "pages among a million deliveries", r"panel", _without_a_station(panel.measure)),
    Group("speech", "text to speech, and a long text", r"speech: ", _speech),
    Group("transcription", "speech to text, and a backlog", r"transcription|backlog", _transcription),
)
