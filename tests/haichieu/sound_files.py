"""Sound files as telephones, browsers and programs write them, one of each kind, made on demand from one speech."""

import random
import subprocess
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet  # pytest has no public name for what pytest.param returns

from haichieu.audio.sound import read_wav

SILENT_SECONDS = 12
"""Silence that misleads an estimate made from the beginning of a file."""
FILM = ("-f", "lavfi", "-i", "color=s=64x64:r=1:d=15")
AFTER_SILENCE = ("-af", f"adelay={SILENT_SECONDS * 1000}:all=1")

ENCODED: dict[str, tuple[str, ...]] = {
    "without_xing.mp3": (*AFTER_SILENCE, "-q:a", "2", "-write_xing", "0"),
    "with_xing.mp3": (*AFTER_SILENCE, "-q:a", "2"),
    "raw.aac": (*AFTER_SILENCE, "-c:a", "aac", "-b:a", "64k"),
    "film.mkv": (*FILM, "-c:v", "mpeg4", "-c:a", "aac"),
    "film.webm": (*FILM, "-c:v", "libvpx", "-c:a", "libopus"),
    "film.mp4": (*FILM, "-c:v", "mpeg4", "-c:a", "aac"),
    "film.wmv": (*FILM, "-c:v", "wmv2", "-c:a", "wmav2", "-f", "asf"),
    "browser.webm": ("-c:a", "libopus", "-live", "1"),
    "index_first.m4a": ("-c:a", "aac", "-movflags", "+faststart"),
    "index_last.m4a": ("-c:a", "alac"),
    "fragments.m4a": ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-frag_duration", "500000"),
    "memo.opus": ("-c:a", "libopus"),
    "memo.ogg": (),
    "memo.flac": (),
    "memo.aiff": (),
    "memo.caf": (),
    "memo.w64": (),
    "memo.gsm": ("-ar", "8000", "-c:a", "libgsm"),
    "long_form.wav": ("-rf64", "always"),
    "a_law.wav": ("-ar", "8000", "-c:a", "pcm_alaw"),
    "adpcm.wav": ("-c:a", "adpcm_ima_wav"),
    "mp3_inside.wav": ("-c:a", "libmp3lame"),
    "two_tracks.mka": ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo:d=3", "-map", "0:a", "-map", "1:a"),
    "same_channels.wav": ("-ac", "2"),
    "one_channel.wav": ("-af", "pan=stereo|c0=c0|c1=0*c0"),
    "opposite_channels.wav": ("-af", "pan=stereo|c0=c0|c1=-1*c0"),
    "nearly_opposite_channels.m4a": ("-af", "pan=stereo|c0=c0|c1=-0.9*c0", "-c:a", "aac"),
    "opposite_in_film.mka": ("-af", "pan=5.1|c0=c0|c1=-1*c0|c2=0*c0|c3=0*c0|c4=0*c0|c5=0*c0", "-c:a", "flac"),
    "three_channels.wav": ("-af", "pan=3c|c0=c0|c1=0*c0|c2=0*c0"),
    "peaks_at_-34.wav": ("-ar", "8000", "-af", "volume=-33dB"),
    "peaks_at_-36.wav": ("-ar", "8000", "-af", "volume=-35dB"),
    "over_full_scale.wav": ("-af", "volume=12dB", "-c:a", "pcm_f32le"),
}
"""ffmpeg's options for a file made from the speech, whose highest peak lies near -1 dBFS."""

ONE_OF_EACH = frozenset(
    {"without_xing.mp3", "raw.aac", "film.mkv", "browser.webm", "index_last.m4a", "memo.ogg", "opposite_channels.wav"}
    | {"memo.flac", "a_law.wav", "peaks_at_-36.wav", "pauses.amr", "speech.wav", "fragments.m4a"}
)
"""One file of each cause of trouble; `make proof` tries the others, too."""


def tried(names: Iterable[str]) -> list[ParameterSet]:
    """Return the names as parameters of a test."""
    return [pytest.param(one, marks=() if one in ONE_OF_EACH else pytest.mark.proof) for one in names]


CUT_OFF = [
    *("film.mkv", "film.webm", "film.wmv", "browser.webm", "index_first.m4a", "index_last.m4a", "fragments.m4a"),
    *("memo.opus", "memo.ogg", "memo.flac", "memo.aiff", "memo.caf", "memo.w64", "long_form.wav", "a_law.wav"),
    *("adpcm.wav", "mp3_inside.wav", "with_xing.mp3", "raw.aac", "speech.wav", "pauses.amr", "pauses.3gp"),
]
"""Kinds of files that show that their end is missing."""


class SoundFiles:
    """Files by their names, each made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        said = folder / "said.wav"
        subprocess.run(["espeak-ng", "-s", "150", "-w", said, "Good morning and welcome to the news."], check=True)
        self._ffmpeg("-i", said, "-af", "volume=0.9", folder / "speech.wav")
        self.speech = read_wav(folder / "speech.wav")
        self.path = cache(self._path)

    def changed(self, name: str, change: Callable[[bytes], bytes], new: str) -> Path:
        """Return a copy of a file with its bytes changed."""
        copy = self._folder / new
        copy.write_bytes(change(self.path(name).read_bytes()))
        return copy

    def generated(self, source: str, name: str, *options: str) -> Path:
        """Return a file that ffmpeg makes from one of its sources."""
        self._ffmpeg("-f", "lavfi", "-i", source, *options, self._folder / name)
        return self._folder / name

    def _path(self, name: str) -> Path:
        file = self._folder / name
        if name == "pauses.amr":
            file.write_bytes(amr_with_pauses())
        elif name == "pauses.3gp":
            self._ffmpeg("-i", self.path("pauses.amr"), "-c", "copy", file)
        elif not file.exists():
            self._ffmpeg("-i", self._folder / "speech.wav", *ENCODED[name], file)
        return file

    def _ffmpeg(self, *options: str | Path) -> None:
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *options], check=True)


def amr_with_pauses() -> bytes:
    """Return four seconds of AMR: noise at 12.2 kbit/s, and pauses of comfort noise and nothing (RFC 4867 §5.3)."""
    chance, frames = random.Random(1), [b"#!AMR\n"]
    for number in range(200):
        if number % 50 < 30:
            frames.append(b"\x3c" + chance.randbytes(31))
        else:
            frames.append(b"\x44" + chance.randbytes(5) if number % 8 == 0 else b"\x7c")
    return b"".join(frames)


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> SoundFiles:
    """One folder of files for all tests of a worker."""
    return SoundFiles(tmp_path_factory.mktemp("sounds"))
