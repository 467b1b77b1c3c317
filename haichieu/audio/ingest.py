"""Conversion of uploaded sound files: checked, trimmed, levelled and stored at two sample rates.

ffmpeg does the work in a separate process. The file may be hostile, so ffmpeg may open only that file, in one of the
listed formats, for a limited time.

    UnusableSound
    ├── NotASound        no sound, or an unsupported format
    ├── BrokenSound      damaged or cut off
    ├── SilentSound      nothing audible
    └── TooLongSound     too long or too large
"""

import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from haichieu.audio.errors import UnreadableSound
from haichieu.audio.sound import whole_seconds
from haichieu.errors import EnvironmentProblem, HaiChieuError

MOST_BYTES = 500_000_000
MOST_SECONDS = 4 * 3600.0
LEAST_SECONDS = 0.3
LOUDNESS_LUFS = -16.0
"""EBU R 128 integrated loudness of everything played, so that no village has to turn a knob."""
PEAK_DBTP = -1.5
SILENT_LUFS = -60.0
TELEPHONE_RATE, WIDEBAND_RATE = 8000, 16000

FORMATS = "wav,mp3,ogg,flac,mov,aac,amr,matroska,caf,aiff,asf,gsm,w64"
"""Demuxers that read one file and nothing else; playlists (hls, concat …) would open others."""

_INPUT = ("-protocol_whitelist", "file", "-format_whitelist", FORMATS)
FORM_SECONDS = 0.5
"""A form that is shorter than its sound by more was cut off."""
_DISK_FULL = b"No space left on device"
_MOST_COMPLAINTS = 8_000_000
_NOWHERE = ("-f", "null", "-")
_UNKNOWN_SIZE = 0xFFFFFF00
"""WAV files that were written into a pipe declare about this."""
_NICE = ("nice", "-n", "10")
# Peaks: with RMS, ffmpeg 5 treats a recording that begins with steady noise as silent.
_NO_SILENT_BEGINNING = "silenceremove=start_periods=1:start_threshold=-45dB:start_silence=0.2:detection=peak"
_FIND_SILENCE = "silencedetect=noise=-50dB:duration=0.6"
_FINAL_SILENCE = 0.4
_SILENCE = re.compile(r"silence_(start|end): (-?[\d.]+)")
_PROGRESS = re.compile(rb"out_time_us=(\d+)")

Progress = Callable[[float], None]
"""Receives the completed share, 0 to 1."""


class UnusableSound(HaiChieuError):
    """A sound file cannot be used."""


class NotASound(UnusableSound):
    """The file contains no sound, or its format is not supported."""


class BrokenSound(UnusableSound):
    """The file is damaged or cut off."""


class SilentSound(UnusableSound):
    """The file contains nothing audible."""


class TooLongSound(UnusableSound):
    """The file is too long or too large."""


class NotWritten(EnvironmentProblem):
    """The result could not be written, which says nothing about the sound: a recording must be kept."""


@dataclass(frozen=True)
class TelephoneForms:
    """The playable forms: 16-bit mono WAV at 8 and 16 kHz; `loudness` is that of the source, in LUFS."""

    narrow: Path
    wide: Path
    seconds: float
    loudness: float


def telephone_forms(
    source: Path, folder: Path, *, most_seconds: float = MOST_SECONDS, progress: Progress = lambda share: None
) -> TelephoneForms:
    """Write `narrow.wav` and `wide.wav` of a sound file into `folder`. Blocks: use a thread.

    Raises UnusableSound, or NotWritten when the disk is full.
    """
    if source.stat().st_size > MOST_BYTES:
        raise TooLongSound("audio.too_large", megabytes=MOST_BYTES // 1_000_000)
    declared = _declared_seconds(source)
    if declared > most_seconds:
        raise TooLongSound("audio.too_long", hours=round(declared / 3600, 1), most=round(most_seconds / 3600, 2))
    limit = max(60.0, most_seconds)
    # Lossless in between: both passes of the loudness filter must see the same sound.
    trimmed = folder / "trimmed.flac"
    options = ("-vn", "-t", str(most_seconds + 1))
    trim = ("-af", _NO_SILENT_BEGINNING, "-ac", "1", "-ar", "48000")
    # The second output is everything that can be decoded; its time is the later one, which ffmpeg reports.
    outputs: list[str | Path] = [*options, *trim, trimmed, *options, *_NOWHERE]
    decoded = _ffmpeg(source, outputs, limit, lambda done: progress(min(done / (declared or done), 1.0) / 2))
    if decoded < declared * 0.98 - 0.5 or _declares_more_bytes(source):
        raise BrokenSound("audio.cut_off", decoded=round(decoded), declared=round(declared))
    whole = _seconds_of_flac(trimmed)
    measured, silences = _loudness(trimmed, limit)
    seconds = min(_end_of_sound(silences, whole) + _FINAL_SILENCE, whole)
    if seconds < LEAST_SECONDS or measured["input_i"] < SILENT_LUFS:
        raise SilentSound("audio.silent")
    narrow, wide = folder / "narrow.wav", folder / "wide.wav"
    level = (  # once for both forms: the filter calculates at 192 kHz
        f"loudnorm=I={LOUDNESS_LUFS}:TP={PEAK_DBTP}:LRA=11:linear=true:measured_I={measured['input_i']}"
        f":measured_TP={measured['input_tp']}:measured_LRA={measured['input_lra']}"
        f":measured_thresh={measured['input_thresh']}:offset={measured['target_offset']}"
    )
    forms: list[str | Path] = ["-filter_complex", f"[0:a]{level},asplit[wide][narrow]"]
    for name, rate, file in (("[wide]", WIDEBAND_RATE, wide), ("[narrow]", TELEPHONE_RATE, narrow)):
        forms += ["-map", name, "-map_metadata", "-1", "-fflags", "+bitexact", "-t", str(seconds)]
        forms += ["-ac", "1", "-ar", str(rate), file]
    _ffmpeg(trimmed, forms, limit, lambda done: progress(0.5 + min(done / seconds, 1.0) * 0.5))
    trimmed.unlink()
    _require_written(narrow, wide, seconds)
    return TelephoneForms(narrow, wide, round(seconds, 3), measured["input_i"])


def _declared_seconds(source: Path) -> float:
    """Return the length that the file declares. Raises NotASound."""
    asked = ("-select_streams", "a:0", "-show_entries", "stream=codec_type,duration:format=duration", "-of", "json")
    answer = _run(["ffprobe", "-v", "error", *_INPUT, *asked, str(source)], 60.0)
    found = json.loads(answer.stdout or b"{}")
    if answer.returncode or not found.get("streams"):
        raise NotASound("audio.not_a_sound")
    return float(found["streams"][0].get("duration") or found.get("format", {}).get("duration") or 0.0)


def _loudness(source: Path, limit: float) -> tuple[dict[str, float], list[tuple[str, float]]]:
    """Run the first pass of the loudness filter (EBU R 128); return its values and the silences, in seconds."""
    passes = f"{_FIND_SILENCE},loudnorm=I={LOUDNESS_LUFS}:TP={PEAK_DBTP}:LRA=11:print_format=json"
    answer = _run(["ffmpeg", "-nostdin", "-hide_banner", *_INPUT, "-i", str(source), "-af", passes, *_NOWHERE], limit)
    text = answer.stderr.decode(errors="replace")
    figures = json.loads(text[text.rindex("{") : text.rindex("}") + 1]) if "{" in text else {"input_i": "-inf"}
    silences = [(kind, float(at)) for kind, at in _SILENCE.findall(text)]
    return {name: float(value) for name, value in figures.items() if name != "normalization_type"}, silences


def _end_of_sound(silences: list[tuple[str, float]], whole: float) -> float:
    """Return where the final silence begins; `whole` when there is none."""
    starts = [at for kind, at in silences if kind == "start"]
    ends = [at for kind, at in silences if kind == "end"]
    to_the_end = len(starts) > len(ends) or (ends and ends[-1] >= whole - 0.1)
    return max(starts[-1], 0.0) if starts and to_the_end else whole


def _seconds_of_flac(file: Path) -> float:
    """Return the length that a FLAC file of our own declares (RFC 9639 §8.2)."""
    with file.open("rb") as opened:
        head = opened.read(26)
    return (int.from_bytes(head[21:26]) & 0xFFFFFFFFF) / (int.from_bytes(head[18:21]) >> 4)


def _require_written(narrow: Path, wide: Path, seconds: float) -> None:
    """Raise NotWritten unless both forms have their whole length: ffmpeg ends with status 0 even on a full disk."""
    try:
        lengths = [whole_seconds(file) for file in (narrow, wide)]
    except UnreadableSound as problem:
        raise NotWritten("audio.not_written") from problem
    if any(abs(length - seconds) > FORM_SECONDS for length in lengths):
        raise NotWritten("audio.not_written")


def _declares_more_bytes(source: Path) -> bool:
    """Return whether a WAV file declares more bytes than it has, which ffmpeg treats as its end."""
    with source.open("rb") as file:
        head = file.read(12)
    size = int.from_bytes(head[4:8], "little")
    return head[:4] == b"RIFF" and size < _UNKNOWN_SIZE and size + 8 > source.stat().st_size + 1


def _ffmpeg(source: Path, output: list[str | Path], limit: float, heard: Progress) -> float:
    """Run ffmpeg and report progress; return the seconds that were written.

    Errors go to a file, since a damaged sound can fill a pipe with them.
    """
    seconds = 0.0
    command = [*_NICE, "ffmpeg", "-nostdin", "-y", "-v", "error", *_INPUT, "-i", str(source)]
    command += ["-progress", "pipe:1", *(str(part) for part in output)]
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints)
        except FileNotFoundError as problem:
            raise _not_installed(problem) from problem
        too_long = threading.Timer(limit, process.kill)
        too_long.start()
        try:
            assert process.stdout is not None  # noqa: S101
            for line in process.stdout:
                if found := _PROGRESS.match(line):
                    seconds = int(found[1]) / 1_000_000
                    heard(seconds)
            status = process.wait()
        finally:
            too_long.cancel()
            process.kill()
            process.wait()
        complaint = _end_of(complaints)
        if _DISK_FULL in complaint:
            raise NotWritten("audio.not_written")
        if status:
            words = complaint.decode(errors="replace").strip().splitlines()[-1:]
            raise BrokenSound("audio.unreadable", why="".join(words)[:200])
    return seconds


def _run(command: list[str], limit: float) -> subprocess.CompletedProcess[bytes]:
    """Run a program and return its output, with only the end of its standard error."""
    with tempfile.TemporaryFile() as complaints:
        try:
            done = subprocess.run(
                [*_NICE, *command], stdout=subprocess.PIPE, stderr=complaints, timeout=limit, check=False
            )
        except FileNotFoundError as problem:
            raise _not_installed(problem) from problem
        except subprocess.TimeoutExpired as problem:
            raise BrokenSound("audio.takes_too_long") from problem
        return subprocess.CompletedProcess(command, done.returncode, done.stdout, _end_of(complaints))


def _end_of(file: IO[bytes]) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _MOST_COMPLAINTS, 0))
    return file.read()


def _not_installed(problem: FileNotFoundError) -> EnvironmentProblem:
    return EnvironmentProblem("audio.no_ffmpeg", program=str(problem.filename))
