"""Recognition of a recording: read, cut into pieces, transcribed piece by piece, judged as a whole."""

import dataclasses
import threading
from collections.abc import Sequence
from pathlib import Path

from feedback.transcription.confidence import Understood, judge
from feedback.transcription.engine import Engine, Passage
from feedback.transcription.errors import LanguageNotKnown, SoundUnusable
from feedback.transcription.known_names import repaired
from feedback.transcription.voice import pieces
from haichieu.audio.errors import UnreadableSound
from haichieu.audio.sound import Sound, read_wav


class Interrupted(Exception):
    """The recognition was stopped."""


def understand_file(
    engine: Engine, recording: Path, language: str, stop: threading.Event | None = None, names: Sequence[str] = ()
) -> Understood:
    """Transcribe a recording. Raises SoundUnusable, LanguageNotKnown, EngineUnusable, or Interrupted."""
    if not engine.knows(language):
        raise LanguageNotKnown(language, engine.name)
    try:
        sound = read_wav(recording)
    except UnreadableSound as problem:
        raise SoundUnusable("transcript.unreadable", name=recording.name, problem=problem.message) from problem
    return with_names(understand(engine, sound, language, stop), names)


def understand(engine: Engine, sound: Sound, language: str, stop: threading.Event | None = None) -> Understood:
    """Transcribe a sound. Raises EngineUnusable, LanguageNotKnown, or Interrupted."""
    passages: list[Passage] = []
    spoken = 0.0
    for begin, piece in pieces(sound):
        if stop is not None and stop.is_set():
            raise Interrupted
        heard = engine.listen(piece, language)
        passages.extend(_later(passage, begin) for passage in heard.passages)
        spoken += heard.speech_seconds
    return judge(passages, spoken)


def with_names(understood: Understood, names: Sequence[str]) -> Understood:
    """Return a transcript whose doubtful words are names of the station where they sound nearly the same."""
    words = repaired(understood.words, names)
    if words == understood.words:
        return understood
    return dataclasses.replace(understood, words=words, text=" ".join(word.text for word in words))


def _later(passage: Passage, seconds: float) -> Passage:
    words = tuple(
        dataclasses.replace(word, begin=word.begin + seconds, end=word.end + seconds) for word in passage.words
    )
    return dataclasses.replace(passage, begin=passage.begin + seconds, end=passage.end + seconds, words=words)
