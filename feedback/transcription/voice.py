"""Where somebody speaks in a sound, and cutting a long one where nobody does.

A piece has what Whisper takes at once. Between pieces a worker can be told to stop, and memory stays bounded however
long the recording is.
"""

from collections.abc import Iterator

import numpy as np

from haichieu.audio.sound import Sound, resample

RATE = 16_000
PIECE_SECONDS = 29.0
_SEARCH_SECONDS = 9.0
"""A piece may be shorter by so much, for the sake of a quiet moment to cut at."""
_FRAME_SECONDS = 0.05
THRESHOLD = 0.6
"""How sure Silero's detector must be of a voice; at its usual 0.5 it takes a melody for one."""


def pieces(sound: Sound) -> Iterator[tuple[float, Sound]]:
    """Yield a sound in pieces of at most `PIECE_SECONDS`, each with the second at which it begins."""
    begin, whole = 0, int(PIECE_SECONDS * sound.rate)
    while begin < len(sound.samples):
        end = min(begin + whole, len(sound.samples))
        if end < len(sound.samples):
            end = _quietest(sound, end - int(_SEARCH_SECONDS * sound.rate), end)
        yield begin / sound.rate, Sound(sound.samples[begin:end], sound.rate)
        begin = end


def speech_seconds(sound: Sound) -> float:
    """How many seconds of a piece are speech."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # takes a second, and most processes never ask

    spoken = get_speech_timestamps(resample(sound, RATE).samples, VadOptions(threshold=THRESHOLD))
    return float(sum(part["end"] - part["start"] for part in spoken)) / RATE


def _quietest(sound: Sound, first: int, last: int) -> int:
    """The middle of the quietest frame between two samples."""
    size = int(_FRAME_SECONDS * sound.rate)
    frames = sound.samples[first : first + (last - first) // size * size].reshape(-1, size)
    return first + int(np.argmin(np.mean(np.square(frames, dtype=np.float64), axis=1))) * size + size // 2
