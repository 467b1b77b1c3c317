"""Voice activity: detecting speech, and cutting long sounds at quiet moments.

A piece is what Whisper takes at once. The worker can be stopped between pieces, and memory stays bounded for any
recording.
"""

from collections.abc import Iterator

import numpy as np

from haichieu.audio.sound import Sound, resample

RATE = 16_000
PIECE_SECONDS = 29.0
_SEARCH_SECONDS = 9.0
"""How much shorter a piece may be, to cut it at a quiet moment."""
_FRAME_SECONDS = 0.05
THRESHOLD = 0.6
"""Required certainty of Silero's detector; at its usual 0.5 it takes music for a voice."""


def pieces(sound: Sound) -> Iterator[tuple[float, Sound]]:
    """Yield a sound in pieces of at most `PIECE_SECONDS`, each with its start in seconds."""
    begin, whole = 0, int(PIECE_SECONDS * sound.rate)
    while begin < len(sound.samples):
        end = min(begin + whole, len(sound.samples))
        if end < len(sound.samples):
            end = _quietest(sound, end - int(_SEARCH_SECONDS * sound.rate), end)
        yield begin / sound.rate, Sound(sound.samples[begin:end], sound.rate)
        begin = end


def speech_seconds(sound: Sound) -> float:
    """Return the seconds of speech in a piece."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # takes a second, and most processes never ask

    spoken = get_speech_timestamps(resample(sound, RATE).samples, VadOptions(threshold=THRESHOLD))
    return float(sum(part["end"] - part["start"] for part in spoken)) / RATE


def _quietest(sound: Sound, first: int, last: int) -> int:
    """Return the middle of the quietest frame between two samples."""
    size = int(_FRAME_SECONDS * sound.rate)
    frames = sound.samples[first : first + (last - first) // size * size].reshape(-1, size)
    return first + int(np.argmin(np.mean(np.square(frames, dtype=np.float64), axis=1))) * size + size // 2
