"""Which sound is played for a prompt: a human recording where there is one, else a synthesised text.

The order: a recording in the caller's language, the text in the caller's language where it can be
synthesised, then the same two in the station's fallback language.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog

from haichieu.speech import SpeechCache, SynthesisFailed
from ivr.prompt_texts import KEY, PromptTexts, UnknownPrompt

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
    "degraded-leave-message",
    "degraded-message-kept",
    "degraded-message-not-kept",
)
"""What is said outside any one verb; every language must have them by some road."""


class PromptStore:
    """Prompts as sounds. `recordings` is a folder with `<language>/<key>.wav`, in any format ffmpeg reads.

    Its methods run programs and read files: call them in a thread, not on the event loop.
    """

    def __init__(
        self, texts: PromptTexts, speech: SpeechCache, recordings: Path, languages: Iterable[str], fallback: str
    ) -> None:
        """`languages` are those the station offers, `fallback` the one that all prompts exist in."""
        self.texts = texts
        self.languages = tuple(dict.fromkeys([*languages, fallback]))
        self.fallback = fallback
        self._speech = speech
        self._recordings = recordings

    def sound(self, key: str, language: str, variables: Mapping[str, str | int] | None = None) -> str:
        """Return the path without extension of a prompt, made when it is not there yet.

        A prompt with values in it is always synthesised; a recording that cannot be read is reported in the
        log and passed over. Raises UnknownPrompt, MissingVariable, and the
        errors of `haichieu.speech`.
        """
        for spoken in dict.fromkeys((language, self.fallback)):
            if (recording := self._recording(key, spoken)) is not None:
                try:
                    return self._speech.recorded(recording)
                except SynthesisFailed as problem:
                    log.warning("a recorded prompt cannot be read", recording=str(recording), problem=str(problem))
            if self._synthesised(key, spoken):
                return self._speech.spoken(self.texts.render(key, spoken, variables or {}), spoken)
        raise UnknownPrompt(key)

    def has(self, key: str, language: str) -> bool:
        """Say whether the prompt can be said in the language itself, without falling back."""
        return self._recording(key, language) is not None or self._synthesised(key, language)

    def recorded(self, key: str, language: str) -> bool:
        """Say whether somebody has recorded the prompt in the language."""
        return self._recording(key, language) is not None

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

    def prewarm(self, language: str) -> int:
        """Make all prompts of a language that need no value, so that no caller waits; return how many."""
        ready = 0
        keys = self.texts.keys(language) | self.texts.keys(self.fallback)
        for key in sorted(keys):
            if not self.variables(key):
                self.sound(key, language)
                ready += 1
        log.info("prompts are ready", language=language, prompts=ready)
        return ready

    def discard_unused(self) -> None:
        """Delete spoken sentences that nobody has heard for a month: names and numbers that came and went."""
        if discarded := self._speech.discard_unused():
            log.info("prompts discarded", files=discarded)

    def _synthesised(self, key: str, language: str) -> bool:
        return language in self._speech.languages and self.texts.has(key, language)

    def _recording(self, key: str, language: str) -> Path | None:
        """A recording counts only for prompts without values: it cannot say them."""
        if not (KEY.fullmatch(key) and _LANGUAGE.fullmatch(language)) or self.variables(key):
            return None
        recording = self._recordings / language / f"{key}.wav"
        return recording if recording.is_file() else None
