"""A text of any length as speech: read by the rules of `reading`, cut where a reader would breathe."""

import re
from collections.abc import Callable

import numpy as np

from haichieu.audio.sound import Sound
from haichieu.speech.pronunciations import Pronunciations
from haichieu.speech.reading import NO_ENTRIES, lines_joined, read_aloud
from haichieu.speech.synthesis import NothingToSay, Synthesiser

PIECE = 600
"""Characters that are synthesised at once, about."""
PAUSE_SECONDS, PARAGRAPH_SECONDS = 0.35, 0.8

_PARAGRAPHS = re.compile(r"\n\s*\n|\r\n\s*\r\n")
_SENTENCES = re.compile(r"(?<=[.!?…;:])\s+")


def spoken_text(
    text: str,
    language: str,
    synthesiser: Synthesiser,
    dictionary: Pronunciations = NO_ENTRIES,
    progress: Callable[[float], None] = lambda share: None,
) -> Sound:
    """Synthesise a text piece by piece, with pauses between sentences and longer ones between paragraphs.

    Blocks: use a thread. `progress` is called with the share (0 to 1) of the text that is spoken.
    Raises NothingToSay and what the synthesiser raises.
    """
    samples: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
    rate = done = 0
    for paragraph in _PARAGRAPHS.split(text):
        for piece in _pieces(lines_joined(paragraph, language)):
            progress(min(done / len(text), 1.0))
            done += len(piece)
            try:
                speech = synthesiser.synthesise(read_aloud(piece, language, dictionary), language)
            except NothingToSay:
                continue
            rate = speech.rate
            samples.append(np.frombuffer(speech.samples, dtype="<i2").astype(np.float32) / 32768.0)
            samples.append(np.zeros(int(PAUSE_SECONDS * rate), dtype=np.float32))
        if samples:
            samples.append(np.zeros(int((PARAGRAPH_SECONDS - PAUSE_SECONDS) * rate), dtype=np.float32))
    if not samples:
        raise NothingToSay("speech.nothing_to_say")
    return Sound(np.concatenate(samples), rate)


def _pieces(paragraph: str) -> list[str]:
    """Cut at ends of sentences into pieces of at most about `PIECE` characters."""
    pieces: list[str] = []
    for sentence in _SENTENCES.split(" ".join(paragraph.split())):
        while len(sentence) > PIECE:
            cut = sentence.rfind(" ", 0, PIECE)
            cut = cut if cut > 0 else PIECE
            pieces.append(sentence[:cut])
            sentence = sentence[cut:].strip()
        if pieces and len(pieces[-1]) + len(sentence) < PIECE:
            pieces[-1] = f"{pieces[-1]} {sentence}"
        elif sentence:
            pieces.append(sentence)
    return pieces
