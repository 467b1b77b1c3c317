"""Which sound is played for a prompt: a human recording where there is one, else a synthesised text.

The order: the station's own prompt in the caller's language (`own_prompts`), a recording in a file, the built-in text
where it can be synthesised; then the same three in the station's fallback language.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import structlog

from haichieu.speech.synthesis import SpeechCache, SynthesisFailed
from ivr.prompts.texts import KEY, PromptTexts, UnknownPrompt, fill

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
    "station-down",
    "degraded-leave-message",
    "degraded-message-kept",
    "degraded-message-not-kept",
    "emergency-ask-pin",
    "emergency-live",
    "prompt-call-greeting",
    "prompt-call-kept",
    "degraded-leave-message",
    "degraded-message-kept",
    "degraded-message-not-kept",
)
"""What is said outside any one verb; every language must have them by some road."""


class Voice(StrEnum):
    """What is heard for a prompt in a language."""

    OWN_RECORDING = "own_recording"
    OWN_TEXT = "own_text"
    RECORDING = "recording"
    """A file in the home."""
    READ = "read"
    """The built-in text, synthesised."""
    FALLBACK = "fallback"
    """Nothing of this language: what is said in the fallback language."""


class OwnSounds(Protocol):
    """The station's own prompts, see `ivr.prompts.custom`."""

    def look_again(self) -> None:
        """See what has been changed."""
        ...

    def text(self, key: str, language: str) -> str | None:
        """The own text of a prompt, None without one."""
        ...

    def recording(self, key: str, language: str) -> Path | None:
        """The own recording of a prompt, as a path without extension."""
        ...


class PromptStore:
    """Prompts as sounds. `recordings` is a folder with `<language>/<key>.wav`, in any format ffmpeg reads.

    Its methods run programs and read files: call them in a thread, not on the event loop.
    """

    def __init__(
        self,
        texts: PromptTexts,
        speech: SpeechCache,
        recordings: Path,
        languages: Iterable[str],
        fallback: str,
        own: OwnSounds | None = None,
    ) -> None:
        """`languages` are those the station offers, `fallback` the one that all prompts exist in."""
        self.texts = texts
        self.languages = tuple(dict.fromkeys([*languages, fallback]))
        self.fallback = fallback
        self._speech = speech
        self._recordings = recordings
        self._own = own

    def look_again(self) -> None:
        """See which prompts of its own the station has by now."""
        if self._own is not None:
            self._own.look_again()

    def sound(self, key: str, language: str, variables: Mapping[str, str | int] | None = None) -> str:
        """Return the path without extension of a prompt, made when it is not there yet.

        A prompt with values in it is always synthesised; a recording that cannot be read is reported in the
        log and passed over. Raises UnknownPrompt, MissingVariable, and the
        errors of `haichieu.speech.synthesis`.
        """
        for spoken in dict.fromkeys((language, self.fallback)):
            if (sound := self._sound(key, spoken, variables or {})) is not None:
                return sound
        raise UnknownPrompt(key)

    def voice(self, key: str, language: str) -> Voice:
        """Say what is heard for a prompt in a language."""
        if self._own_recording(key, language) is not None:
            return Voice.OWN_RECORDING
        if self._own_text(key, language) is not None:
            return Voice.OWN_TEXT
        if self._recording(key, language) is not None:
            return Voice.RECORDING
        return Voice.READ if self.can_read(language) and self.texts.has(key, language) else Voice.FALLBACK

    def can_read(self, language: str) -> bool:
        """Say whether texts of the language can be read aloud."""
        return language in self._speech.languages

    def text(self, key: str, language: str) -> str | None:
        """The text of a prompt in a language, with the names of its values; None without one."""
        own = self._own.text(key, language) if self._own is not None else None
        return own or self.texts.template(key, language) or None

    def read(self, key: str, language: str, text: str, variables: Mapping[str, str | int]) -> str:
        """Return the path without extension of another text for a prompt, read aloud.

        Raises MissingVariable and the errors of `haichieu.speech.synthesis`.
        """
        return self._speech.spoken(fill(key, language, text, variables), language)

    def has(self, key: str, language: str) -> bool:
        """Say whether the prompt can be said in the language itself, without falling back."""
        return self.voice(key, language) is not Voice.FALLBACK

    def recorded(self, key: str, language: str) -> bool:
        """Say whether somebody has recorded the prompt in the language."""
        return self._own_recording(key, language) is not None or self._recording(key, language) is not None

    def recorded_keys(self, language: str) -> frozenset[str]:
        """Return the keys that somebody has recorded in the language."""
        files = (self._recordings / language).glob("*.wav") if _LANGUAGE.fullmatch(language) else ()
        return frozenset(file.stem for file in files if KEY.fullmatch(file.stem))

    def can_say(self, key: str, language: str) -> bool:
        """Say whether a caller with this language hears something for the prompt, if only in the fallback."""
        return self.has(key, language) or self.has(key, self.fallback)

    def variables(self, key: str) -> frozenset[str]:
        """Return the names of the values that a prompt needs; none for one that exists as a recording alone."""
        try:
            return self.texts.variables(key)
        except UnknownPrompt:
            return frozenset()

    async def prepare(self, language: str) -> int:
        """Make all prompts of a language that need no value, so that no caller waits; return how many.

        Each is made in a thread call of its own: a process that is stopped waits for one prompt at most.
        """
        keys = self.texts.keys(language) | self.texts.keys(self.fallback)
        fixed = [key for key in sorted(keys) if not self.variables(key)]
        for key in fixed:
            await asyncio.to_thread(self.sound, key, language)
        log.info("prompts.ready", language=language, prompts=len(fixed))
        return len(fixed)

    def discard_unused(self) -> None:
        """Delete spoken sentences that nobody has heard for a month: names and numbers that came and went."""
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
                log.warning("a recorded prompt cannot be read", recording=str(recording), problem=str(problem))
        if self.can_read(language) and self.texts.has(key, language):
            return self._speech.spoken(self.texts.render(key, language, variables), language)
        return None

    def _own_text(self, key: str, language: str) -> str | None:
        return self._own.text(key, language) if self._own is not None and self.can_read(language) else None

    def _own_recording(self, key: str, language: str) -> Path | None:
        """A recording counts only for prompts without values: it cannot say them."""
        return None if self._own is None or self.variables(key) else self._own.recording(key, language)

    def _recording(self, key: str, language: str) -> Path | None:
        if not (KEY.fullmatch(key) and _LANGUAGE.fullmatch(language)) or self.variables(key):
            return None
        recording = self._recordings / language / f"{key}.wav"
        return recording if recording.is_file() else None
