"""A text as a sound in the telephone forms, which carry the mark of synthetic sound."""

from collections.abc import Callable
from pathlib import Path

from haichieu.audio.ingest import TelephoneForms, telephone_forms
from haichieu.audio.sound import write_wav
from haichieu.audio.synthetic_mark import SyntheticMark, write_mark
from haichieu.speech.pronunciations import Pronunciations
from haichieu.speech.reading import NO_ENTRIES
from haichieu.speech.scripts import require_script
from haichieu.speech.spoken_text import spoken_text
from haichieu.speech.synthesis import Identity, Speech, Synthesiser

SPEAKING = 0.9
"""Share of the work that is synthesis; the rest is conversion."""


class _Listener:
    """A synthesiser that remembers who spoke: a fallback may have spoken some of the pieces."""

    def __init__(self, synthesiser: Synthesiser) -> None:
        self._synthesiser = synthesiser
        self.heard: dict[Identity, None] = {}

    @property
    def languages(self) -> frozenset[str]:
        return self._synthesiser.languages

    def spoken_by(self) -> dict[str, str]:
        return self._synthesiser.spoken_by()

    def prepare(self, language: str) -> None:
        self._synthesiser.prepare(language)

    def identity(self, language: str) -> Identity:
        return self._synthesiser.identity(language)

    def synthesise(self, text: str, language: str) -> Speech:
        speech = self._synthesiser.synthesise(text, language)
        self.heard[speech.by] = None
        return speech

    @property
    def mark(self) -> SyntheticMark:
        marks = [identity.mark for identity in self.heard]
        return SyntheticMark("; ".join(mark.voice for mark in marks), any(mark.trained for mark in marks))


def spoken_forms(
    text: str,
    language: str,
    synthesiser: Synthesiser,
    folder: Path,
    dictionary: Pronunciations = NO_ENTRIES,
    progress: Callable[[float], None] = lambda share: None,
) -> TelephoneForms:
    """Write a text of any length as speech into `folder`. Blocks: use a thread. Raises SpeechError or UnusableSound."""
    require_script(text, language)  # the reading rules leave out what they do not know
    listener = _Listener(synthesiser)
    spoken = folder / "spoken.wav"
    write_wav(spoken, spoken_text(text, language, listener, dictionary, lambda share: progress(share * SPEAKING)))
    write_mark(spoken, listener.mark)
    return telephone_forms(spoken, folder, progress=lambda share: progress(SPEAKING + share * (1 - SPEAKING)))
