"""Short sounds that are converted once per process: each time, ffmpeg starts four times, which is most of the work."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path

from haichieu.audio import ingest
from haichieu.audio.ingest import MOST_SECONDS, Progress, TelephoneForms

MOST_BYTES = 1_000_000
"""Of a file whose forms are kept in memory."""

telephone_forms = ingest.telephone_forms
"""The conversion itself, for its own tests."""


def use_cheap_sounds() -> None:
    """Let a file with a content that this process has converted before have the same forms again."""
    ingest.telephone_forms = _remembering(telephone_forms)


def _remembering(convert: Callable[..., TelephoneForms]) -> Callable[..., TelephoneForms]:
    made: dict[tuple[bytes, float, bool], tuple[TelephoneForms, bytes, bytes]] = {}

    @wraps(convert)
    def forms(
        source: Path,
        folder: Path,
        *,
        most_seconds: float = MOST_SECONDS,
        progress: Progress = lambda share: None,
        recorded: bool = False,
    ) -> TelephoneForms:
        options = {"most_seconds": most_seconds, "progress": progress, "recorded": recorded}
        if source.stat().st_size > MOST_BYTES:
            return convert(source, folder, **options)
        key = hashlib.sha256(source.read_bytes()).digest(), most_seconds, recorded
        if key not in made:
            done = convert(source, folder, **options)
            made[key] = done, done.narrow.read_bytes(), done.wide.read_bytes()
            return done
        done, *contents = made[key]
        files = [folder / file.name for file in (done.narrow, done.wide)]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        progress(1.0)
        return replace(done, narrow=files[0], wide=files[1])

    return forms
