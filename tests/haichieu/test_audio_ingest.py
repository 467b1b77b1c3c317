"""Uploaded sound files and their telephone forms."""

import contextlib
import os
import random
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from haichieu.audio.ingest import BrokenSound, NotASound, SilentSound, TooLongSound, UnusableSound
from haichieu.audio.sound import Sound, measure, read_wav, write_wav
from haichieu.demo.audio_matching import match
from haichieu.errors import EnvironmentProblem
from tests.cheap_sounds import telephone_forms


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of quiet speech, with one second of silence before and one behind."""
    folder = tmp_path_factory.mktemp("spoken")
    text = "Good morning, everybody, and welcome to the news."
    subprocess.run(["espeak-ng", "-a", "20", "-w", folder / "said.wav", text], check=True)
    said = read_wav(folder / "said.wav")
    silence = np.zeros(said.rate, dtype=np.float32)
    samples = np.concatenate([silence, said.samples, silence])
    write_wav(folder / "spoken.wav", Sound(samples, said.rate))
    return folder / "spoken.wav"


def encoded(source: Path, file: Path, *options: str) -> Path:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", source, *options, file], check=True)
    return file


@pytest.mark.parametrize(
    "kind", ["wav", "mp3", "m4a", *(pytest.param(kind, marks=pytest.mark.proof) for kind in ("ogg", "flac"))]
)
def test_every_common_format_becomes_two_telephone_forms(spoken: Path, tmp_path: Path, kind: str) -> None:
    upload = encoded(spoken, tmp_path / f"upload.{kind}")
    shares: list[float] = []
    forms = telephone_forms(upload, tmp_path, progress=shares.append)
    narrow, wide = read_wav(forms.narrow), read_wav(forms.wide)
    assert (narrow.rate, wide.rate) == (8000, 16000)
    assert match(read_wav(spoken), narrow).correlation > 0.7
    assert match(read_wav(spoken), wide).correlation > 0.7
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.05)


def test_silence_is_trimmed_and_the_level_is_normalised(spoken: Path, tmp_path: Path) -> None:
    forms = telephone_forms(spoken, tmp_path)
    before, after = measure(read_wav(spoken)), measure(read_wav(forms.narrow))
    assert before.seconds - after.seconds == pytest.approx(2 - 0.6, abs=0.5)
    assert forms.seconds == pytest.approx(after.seconds, abs=0.05)
    assert before.active_dbfs < -26
    assert -22 < after.active_dbfs < -10


def test_what_is_loud_from_the_first_moment_is_no_silence(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 3 * 16000).astype(np.float32)
    write_wav(tmp_path / "music.wav", Sound(noise, 16000))
    assert telephone_forms(tmp_path / "music.wav", tmp_path).seconds == pytest.approx(3.0, abs=0.1)


def test_a_file_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.mp3", b"hello" * 1000), ("b.wav", b""), ("c.m3u8", b"#EXTM3U\nfile:///etc/passwd\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NotASound):
            telephone_forms(tmp_path / name, tmp_path)


def test_a_playlist_opens_no_other_file(spoken: Path, tmp_path: Path) -> None:
    concat = tmp_path / "list.ffconcat"
    concat.write_text(f"ffconcat version 1.0\nfile '{spoken}'\n")
    with pytest.raises(NotASound):
        telephone_forms(concat, tmp_path)


def test_a_picture_without_sound_is_refused(tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=s=64x64:d=1", video], check=True)
    with pytest.raises(NotASound):
        telephone_forms(video, tmp_path)


@pytest.mark.parametrize("kind", ["wav", "flac", "m4a"])
def test_a_truncated_upload_is_refused(spoken: Path, tmp_path: Path, kind: str) -> None:
    whole = encoded(spoken, tmp_path / f"whole.{kind}", *(("-movflags", "+faststart") if kind == "m4a" else ()))
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(BrokenSound):
        telephone_forms(cut, tmp_path)


@pytest.mark.parametrize("file", ["decoded.flac", "narrow.wav", pytest.param("wide.wav", marks=pytest.mark.proof)])
def test_full_disk_is_no_fault_of_the_sound(spoken: Path, tmp_path: Path, file: str) -> None:
    (tmp_path / file).symlink_to("/dev/full")
    with pytest.raises(EnvironmentProblem):
        telephone_forms(spoken, tmp_path)


def test_a_silent_upload_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "silent.wav", Sound(np.zeros(16000, dtype=np.float32), 8000))
    with pytest.raises(SilentSound):
        telephone_forms(tmp_path / "silent.wav", tmp_path)


def test_a_recording_of_five_hours_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    size = 5 * 3600 * 8000
    header = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVEfmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", size)
    long.write_bytes(header)
    os.truncate(long, len(header) + size)  # a hole: nothing is written
    with pytest.raises(TooLongSound, match="lasts 5 hours"):
        telephone_forms(long, tmp_path)
    assert not (tmp_path / "decoded.flac").exists()


def test_a_file_full_of_damage_does_not_hang(spoken: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp3"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "4", "-i", spoken, "-b:a", "64k", whole], check=True
    )
    damaged = bytearray(whole.read_bytes())
    chance = random.Random(1)
    for _ in range(2_000):
        damaged[chance.randrange(5000, len(damaged))] = chance.randrange(256)
    (tmp_path / "damaged.mp3").write_bytes(damaged)
    with contextlib.suppress(UnusableSound):
        telephone_forms(tmp_path / "damaged.mp3", tmp_path)
