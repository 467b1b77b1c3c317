"""Notes of the texts that espeak-ng is given to speak."""

import pytest

from haichieu.speech.synthesis import EspeakSynthesiser, Speech


def note_what_is_spoken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which every text is added that espeak-ng speaks from now on."""
    spoken: list[str] = []
    speak = EspeakSynthesiser.synthesise

    def noting(engine: EspeakSynthesiser, text: str, language: str) -> Speech:
        spoken.append(text)
        return speak(engine, text, language)

    monkeypatch.setattr(EspeakSynthesiser, "synthesise", noting)
    return spoken
