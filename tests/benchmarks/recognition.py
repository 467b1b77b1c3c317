"""Engines of recognition on a folder of clips (`NAME.wav` with `NAME.txt`), as they arrive through the telephone.

    python -m tests.benchmarks.recognition FOLDER [--changed HOW] [--language vi] [--each] [ENGINE …]

Every clip is resampled to 8 kHz and coded in A-law, as a call brings it; `--changed` makes another voice or line of it
first (`CHANGES`). The table has the syllable error rate, the shares of wrong and of right clips that are marked
doubtful, the processor time by the length of the sound, and the memory. Each engine runs in a process of its own.
"""

import argparse
import multiprocessing
import re
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedback.transcription.agreement import aligned
from feedback.transcription.engine import Engine
from feedback.transcription.engines import engine_named
from feedback.transcription.model_catalogue import SpeechModel, speech_models
from feedback.transcription.model_folder import default_folder
from feedback.transcription.recognition import understand
from feedback.transcription.two_engines import TwoEngines
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine
from haichieu.speech.reading import read_aloud
from tests.feedback.transcription.sounds import through_alaw

ENGINES: Mapping[str, Callable[[], Engine | None]] = {
    "faster-whisper": lambda: WhisperEngine(default_folder()),
    "viet-asr": VietAsrEngine,
    "both": lambda: TwoEngines(WhisperEngine(default_folder()), VietAsrEngine()),
}
"""Besides these, each fetched model of the catalogue by its name."""
CHANGES: Mapping[str, Sequence[str]] = {
    "": (),
    "child": ("-af", "aresample=16000,asetrate=21600,aresample=16000,atempo=0.8"),
    "fast": ("-af", "atempo=1.6"),
    "noise": ("-filter_complex", "anoisesrc=color=pink:amplitude=0.03:duration=60[n];[0:a][n]amix=2:duration=first"),
    "two": ("-filter_complex", "[0:a][1:a]amix=2:duration=first"),
}
"""What ffmpeg does to a clip: the pitch of a child, read too fast, with noise, and together with the next clip."""


@dataclass(frozen=True)
class Result:
    """One clip: its syllables, how many were wrong, whether it was marked doubtful, and what it cost."""

    syllables: int
    wrong: int
    doubtful: bool
    sound_seconds: float
    processor_seconds: float
    words: str = ""
    """What was said, and what was recognised."""


def syllables(text: str, language: str = "vi") -> list[str]:
    """Return the syllables that are heard, in Vietnamese with numbers in words; of another language the words."""
    return re.findall(r"[\w']+", (read_aloud(text, "vi") if language == "vi" else text).lower())


def wrong_syllables(spoken: list[str], found: list[str]) -> int:
    """Return the insertions, deletions and substitutions; a substitution may cost one less than both."""
    return sum(
        1 for own, their in aligned(spoken, found) if own is None or their is None or spoken[own] != found[their]
    )


def measure(engine: Engine, folder: Path, changed: str = "", language: str = "vi") -> list[Result]:
    """Listen to every clip of a folder."""
    results = []
    clips = sorted(folder.glob("*.wav"))
    for clip, following in zip(clips, [*clips[1:], *clips[:1]], strict=True):
        text = clip.with_suffix(".txt").read_text().strip()
        sound = through_alaw(["-i", str(clip), "-i", str(following), *(CHANGES[changed] or ("-map", "0:a"))])
        begin = time.process_time()
        understood = understand(engine, sound, language)
        took = time.process_time() - begin
        spoken, found = syllables(text, language), syllables(understood.text, language)
        wrong = wrong_syllables(spoken, found)
        results.append(
            Result(len(spoken), wrong, understood.doubtful, sound.seconds, took, f"{text}\n  {understood.text}")
        )
    return results


def row(name: str, results: list[Result], megabytes: float) -> str:
    """Return a line of the table."""
    error = sum(one.wrong for one in results) / max(sum(one.syllables for one in results), 1)
    wrong, right = ([one for one in results if bool(one.wrong) is kind] for kind in (True, False))
    factor = sum(one.processor_seconds for one in results) / max(sum(one.sound_seconds for one in results), 0.001)
    marks = [f"{sum(one.doubtful for one in some)} of {len(some)}" for some in (wrong, right)]
    return f"| {name} | {error:.1%} | {marks[0]} | {marks[1]} | {factor:.2f} | {megabytes:.0f} MB |"


def engines_here() -> dict[str, Callable[[], Engine | None]]:
    """Return the engines that can be compared: the usual ones, and fetched models by their names."""
    models = [model for model in speech_models() if model.folder.is_dir() and model.folder != default_folder()]
    return {**ENGINES, **{model.name: _engine_of(model) for model in models}}


def _engine_of(model: SpeechModel) -> Callable[[], Engine | None]:
    if model.engine == WhisperEngine.name:
        return lambda: WhisperEngine(model.folder)
    return lambda: engine_named(model.engine, model.folder)


def _measured(name: str, given: argparse.Namespace) -> str:
    engine = engines_here()[name]()
    assert engine is not None
    engine.load()
    results = measure(engine, given.folder, given.changed, given.language)
    lines = [row(name, results, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)]
    lines += [f"  {one.wrong} wrong{', doubtful' * one.doubtful}: {one.words}" for one in results if given.each]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    here = engines_here()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.recognition", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=f"by default all: {', '.join(here)}")
    parser.add_argument("--changed", choices=list(CHANGES), default="")
    parser.add_argument("--language", default="vi", help="of the clips")
    parser.add_argument("--each", action="store_true", help="print every clip as well")
    given = parser.parse_intermixed_args()
    if unknown := sorted({*given.engines} - {*here}):
        parser.error(f"no such engine here: {', '.join(unknown)}")
    print("| engine | syllables wrong | wrong clips marked | right clips marked | processor time by length | memory |")
    print("|---|---|---|---|---|---|")
    for name in given.engines or here:
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            print(alone.apply(_measured, (name, given)), flush=True)


if __name__ == "__main__":
    main()
