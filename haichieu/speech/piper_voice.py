"""Natural voices of Piper, each spoken by a voice process that is started when it is needed."""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import IO, TypeVar

from haichieu.speech.synthesis import ENGINE_SECONDS, Identity, Speech, SynthesisFailed, speakable, without_commands
from haichieu.speech.voice_process import END, GREETING, HEAD, SAMPLES
from haichieu.speech.voices import PiperVoice

T = TypeVar("T")

IDLE_SECONDS = 60.0
"""A voice process without work is ended after this time, which gives its memory back."""


BREATH = 300
"""Characters that are spoken at once, at most."""

_SENTENCES = re.compile(r"(?<=[.!?…])\s+")


class _Process:
    """One running voice process. Its owner's lock serialises everything."""

    def __init__(self, voice: PiperVoice) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "haichieu.speech.voice_process", str(voice.model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            start_new_session=True,  # Ctrl-C at the terminal is for the station, which ends it in its own time
        )
        try:
            kind, self.rate = HEAD.unpack(self._read(HEAD.size))
            if kind != GREETING:
                raise SynthesisFailed("speech.voice_failed", voice=voice.name, why=self._words(self.rate))
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def speak(self, text: str, speed: float) -> bytes:
        """Return the samples of a text. Raises SynthesisFailed when the engine refuses it or the process dies."""
        _pipe(self._process.stdin).write(json.dumps({"text": text, "speed": speed}).encode() + b"\n")
        samples = bytearray()
        while True:
            kind, length = HEAD.unpack(self._read(HEAD.size))
            if kind == SAMPLES:
                samples += self._read(length)
            elif kind == END:
                return bytes(samples)
            else:  # FAILURE
                raise SynthesisFailed("speech.voice_failed", voice="piper", why=self._words(length))

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            _pipe(stream).close()

    def _words(self, length: int) -> str:
        return self._read(length).decode(errors="replace")

    def _read(self, count: int) -> bytes:
        """Return exactly so many bytes. Raises SynthesisFailed when they do not come."""
        deadline = time.monotonic() + ENGINE_SECONDS
        output, content = _pipe(self._process.stdout).fileno(), bytearray()
        while len(content) < count:
            if not select.select([output], [], [], max(deadline - time.monotonic(), 0.0))[0]:
                raise SynthesisFailed("speech.timed_out", program="piper", seconds=round(ENGINE_SECONDS))
            part = os.read(output, count - len(content))
            if not part:
                raise SynthesisFailed("speech.voice_failed", voice="piper", why=self._last_words())
            content += part
        return bytes(content)

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip().splitlines()
        return said[-1][:500] if said else f"exit status {self._process.returncode}"


class VoiceProcess:
    """One voice as a process that is there when it is needed. Safe to use from several threads."""

    def __init__(self, voice: PiperVoice, idle_seconds: float) -> None:
        self.voice = voice
        self._idle_seconds = idle_seconds
        self._turn = threading.Lock()
        self._running: _Process | None = None
        self._idle: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """The process that is running now, if any."""
        return self._running.pid if self._running else None

    def load(self) -> None:
        """Start the process, which stays until it was idle for long; a failure shows when a text is spoken."""
        with contextlib.suppress(SynthesisFailed):
            self._use(lambda running: None)

    def speak(self, text: str, speed: float) -> tuple[bytes, int]:
        """Return samples and rate. Raises SynthesisFailed, and then the process is gone."""
        return self._use(lambda running: (running.speak(text, speed), running.rate))

    def _use(self, work: Callable[[_Process], T]) -> T:
        """Start the process unless it runs, and let it work; after a failure it is gone."""
        with self._turn:
            self._count(None)
            try:
                if self._running is None:
                    self._running = _Process(self.voice)
                result = work(self._running)
            except (SynthesisFailed, OSError) as problem:
                self._end()
                if isinstance(problem, SynthesisFailed):
                    raise
                raise SynthesisFailed("speech.voice_failed", voice=self.voice.name, why=str(problem)) from problem
            except BaseException:
                self._end()
                raise
            self._count(self._end_idle)
            return result

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._count(None)
            self._end()

    def _count(self, then: Callable[[], None] | None) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = None
        if then is not None:
            self._idle = threading.Timer(self._idle_seconds, then)
            self._idle.daemon = True
            self._idle.start()

    def _end_idle(self) -> None:
        timer = threading.current_thread()
        with self._turn:
            if self._idle is timer:  # otherwise it was used again meanwhile
                self._idle = None
                self._end()

    def _end(self) -> None:
        if self._running is not None:
            self._running.end()
        self._running = None


def speak_piper(process: VoiceProcess, text: str, speed: float) -> Speech:
    """Speak a text with a Piper voice. Raises SpeechError."""
    samples, rate = bytearray(), 0
    for breath in breaths(without_commands(speakable(text))):
        spoken, rate = process.speak(breath, speed)
        samples += spoken
    if not samples:
        raise SynthesisFailed("speech.voice_failed", voice=process.voice.name, why="no samples")
    return Speech(bytes(samples), rate, piper_identity(process.voice, speed))


def breaths(text: str) -> list[str]:
    """Cut a text into sentences, and a sentence that is longer than `BREATH` at a comma or a space.

    The time and memory that a voice takes grow with the square of a sentence's length.
    """
    found = []
    for sentence in _SENTENCES.split(text):
        while len(sentence) > BREATH:
            cut = max(sentence.rfind(mark, 0, BREATH) + 1 for mark in ",;:–")
            cut = cut or sentence.rfind(" ", 0, BREATH) + 1 or BREATH
            found.append(sentence[:cut])
            sentence = sentence[cut:].lstrip()
        found.append(sentence)
    return [breath for breath in found if breath]


def piper_identity(voice: PiperVoice, speed: float) -> Identity:
    """Return what determines the sound of a text: voice and speed are part of it."""
    return Identity("piper", f"{voice.name}/{speed:g}", voice.version)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise TypeError("the process was started without pipes")
    return stream
