"""Engines of recognition on a folder of clips (`NAME.wav` with `NAME.txt`), as they arrive through the telephone.

    python -m tests.benchmarks.recognition FOLDER [ENGINE …]

Every clip is resampled to 8 kHz and coded in A-law, as a call brings it. The table has the syllable error rate, the
shares of wrong and of right clips that are marked doubtful, the processor time by the length of the sound, and the
memory. Each engine runs in a process of its own.
"""

import multiprocessing
import re
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from feedback.transcription.agreement import aligned
from feedback.transcription.engine import Engine
from feedback.transcription.model_folder import default_folder
from feedback.transcription.recognition import understand
from feedback.transcription.two_engines import TwoEngines
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine
from haichieu.speech.reading import read_aloud
from tests.feedback.transcription.sounds import through_alaw

ENGINES = {
    "faster-whisper": lambda: WhisperEngine(default_folder()),
    "viet-asr": VietAsrEngine,
    "both": lambda: TwoEngines(WhisperEngine(default_folder()), VietAsrEngine()),
}


@dataclass(frozen=True)
class Result:
    """One clip: its syllables, how many were wrong, whether it was marked doubtful, and what it cost."""

    syllables: int
    wrong: int
    doubtful: bool
    sound_seconds: float
    processor_seconds: float


def syllables(text: str) -> list[str]:
    """Return the syllables that are heard, numbers in words."""
    return re.findall(r"\w+", read_aloud(text, "vi").lower())


def wrong_syllables(spoken: list[str], found: list[str]) -> int:
    """Return the insertions, deletions and substitutions; a substitution may cost one less than both."""
    return sum(
        1 for own, their in aligned(spoken, found) if own is None or their is None or spoken[own] != found[their]
    )


def measure(engine: Engine, folder: Path) -> list[Result]:
    """Listen to every clip of a folder."""
    results = []
    for clip in sorted(folder.glob("*.wav")):
        spoken = syllables(clip.with_suffix(".txt").read_text())
        sound = through_alaw(["-i", str(clip)])
        begin = time.process_time()
        understood = understand(engine, sound, "vi")
        took = time.process_time() - begin
        wrong = wrong_syllables(spoken, syllables(understood.text))
        results.append(Result(len(spoken), wrong, understood.doubtful, sound.seconds, took))
    return results


def row(name: str, results: list[Result], megabytes: float) -> str:
    """Return a line of the table."""
    error = sum(one.wrong for one in results) / max(sum(one.syllables for one in results), 1)
    wrong, right = ([one for one in results if bool(one.wrong) is kind] for kind in (True, False))
    factor = sum(one.processor_seconds for one in results) / max(sum(one.sound_seconds for one in results), 0.001)
    marks = [f"{sum(one.doubtful for one in some)} of {len(some)}" for some in (wrong, right)]
    return f"| {name} | {error:.1%} | {marks[0]} | {marks[1]} | {factor:.2f} | {megabytes:.0f} MB |"


def _measured(name: str, folder: Path) -> str:
    engine: Engine = ENGINES[name]()
    engine.load()
    results = measure(engine, folder)
    return row(name, results, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(folder: Path, names: list[str]) -> None:
    """Print the table."""
    print("| engine | syllables wrong | wrong clips marked | right clips marked | processor time by length | memory |")
    print("|---|---|---|---|---|---|")
    for name in names or list(ENGINES):
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            print(alone.apply(_measured, (name, folder)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
