"""The station's voices: a natural one where there is one, espeak-ng for the rest and as the fallback."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from haichieu.audio.sound import from_pcm, resample
from haichieu.errors import shown
from haichieu.locale import Message, message
from haichieu.settings import Settings
from haichieu.speech.piper_voice import IDLE_SECONDS, VoiceProcess, piper_identity, speak_piper
from haichieu.speech.scripts import require_script
from haichieu.speech.synthesis import (
    ESPEAK,
    EspeakSynthesiser,
    Identity,
    Speech,
    Synthesiser,
    SynthesisFailed,
    levelled,
)
from haichieu.speech.voices import Chosen, PiperVoice, chosen_voices, default_folder

log = structlog.get_logger()

RATE = 22050
"""Samples per second of everything spoken: the pieces of one text fit together, whichever voice spoke them."""
LOOK_SECONDS = 5.0
"""A voice that was fetched or deleted is noticed after this time at the latest."""
BROKEN_SECONDS = 60.0
"""A voice that cannot be loaded is not tried again for this time."""
ATTEMPTS = 2


class StationVoices:
    """The synthesiser of a station. Safe to use from several threads."""

    def __init__(self, folder: Path, setting: str, speed: float, idle_seconds: float = IDLE_SECONDS) -> None:
        self._folder = folder
        self._setting = setting
        self._speed = speed
        self._idle_seconds = idle_seconds
        self._fallback = EspeakSynthesiser(speed=speed)
        self._lock = threading.Lock()
        self._processes: dict[PiperVoice, VoiceProcess] = {}
        self._broken: dict[PiperVoice, float] = {}
        self._checked: set[PiperVoice] = set()
        self._chosen: Chosen | None = None
        self._looked_at = 0.0

    @property
    def languages(self) -> frozenset[str]:
        """The languages of all voices."""
        return self.languages_with(())

    def languages_with(self, preferred: Sequence[str]) -> frozenset[str]:
        """Return the languages of all voices and of those preferred."""
        chosen = self.chosen()
        others = {chosen.installed[name].language for name in preferred if name in chosen.installed}
        return self._fallback.languages | frozenset(chosen.voices) | others

    def preferring(self, names: Sequence[str]) -> Synthesiser:
        """Return this synthesiser with the first of these voices that is installed and speaks the text's language."""
        return _Preferring(self, tuple(names)) if names else self

    def identity(self, language: str, preferred: Sequence[str] = ()) -> Identity:
        """Return who speaks a language now."""
        voice = self._voice(language, preferred)
        return self._fallback.identity(language) if voice is None else piper_identity(voice, self._speed)

    def synthesise(self, text: str, language: str, preferred: Sequence[str] = ()) -> Speech:
        """Speak a text. A voice process that dies is started again once; then espeak-ng speaks. Raises SpeechError."""
        require_script(text, language)
        voice = self._voice(language, preferred)
        if voice is None:
            return _alike(self._fallback.synthesise(text, language))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                speech = _alike(speak_piper(self._process(voice), text, self._speed))
                with self._lock:
                    self._broken.pop(voice, None)
                return speech
            except SynthesisFailed as problem:
                log.warning("speech.voice_failed", voice=voice.name, attempt=attempt, problem=shown(problem))
                failed = problem
        self._leave_out(voice)
        if language not in self._fallback.languages:
            raise failed
        log.warning("speech.fallback", voice=voice.name, language=language)
        return _alike(self._fallback.synthesise(text, language))

    def prepare(self, language: str, preferred: Sequence[str] = ()) -> None:
        """Load the voice of a language in the background."""
        voice = self._voice(language, preferred)
        if voice is not None:
            threading.Thread(target=self._process(voice).load, daemon=True).start()

    def chosen(self) -> Chosen:
        """Return the voices in use, as they are on disk."""
        with self._lock:
            at = time.monotonic()
            if self._chosen is None or at - self._looked_at > LOOK_SECONDS:
                self._chosen, self._looked_at = chosen_voices(self._folder, self._setting), at
            return self._chosen

    def check(self) -> None:
        """Try every voice that has not been tried yet: a damaged file shows only when it is loaded. Takes seconds."""
        for voice in set(self.chosen().voices.values()) - self._checked:
            process = VoiceProcess(voice, self._idle_seconds)
            try:
                speak_piper(process, "1", self._speed)
            except SynthesisFailed as problem:
                log.warning("speech.voice_failed", voice=voice.name, problem=shown(problem))
                self._leave_out(voice)
            process.close()
            self._checked.add(voice)

    def problems(self) -> dict[str, Message]:
        """Return why a language that has a natural voice is spoken by espeak-ng."""
        chosen = self.chosen()
        with self._lock:
            broken = [voice for voice in self._broken if voice in chosen.voices.values()]
        return {
            **chosen.problems,
            **{
                voice.language: message(
                    "voice.fallback", language=voice.language, why=message("voice.broken", path=voice.model)
                )
                for voice in broken
            },
        }

    def spoken_by(self, preferred: Sequence[str] = ()) -> dict[str, str]:
        """Return the name of the voice that speaks each language now."""
        return {language: self._name(language, preferred) for language in sorted(self.languages_with(preferred))}

    @property
    def pids(self) -> list[int]:
        """The voice processes that run now."""
        with self._lock:
            return [process.pid for process in self._processes.values() if process.pid is not None]

    def close(self) -> None:
        """End the voice processes."""
        with self._lock:
            processes, self._processes = list(self._processes.values()), {}
        for process in processes:
            process.close()

    def _name(self, language: str, preferred: Sequence[str]) -> str:
        voice = self._voice(language, preferred)
        return ESPEAK if voice is None else voice.name

    def _voice(self, language: str, preferred: Sequence[str]) -> PiperVoice | None:
        """Return the first preferred voice that speaks the language, else the language's own; None is espeak-ng."""
        chosen = self.chosen()
        voice = chosen.voices.get(language)
        for name in preferred:
            if name == ESPEAK and language in self._fallback.languages:
                return None
            other = chosen.installed.get(name)
            if other is not None and other.language == language:
                voice = other
                break
        if voice is None:
            return None
        with self._lock:
            return None if self._broken.get(voice, 0.0) > time.monotonic() else voice

    def _leave_out(self, voice: PiperVoice) -> None:
        with self._lock:
            self._broken[voice] = time.monotonic() + BROKEN_SECONDS

    def _process(self, voice: PiperVoice) -> VoiceProcess:
        with self._lock:
            return self._processes.setdefault(voice, VoiceProcess(voice, self._idle_seconds))


class _Preferring:
    """The station's voices with some of them preferred."""

    def __init__(self, voices: StationVoices, names: Sequence[str]) -> None:
        self._voices, self._names = voices, names

    @property
    def languages(self) -> frozenset[str]:
        return self._voices.languages_with(self._names)

    def spoken_by(self) -> dict[str, str]:
        return self._voices.spoken_by(self._names)

    def prepare(self, language: str) -> None:
        self._voices.prepare(language, self._names)

    def identity(self, language: str) -> Identity:
        return self._voices.identity(language, self._names)

    def synthesise(self, text: str, language: str) -> Speech:
        return self._voices.synthesise(text, language, self._names)


def voice_names(settings: Settings) -> list[str]:
    """Return the voices that a unit or a programme may choose, espeak-ng last."""
    chosen = chosen_voices(settings.voice_folder or default_folder(), settings.voices)
    return [*sorted(chosen.installed), ESPEAK]


def station_voices(settings: Settings) -> StationVoices:
    """Return the synthesiser that the settings describe."""
    return StationVoices(settings.voice_folder or default_folder(), settings.voices, settings.voice_speed)


def _alike(speech: Speech) -> Speech:
    """Return the speech at the common rate and level."""
    if speech.rate != RATE:
        speech = Speech(resample(from_pcm(speech.samples, speech.rate), RATE).pcm(), RATE, speech.by)
    return Speech(levelled(speech), RATE, speech.by)
