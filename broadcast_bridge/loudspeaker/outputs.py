"""Outputs of a loudspeaker: a WAV file, or a player that reads raw PCM from a pipe."""

import fcntl
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Protocol

from haichieu.audio import UnreadableSound, WavRecording
from haichieu.errors import EnvironmentProblem, UsageError
from haichieu.locale import Message, message

PLAYER = "aplay -q -t raw -f S16_LE -c 1 -r {rate} --buffer-time=120000 -D {device}"
"""ALSA's player; its buffer is short, since the jitter buffer comes before it."""

_PIPE_BYTES = 4096
"""A quarter of a second at 8 kHz: how far a stalled player may fall behind."""
_AGAIN_SECONDS = 1.0
_DRAIN_SECONDS = 1.0


class BadOutput(UsageError):
    """The requested output cannot exist."""


class OutputNotUsable(EnvironmentProblem):
    """The file cannot be written, or the player is not installed."""


class Output(Protocol):
    """Takes 16-bit PCM during a call; never blocks, and never fails the call."""

    def write(self, pcm: bytes) -> None:
        """Take some sound of the current call."""

    def end_of_call(self) -> None:
        """End the current call; nothing follows until the next."""

    def close(self) -> None:
        """Release all resources."""

    def trouble(self) -> Message | None:
        """Return what went wrong since the last question, or None."""


class RecordingOutput:
    """Appends every call to one WAV file. Raises OutputNotUsable."""

    def __init__(self, path: Path, rate: int) -> None:
        self._path = path
        self._trouble: Message | None = None
        try:
            self._recording = WavRecording(path, rate)
        except OSError as problem:
            raise OutputNotUsable(_not_writable(path, problem)) from problem
        except UnreadableSound as problem:
            raise OutputNotUsable(problem.message) from problem

    def write(self, pcm: bytes) -> None:
        """Append the sound; a full disk is reported by `trouble`, and the next piece is tried again."""
        try:
            self._recording.write(pcm)
        except OSError as problem:
            self._trouble = _not_writable(self._path, problem)

    def end_of_call(self) -> None:
        """Do nothing: the file is complete after every piece."""

    def close(self) -> None:
        self._recording.close()

    def trouble(self) -> Message | None:
        trouble, self._trouble = self._trouble, None
        return trouble


class PlayerOutput:
    """A player process that reads raw PCM from its standard input, started with each call and restarted if it dies.

    `device` is an ALSA device (`default`), or `| COMMAND ARGUMENTS…` for any other player; `{rate}` in it becomes the
    sample rate. Raises BadOutput, OutputNotUsable.
    """

    def __init__(self, device: str, rate: int) -> None:
        command = device[1:] if device.startswith("|") else PLAYER.replace("{device}", shlex.quote(device))
        try:
            self._argv = shlex.split(command.replace("{rate}", str(rate)))
        except ValueError as problem:
            raise BadOutput("speaker.output.not_a_command", output=device, problem=str(problem)) from problem
        if not self._argv or not device:
            raise BadOutput("speaker.output.empty")
        if shutil.which(self._argv[0]) is None:
            raise OutputNotUsable("speaker.output.not_installed", program=self._argv[0])
        self._player: subprocess.Popen[bytes] | None = None
        self._leaving: list[tuple[float, subprocess.Popen[bytes]]] = []
        self._not_before = 0.0
        self._trouble: Message | None = None

    def write(self, pcm: bytes) -> None:
        """Pass the sound on, dropping what the player cannot take now, so that it never falls behind."""
        self._reap()
        if self._player is None and time.monotonic() >= self._not_before:
            self._start()
        if self._player is None or self._player.stdin is None:
            return
        try:
            os.write(self._player.stdin.fileno(), pcm)
        except BlockingIOError:
            return
        except OSError:
            self._trouble = message("speaker.output.player_died", program=self._argv[0])
            self._release_player()
            self._not_before = time.monotonic() + _AGAIN_SECONDS

    def end_of_call(self) -> None:
        """Let the player finish, which frees the device."""
        self._release_player()
        self._not_before = 0.0
        self._reap()

    def close(self) -> None:
        """End every player, after a moment to play the rest."""
        self._release_player()
        for _, player in self._leaving:
            try:
                player.wait(_DRAIN_SECONDS)
            except subprocess.TimeoutExpired:
                player.kill()
                player.wait()
        self._leaving.clear()

    def trouble(self) -> Message | None:
        trouble, self._trouble = self._trouble, None
        return trouble

    def _start(self) -> None:
        try:
            player = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0)
        except OSError as problem:
            reason = problem.strerror or str(problem)
            self._trouble = message("speaker.output.player_not_started", program=self._argv[0], reason=reason)
            self._not_before = time.monotonic() + _AGAIN_SECONDS
            return
        assert player.stdin is not None  # noqa: S101
        os.set_blocking(player.stdin.fileno(), False)
        fcntl.fcntl(player.stdin, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._player = player

    def _release_player(self) -> None:
        if self._player is None:
            return
        if self._player.stdin:
            self._player.stdin.close()
        self._leaving.append((time.monotonic() + _DRAIN_SECONDS, self._player))
        self._player = None

    def _reap(self) -> None:
        for deadline, player in list(self._leaving):
            if player.poll() is None and time.monotonic() > deadline:
                player.kill()
            if player.poll() is not None:
                self._leaving.remove((deadline, player))


def _not_writable(path: Path, problem: OSError) -> Message:
    return message("speaker.output.not_writable", path=path, reason=problem.strerror or str(problem))
