"""ffmpeg and ffprobe as separate processes: restricted to one file, at low priority, for a limited time."""

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from haichieu.errors import EnvironmentProblem

FORMATS = "wav,mp3,ogg,flac,mov,aac,amr,matroska,caf,aiff,asf,gsm,w64"
"""Demuxers that read one file and nothing else; playlists (hls, concat …) would open others."""
INPUT = ("-protocol_whitelist", "file", "-format_whitelist", FORMATS)

_NICE = ("nice", "-n", "10")
_MOST_COMPLAINTS = 8_000_000
_PROGRESS = re.compile(rb"out_time_us=(\d+)")


class OutOfTime(Exception):
    """The program took too long and was killed."""


@dataclass(frozen=True)
class Finished:
    """The end of a program: its status, its output, the end of its log, and the seconds that ffmpeg wrote."""

    status: int
    output: bytes
    log: bytes
    seconds: float = 0.0


def probe(source: Path, *options: str, limit: float) -> Finished:
    """Run ffprobe on a file; its log contains warnings. Raises OutOfTime."""
    return run(["ffprobe", "-v", "level+warning", *INPUT, *options, str(source)], limit)


def run(command: Sequence[str], limit: float) -> Finished:
    """Run a program and return what it says. Raises OutOfTime."""
    with tempfile.TemporaryFile() as log:
        try:
            done = subprocess.run([*_NICE, *command], stdout=subprocess.PIPE, stderr=log, timeout=limit, check=False)
        except FileNotFoundError as problem:
            raise _not_installed(problem) from problem
        except subprocess.TimeoutExpired as problem:
            raise OutOfTime from problem
        return Finished(done.returncode, done.stdout, _end_of(log))


def convert(source: Path, output: Sequence[str | Path], limit: float, heard: Callable[[float], None]) -> Finished:
    """Run ffmpeg and report the seconds that are written; it is killed after `limit` seconds.

    The log has levels, such as `[error]`. It goes to a file, since a damaged sound can fill a pipe.
    """
    seconds = 0.0
    command = [*_NICE, "ffmpeg", "-nostdin", "-nostats", "-hide_banner", "-y", "-v", "level+verbose", *INPUT]
    command += ["-i", str(source), "-progress", "pipe:1", *(str(part) for part in output)]
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
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
        return Finished(status, b"", _end_of(log), seconds)


def _end_of(file: IO[bytes]) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _MOST_COMPLAINTS, 0))
    return file.read()


def _not_installed(problem: FileNotFoundError) -> EnvironmentProblem:
    return EnvironmentProblem("audio.no_ffmpeg", program=str(problem.filename))
