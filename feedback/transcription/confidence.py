"""What to believe of what an engine heard: nothing may be invented, and a person is told where to listen.

The bounds are those that Whisper's authors use to notice that it repeats itself or guesses (2.4 and -1). A passage that
the engine itself takes for something else than speech, and does not read with confidence, is left out: a melody comes
back as the closing words of videos, and over and over.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.transcription.engine import Passage, Word

REPEATS_ABOVE = 2.4
LOOPS_ABOVE = 4.0
"""Speech does not repeat itself so much; prose lies between 1 and 2."""
GUESSES_BELOW = -1.0
NOBODY_ABOVE, NOBODY_BELOW = 0.6, -0.5
"""More likely no speech than this, and words less certain than this: nobody spoke."""
LOW_CONFIDENCE = 0.5
SILENT_SECONDS = 2.0
"""So much speech without a word written down is worth listening to."""
INVENTED = ("subscribe cho kênh", "đăng ký kênh để", "không bỏ lỡ những video", "thanks for watching")
"""What Whisper learned from subtitles and says where it understands nothing."""


@dataclass(frozen=True)
class Understood:
    """What was understood of a message: an empty text when nothing was. `confidence` is None if the engine has none."""

    text: str
    words: tuple[Word, ...]
    confidence: float | None
    doubtful: bool


def judge(passages: Sequence[Passage], speech_seconds: float) -> Understood:
    """Leave out what was not said, and say whether a person should listen."""
    kept = [passage for passage in passages if passage.text.strip() and not _was_not_said(passage)]
    words = tuple(word for passage in kept for word in passage.words)
    confidence = _confidence(kept, words)
    text = " ".join(" ".join(passage.text.split()) for passage in kept)
    doubtful = (
        len(kept) < len(passages)
        or any(_is_doubtful(passage) for passage in kept)
        or (confidence is not None and confidence < LOW_CONFIDENCE)
        or (not text and speech_seconds >= SILENT_SECONDS)
    )
    return Understood(text, words, confidence, doubtful)


def _was_not_said(passage: Passage) -> bool:
    if any(phrase in passage.text.lower() for phrase in INVENTED):
        return True
    if passage.compression_ratio is not None and passage.compression_ratio > LOOPS_ABOVE:
        return True
    if passage.no_speech is None or passage.mean_log_probability is None:
        return False
    unsure = passage.mean_log_probability < NOBODY_BELOW
    return passage.no_speech > NOBODY_ABOVE and unsure


def _is_doubtful(passage: Passage) -> bool:
    repeats = passage.compression_ratio is not None and passage.compression_ratio > REPEATS_ABOVE
    guesses = passage.mean_log_probability is not None and passage.mean_log_probability < GUESSES_BELOW
    return repeats or guesses


def _confidence(kept: Sequence[Passage], words: Sequence[Word]) -> float | None:
    """The mean probability of the words; without words that of the passages; None when the engine tells neither."""
    if words:
        return round(sum(word.probability for word in words) / len(words), 3)
    told = [passage.mean_log_probability for passage in kept if passage.mean_log_probability is not None]
    return round(math.exp(sum(told) / len(told)), 3) if told else None
