"""Sounds of prompts: a human recording where there is one, else synthesised text.

The order: the custom prompt in the caller's language, a recording in a file, the built-in text where it can be
synthesised; then the same three in the station's fallback language.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import structlog

from haichieu.errors import shown
from haichieu.speech.pronunciations import Pronunciations, pronounced
from haichieu.speech.synthesis import SpeechCache, SynthesisFailed
from ivr.prompts.prompt_texts import KEY, PromptTexts, UnknownPrompt, fill

log = structlog.get_logger()

_LANGUAGE = re.compile(r"[a-z]{2,3}")

STATION_PROMPTS = (
    "technical-failure",
    "nothing-heard",
    "nothing-heard-goodbye",
    "wrong-key",
    "too-many-wrong-keys",
    "goodbye",
    "number-not-in-use",
    "station-restarted",
    "too-many-calls",
    "sign-in-call-greeting",
    "station-down",
    "degraded-leave-message",
    "degraded-message-kept",
    "degraded-message-not-kept",
    "emergency-ask-pin",
    "emergency-live",
    "emergency-locked",
    "prompt-call-greeting",
    "prompt-call-kept",
    "trial-call",
    "trial-call-heard",
    "synthetic-all",
    "synthetic-part",
)
"""Prompts that are played outside any single verb; every language needs them, at least through the fallback."""


class Voice(StrEnum):
    """The source of a prompt's sound in a language."""

    OWN_RECORDING = "own_recording"
    OWN_TEXT = "own_text"
    RECORDING = "recording"
    """A file in the home."""
    READ = "read"
    """The built-in text, synthesised."""
    FALLBACK = "fallback"
    """None in this language; the fallback language is used."""


class CustomSounds(Protocol):
    """The custom prompts, see `ivr.prompts.custom`."""

    def look_again(self) -> None: ...

    @property
    def dictionary(self) -> Pronunciations:
        """How names are said."""
        ...

    def text(self, key: str, language: str) -> str | None:
        """Return the custom text of a prompt, None without one."""
        ...

    def recording(self, key: str, language: str) -> Path | None:
        """Return the custom recording of a prompt, as a path without extension."""
        ...


class PromptStore:
    """Prompts as sounds. `recordings` is a folder with `<language>/<key>.wav`, in any format that ffmpeg reads.

    Its methods run programs and read files: call them in a thread, not on the event loop.
    """

    def __init__(
        self,
        texts: PromptTexts,
        speech: SpeechCache,
        recordings: Path,
        languages: Iterable[str],
        fallback: str,
        own: CustomSounds | None = None,
    ) -> None:
        """`languages` are those that the station offers, `fallback` the one that has all prompts."""
        self.texts = texts
        self.languages = tuple(dict.fromkeys([*languages, fallback]))
        self.fallback = fallback
        self._speech = speech
        self._recordings = recordings
        self._own = own

    def look_again(self) -> None:
        """Reload the custom prompts when they have changed."""
        if self._own is not None:
            self._own.look_again()

    def sound(self, key: str, language: str, variables: Mapping[str, str | int] | None = None) -> str:
        """Return the path, without extension, of a prompt's sound, made on first use.

        A prompt with values is always synthesised; an unreadable recording is logged and skipped. Raises UnknownPrompt,
        MissingVariable, and the errors of `haichieu.speech.synthesis`.
        """
        for spoken in dict.fromkeys((language, self.fallback)):
            if (sound := self._sound(key, spoken, variables or {})) is not None:
                return sound
        raise UnknownPrompt(key)

    def voice(self, key: str, language: str) -> Voice:
        """Return the source of a prompt's sound in a language."""
        if self._own_recording(key, language) is not None:
            return Voice.OWN_RECORDING
        if self._own_text(key, language) is not None:
            return Voice.OWN_TEXT
        if self._recording(key, language) is not None:
            return Voice.RECORDING
        return Voice.READ if self.can_read(language) and self.texts.has(key, language) else Voice.FALLBACK

    def can_read(self, language: str) -> bool:
        """Return whether texts of the language can be synthesised."""
        return language in self._speech.languages

    def text(self, key: str, language: str) -> str | None:
        """Return the text of a prompt in a language, with the names of its values; None without one."""
        own = self._own.text(key, language) if self._own is not None else None
        return own or self.texts.template(key, language) or None

    def read(self, key: str, language: str, text: str, variables: Mapping[str, str | int]) -> str:
        """Return the path, without extension, of another text for a prompt, synthesised.

        Raises MissingVariable and the errors of `haichieu.speech.synthesis`.
        """
        return self._spoken(fill(key, language, text, variables), language)

    def has(self, key: str, language: str) -> bool:
        """Return whether the prompt can be played in the language itself, without the fallback."""
        return self.voice(key, language) is not Voice.FALLBACK

    def recorded(self, key: str, language: str) -> bool:
        """Return whether the prompt is recorded in the language."""
        return self._own_recording(key, language) is not None or self._recording(key, language) is not None

    def recorded_keys(self, language: str) -> frozenset[str]:
        """Return the keys of the recordings in the language."""
        files = (self._recordings / language).glob("*.wav") if _LANGUAGE.fullmatch(language) else ()
        return frozenset(file.stem for file in files if KEY.fullmatch(file.stem))

    def can_say(self, key: str, language: str) -> bool:
        """Return whether a caller with this language hears something for the prompt, if only in the fallback."""
        return self.has(key, language) or self.has(key, self.fallback)

    def variables(self, key: str) -> frozenset[str]:
        """Return the names of the values that a prompt needs; none for one that exists only as a recording."""
        try:
            return self.texts.variables(key)
        except UnknownPrompt:
            return frozenset()

    async def prepare(self, language: str) -> int:
        """Synthesise all prompts of a language without values, so that no caller waits; return how many.

        Each is made in a separate thread call, so that stopping the process waits for at most one prompt.
        """
        keys = self.texts.keys(language) | self.texts.keys(self.fallback)
        fixed = [key for key in sorted(keys) if not self.variables(key)]
        for key in fixed:
            await asyncio.to_thread(self.sound, key, language)
        log.info("prompts.ready", language=language, prompts=len(fixed))
        return len(fixed)

    def discard_unused(self) -> None:
        """Delete synthesised sentences that were not used for a month."""
        if discarded := self._speech.discard_unused():
            log.info("prompts.discarded", files=discarded)

    def _sound(self, key: str, language: str, variables: Mapping[str, str | int]) -> str | None:
        if (own := self._own_recording(key, language)) is not None:
            return str(own)
        if (text := self._own_text(key, language)) is not None:
            return self.read(key, language, text, variables)
        if (recording := self._recording(key, language)) is not None:
            try:
                return self._speech.recorded(recording)
            except SynthesisFailed as problem:
                log.warning("prompts.recording_unreadable", recording=str(recording), problem=shown(problem))
        if self.can_read(language) and self.texts.has(key, language):
            return self._spoken(self.texts.render(key, language, variables), language)
        return None

    def _spoken(self, text: str, language: str) -> str:
        """Return the path of a text as speech; the values in it may be names that the dictionary has."""
        return self._speech.spoken(pronounced(text, self._own.dictionary) if self._own else text, language)

    def _own_text(self, key: str, language: str) -> str | None:
        return self._own.text(key, language) if self._own is not None and self.can_read(language) else None

    def _own_recording(self, key: str, language: str) -> Path | None:
        """Return the custom recording; only prompts without values can use one."""
        return None if self._own is None or self.variables(key) else self._own.recording(key, language)

    def _recording(self, key: str, language: str) -> Path | None:
        if not (KEY.fullmatch(key) and _LANGUAGE.fullmatch(language)) or self.variables(key):
            return None
        recording = self._recordings / language / f"{key}.wav"
        return recording if recording.is_file() else None
