"""Text to sound files that Asterisk plays: a synthesiser behind an interface, and a cache by content.

What is said, in which words, is decided elsewhere (`ivr.prompts.store`); here a sentence becomes sound.

    SpeechError
    ├── NothingToSay        the text is empty once control characters are gone
    ├── TextTooLong         the text is longer than one sentence or bulletin may be
    ├── NoVoice             the synthesiser does not speak this language
    ├── WrongScript         the text is written in a script that the voice cannot read
    └── SynthesisFailed     the engine or ffmpeg ended with an error, took too long, or could not write everything
"""

import contextlib
import datetime
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unicodedata
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from haichieu.audio.errors import UnreadableSound
from haichieu.audio.sound import HEADER_BYTES, Sound, band_limited, from_pcm, resample, whole_seconds, write_wav
from haichieu.audio.synthetic_mark import SyntheticMark, read_mark, write_mark
from haichieu.errors import EnvironmentProblem, HaiChieuError

ESPEAK = "espeak-ng"
LONGEST_TEXT = 5000
"""Characters that are synthesised in one piece, about six minutes of speech."""

RECIPE = "3"
"""Changes whenever other samples would be made of the same speech."""
FORMS = (".wav", 8000, 3600), (".wav16", 16000, 7200)
"""The two files of a sound: extension, samples per second, highest frequency in Hz."""
LOWEST_HZ = 120

LEVEL_DBFS = -20.0
SILENCE_DBFS = -50.0
ENGINE_SECONDS = 60.0
PAIR_SECONDS = 0.1
"""Two forms of one sound differ by less than this."""
UNUSED_FOR = datetime.timedelta(days=30)

_ENGINE_COMMANDS = re.compile(r"\[\[|\]\]")


class SpeechError(HaiChieuError):
    """A text could not be turned into sound."""


class NothingToSay(SpeechError):
    """The text contains nothing that can be spoken."""


class TextTooLong(SpeechError):
    """The text is longer than `LONGEST_TEXT`."""


class NoVoice(SpeechError):
    """The synthesiser has no voice for the language."""


class WrongScript(SpeechError):
    """The text is written in a script that the voice cannot read."""


class SynthesisFailed(SpeechError):
    """A program that makes the sound ended with an error, or took too long."""


class Identity(NamedTuple):
    """Engine, voice (with its speed) and version: the same three and the same text give the same sound."""

    engine: str
    voice: str
    version: str

    @property
    def mark(self) -> SyntheticMark:
        """The mark that a sound of this voice carries."""
        return SyntheticMark(f"{self.engine} {self.voice}", trained=self.engine != ESPEAK)


NOBODY = Identity("", "", "")


@dataclass(frozen=True)
class Speech:
    """Spoken sound: signed 16-bit little-endian mono samples at `rate` per second, and who spoke it."""

    samples: bytes
    rate: int
    by: Identity = NOBODY


class Synthesiser(Protocol):
    """Turns text into speech. Safe to use from several threads."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages it speaks (ISO 639)."""
        ...

    def spoken_by(self) -> dict[str, str]:
        """Return the name of the voice that speaks each language now."""
        ...

    def prepare(self, language: str) -> None:
        """Load the voice of a language, without waiting for it: a text is expected soon."""
        ...

    def identity(self, language: str) -> Identity:
        """Return who speaks a language now; a `Speech` says who did, which may be a fallback."""
        ...

    def synthesise(self, text: str, language: str) -> Speech:
        """Speak a text. Raises SpeechError, or EnvironmentProblem when the engine is not installed."""
        ...


class Voices(Synthesiser, Protocol):
    """A synthesiser with several voices."""

    def preferring(self, names: Sequence[str]) -> Synthesiser:
        """Return it with the first of these voices that is installed and speaks the language of a text."""
        ...


class EspeakSynthesiser:
    """The espeak-ng command, the one engine in every Debian that speaks Vietnamese.

    The text is passed on standard input, so that none of it can be parsed as an option.
    """

    VOICES: ClassVar[dict[str, str]] = {"vi": "vi", "en": "en"}
    AMPLITUDE = 60
    """Percentage of espeak's amplitude; at 100 the Vietnamese voice clips."""
    WORDS_PER_MINUTE = 150

    def __init__(self, command: str = ESPEAK, speed: float = 1.0) -> None:
        self._command = command
        self._words_per_minute = round(self.WORDS_PER_MINUTE * speed)
        self._version: str | None = None

    @property
    def languages(self) -> frozenset[str]:
        """Vietnamese and English."""
        return frozenset(self.VOICES)

    def spoken_by(self) -> dict[str, str]:
        """Return the engine for every language."""
        return dict.fromkeys(sorted(self.VOICES), ESPEAK)

    def preferring(self, names: Sequence[str]) -> "EspeakSynthesiser":
        """Return itself: it has one voice per language."""
        return self

    def prepare(self, language: str) -> None:
        """Do nothing: there is nothing to load."""

    def identity(self, language: str) -> Identity:
        """Return engine, voice and version."""
        if self._version is None:
            self._version = _run([self._command, "--version"]).decode().split("Data at:")[0].strip()
        voice = f"{self._voice(language)}/{self.AMPLITUDE}/{self._words_per_minute}"
        return Identity(ESPEAK, voice, self._version)

    def synthesise(self, text: str, language: str) -> Speech:
        """Speak a text."""
        wav = _run(
            [
                *(self._command, "-v", self._voice(language), "-a", str(self.AMPLITUDE)),
                *("-s", str(self._words_per_minute), "-b", "1", "--stdin", "--stdout"),
            ],
            without_commands(speakable(text)).encode(),
        )
        with wave.open(io.BytesIO(wav)) as sound:
            return Speech(sound.readframes(len(wav)), sound.getframerate(), self.identity(language))

    def _voice(self, language: str) -> str:
        try:
            return self.VOICES[language]
        except KeyError:
            raise NoVoice("speech.no_voice", language=language) from None


class SpeechCache:
    """A folder of spoken sentences, each made once. Several threads and processes may share the folder.

    A sentence is a pair of files, `<digest>.wav` (8 kHz) and `<digest>.wav16` (16 kHz), both 16-bit mono:
    of one path without extension Asterisk takes the file that suits the call.
    """

    def __init__(self, folder: Path, synthesiser: Synthesiser) -> None:
        self.folder = folder
        self._synthesiser = synthesiser

    @property
    def languages(self) -> frozenset[str]:
        """The languages that can be synthesised."""
        return self._synthesiser.languages

    def spoken(self, text: str, language: str) -> str:
        """Return the path, without extension, of the text as speech; takes about 0.05 s the first time.

        Raises SpeechError or EnvironmentProblem.
        """
        text = speakable(text)
        sound = self._sentence(self._synthesiser.identity(language), text)
        if not _in_use(sound):
            speech = self._synthesiser.synthesise(text, language)
            # What a fallback spoke is stored as its own, and made again when the voice is back.
            sound = self._sentence(speech.by, text)
            self._make(sound, partial(write_telephone_speech, from_pcm(levelled(speech), speech.rate)), speech.by.mark)
        return str(sound)

    def recorded(self, recording: Path) -> str:
        """Return the path, without extension, of a recording in the two forms; any format that ffmpeg reads.

        Raises SynthesisFailed when the file contains no sound.
        """
        content = recording.read_bytes()
        sound = self._sound(hashlib.sha256(RECIPE.encode() + content).hexdigest())
        if not _in_use(sound):
            self._make(sound, partial(write_telephone_sounds, content), read_mark(recording))
        return str(sound)

    def discard_unused(self, unused_for: datetime.timedelta = UNUSED_FOR) -> int:
        """Delete files not played for this long and leftovers of crashes; return the number of files."""
        oldest = time.time() - unused_for.total_seconds()
        discarded = 0
        for file in self.folder.glob("*/*"):
            try:
                if file.stat().st_mtime >= oldest:
                    continue
                if file.is_dir():
                    shutil.rmtree(file)
                else:
                    file.unlink()
                discarded += 1
            except FileNotFoundError:
                continue  # another process was faster
        return discarded

    def _sentence(self, by: Identity, text: str) -> Path:
        return self._sound(hashlib.sha256(json.dumps([*by, RECIPE, text]).encode()).hexdigest())

    def _sound(self, digest: str) -> Path:
        return self.folder.absolute() / digest[:2] / digest

    def _make(self, sound: Path, write: Callable[[Path], None], mark: SyntheticMark | None) -> None:
        try:
            sound.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=sound.parent, prefix=".making-") as scratch:
                made = Path(scratch) / sound.name
                write(made)
                _require_whole_pair(made)
                # The 8 kHz file comes last: where it is, the pair is whole.
                for extension in (".wav16", ".wav"):
                    part = made.with_suffix(extension)
                    if mark is not None:
                        write_mark(part, mark)
                    with part.open("rb") as file:
                        os.fsync(file.fileno())
                    part.replace(sound.with_suffix(extension))
        except OSError as problem:
            raise EnvironmentProblem(
                "speech.folder_not_writable", folder=self.folder, why=problem.strerror or str(problem)
            ) from problem


def speakable(text: str) -> str:
    """Return the text in NFC, control and format characters gone, white space single.

    Raises NothingToSay or TextTooLong.
    """
    if len(text) > LONGEST_TEXT:
        raise TextTooLong("speech.too_long", count=len(text), most=LONGEST_TEXT)
    plain = "".join(
        " " if unicodedata.category(letter).startswith("Z") or letter in "\t\r\n" else letter
        for letter in unicodedata.normalize("NFC", text)
        if letter in "\t\r\n" or not unicodedata.category(letter).startswith("C")
    )
    plain = " ".join(plain.split())
    if not any(letter.isalnum() for letter in plain):
        raise NothingToSay("speech.nothing_to_say")
    return plain


def without_commands(text: str) -> str:
    """Return the text without what an engine takes for commands.

    Both engines take [[…]] for phonemes, and espeak-ng control-A for commands to the voice (gone in `speakable`).
    """
    return _ENGINE_COMMANDS.sub(" ", text)


def levelled(speech: Speech) -> bytes:
    """Return the samples with the level of their active parts (RMS) at -20 dBFS and their peaks below full."""
    samples = np.frombuffer(speech.samples, dtype="<i2").astype(np.float64) / 32768.0
    frame = max(speech.rate // 50, 1)
    powers = np.mean(np.square(samples[: len(samples) // frame * frame].reshape(-1, frame)), axis=1)
    active = powers[powers > 10 ** (SILENCE_DBFS / 10)]
    if not len(active):
        return speech.samples
    gain = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(active))
    # tanh above half of full scale limits the few highest peaks softly instead of clipping them.
    loud = samples * gain
    over = np.abs(loud) > 0.5
    loud[over] = np.sign(loud[over]) * (0.5 + 0.4 * np.tanh((np.abs(loud[over]) - 0.5) / 0.4))
    return bytes((loud * 32767.0).astype("<i2").tobytes())


def write_telephone_speech(speech: Sound, target: Path) -> None:
    """Write speech as `target.wav` and `target.wav16`, band-limited for the telephone.

    Without ffmpeg, whose start takes longer than all the rest of a sentence. Raises OSError.
    """
    for extension, rate, highest in FORMS:
        write_wav(target.with_suffix(extension), band_limited(resample(speech, rate), LOWEST_HZ, highest))


def write_telephone_sounds(content: bytes, target: Path) -> None:
    """Write a sound of any format as `target.wav` and `target.wav16`, band-limited for the telephone.

    ffmpeg reads only from the pipe, so a playlist cannot refer to other files. Raises SynthesisFailed or
    EnvironmentProblem.
    """
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-protocol_whitelist", "pipe", "-i", "pipe:0"]
    for extension, rate, highest in FORMS:
        command += ["-map", "0:a:0", "-af", f"highpass=f={LOWEST_HZ},lowpass=f={highest}", "-ar", str(rate), "-ac", "1"]
        command += ["-c:a", "pcm_s16le", "-map_metadata", "-1", "-bitexact", "-f", "wav"]
        command.append(str(target.with_suffix(extension)))
    _run(command, content)


def _require_whole_pair(sound: Path) -> None:
    """Raise SynthesisFailed unless both files are whole: ffmpeg ends with status 0 even if the disk was full."""
    narrow, wide = sound.with_suffix(".wav"), sound.with_suffix(".wav16")
    try:
        same = abs(whole_seconds(narrow) - whole_seconds(wide)) < PAIR_SECONDS
    except UnreadableSound as problem:
        raise SynthesisFailed("speech.incomplete") from problem
    if not same:
        raise SynthesisFailed("speech.incomplete")


def _in_use(sound: Path) -> bool:
    """Return whether both files are there and not empty, and update their access time if possible."""
    pair = [sound.with_suffix(extension) for extension in (".wav16", ".wav")]
    if not all(file.exists() and file.stat().st_size > HEADER_BYTES for file in pair):
        return False
    for file in pair:
        with contextlib.suppress(OSError):
            os.utime(file)
    return True


def _run(command: list[str], content: bytes = b"") -> bytes:
    """Run a program on `content` and return its output."""
    program = command[0]
    try:
        finished = subprocess.run(command, input=content, capture_output=True, check=False, timeout=ENGINE_SECONDS)
    except FileNotFoundError:
        raise EnvironmentProblem("speech.no_program", program=program) from None
    except subprocess.TimeoutExpired:
        raise SynthesisFailed("speech.timed_out", program=program, seconds=round(ENGINE_SECONDS)) from None
    if finished.returncode != 0:
        problem = finished.stderr.decode(errors="replace").strip()
        raise SynthesisFailed("speech.failed", program=program, status=finished.returncode, why=problem[:500])
    return finished.stdout
