"""Rules for trusting an engine: nothing may be invented, and doubtful transcripts are marked for a person.

The limits are those by which Whisper's authors detect repetition and guessing (2.4 and -1). A passage that the engine
takes for no speech, and does not read with confidence, is dropped: music comes back as closing words of videos, over
and over.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.transcription.engine import Passage, Word

REPEATS_ABOVE = 2.4
LOOPS_ABOVE = 4.0
"""Speech does not repeat itself this much; prose lies between 1 and 2."""
GUESSES_BELOW = -1.0
NOBODY_ABOVE, NOBODY_BELOW = 0.6, -0.5
"""A higher probability of no speech together with a lower certainty of words: no person spoke."""
LOW_CONFIDENCE = 0.5
MOST_UNSURE = 0.05
"""Share of words below the low confidence; of Vietnamese sentences with more, nearly all are wrong."""
SILENT_SECONDS = 2.0
"""This much speech without any recognised word is worth listening to."""
LEARNED = (
    "subscribe", "đăng ký kênh", "đăng ký cho kênh", "ủng hộ kênh", "nút đăng ký", "không bỏ lỡ những video",
    "video tiếp theo", "hẹn gặp lại các bạn", "cảm ơn các bạn đã theo dõi", "cảm ơn các bạn đã xem", "cảm ơn đã xem",
    "for watching",
    "ghiền mì gõ", "la la school", "lalaschool", "amara.org", "phụ đề", "subtitles by", "[âm nhạc]", "♪",
)  # fmt: skip
"""Phrases that Whisper learned from subtitles. A citizen may use them too: they are kept, for a person to check."""
INVENTED = re.compile(
    r"(?:(?:các bạn )?(?:hãy|nhớ|đừng quên) )?(?:like(?:,| và)? )?(?:share(?:,| và)? )?subscribe (?:cho )?kênh\b.*"
    r"|(?:các bạn )?(?:hãy|nhớ|đừng quên) đăng ký kênh\b.*\b(?:video|ủng hộ)\b.*"
    r"|(?:và )?(?:để )?không bỏ lỡ những video\b.*"
    r"|thank(?:s| you) for watching\W*"
)
"""Whole sentences that it produces where it understands nothing, in small letters."""

_SENTENCES = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True)
class Understood:
    """The transcript of a message; its text may be empty. `confidence` is None if the engine has none."""

    text: str
    words: tuple[Word, ...]
    confidence: float | None
    doubtful: bool


def judge(passages: Sequence[Passage], speech_seconds: float) -> Understood:
    """Drop what was not said, and mark what a person should listen to."""
    said = [_without_inventions(passage) for passage in passages]
    kept = [passage for passage in said if passage.text.strip() and not _was_not_said(passage)]
    words = tuple(word for passage in kept for word in passage.words)
    confidence = _confidence(kept, words)
    text = " ".join(" ".join(passage.text.split()) for passage in kept)
    doubtful = (
        len(kept) < len(passages)
        or any(phrase in passage.text.lower() for passage in passages for phrase in LEARNED)
        or any(_is_doubtful(passage) for passage in kept)
        or (confidence is not None and confidence < LOW_CONFIDENCE)
        or (not text and speech_seconds >= SILENT_SECONDS)
    )
    return Understood(text, words, confidence, doubtful)


def _without_inventions(passage: Passage) -> Passage:
    """Return the passage without the sentences that nobody says to an office, and without their words."""
    sentences = _SENTENCES.split(passage.text.strip())
    invented = [bool(INVENTED.fullmatch(sentence.lower())) for sentence in sentences]
    if not any(invented):
        return passage
    keep = [not gone for sentence, gone in zip(sentences, invented, strict=True) for _ in sentence.split()]
    text = " ".join(sentence for sentence, gone in zip(sentences, invented, strict=True) if not gone)
    words = tuple(word for word, kept in zip(passage.words, keep, strict=False) if kept)
    return dataclasses.replace(passage, text=text, words=words if len(passage.words) == len(keep) else ())


def _was_not_said(passage: Passage) -> bool:
    if passage.compression_ratio is not None and passage.compression_ratio > LOOPS_ABOVE:
        return True
    if passage.no_speech is None or passage.mean_log_probability is None:
        return False
    unsure = passage.mean_log_probability < NOBODY_BELOW
    return passage.no_speech > NOBODY_ABOVE and unsure


def _is_doubtful(passage: Passage) -> bool:
    repeats = passage.compression_ratio is not None and passage.compression_ratio > REPEATS_ABOVE
    guesses = passage.mean_log_probability is not None and passage.mean_log_probability < GUESSES_BELOW
    return passage.doubtful or repeats or guesses or _has_guessed_words(passage)


def _has_guessed_words(passage: Passage) -> bool:
    """Return whether an engine with its own certainty of words was unsure of too many of them."""
    if passage.mean_log_probability is None or not passage.words:
        return False
    unsure = sum(word.probability < LOW_CONFIDENCE for word in passage.words)
    return unsure > len(passage.words) * MOST_UNSURE


def _confidence(kept: Sequence[Passage], words: Sequence[Word]) -> float | None:
    """Return the mean probability of the words, else of the passages; None when the engine has neither."""
    if words:
        return round(sum(word.probability for word in words) / len(words), 3)
    told = [passage.mean_log_probability for passage in kept if passage.mean_log_probability is not None]
    return round(math.exp(sum(told) / len(told)), 3) if told else None
