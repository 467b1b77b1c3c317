"""Waveform outline of a recording: the peak of each of a few hundred pieces."""

import wave
from pathlib import Path

import numpy as np

from haichieu.audio.errors import UnreadableSound

PIECES = 240
MOST_OF_A_PIECE = 16_000
"""Frames read per piece; in a long programme, only the beginning of a piece is read."""


def peaks(file: Path) -> list[int]:
    """Return the peak of each piece in percent of full scale. Raises UnreadableSound unless it is 16-bit WAV."""
    try:
        with wave.open(str(file), "rb") as sound:
            if sound.getsampwidth() != 2:
                raise UnreadableSound("panel.sounds.unreadable", file=file.name)
            total = sound.getnframes()
            pieces = min(PIECES, total)
            found = []
            for piece in range(pieces):
                begin, end = piece * total // pieces, (piece + 1) * total // pieces
                sound.setpos(begin)
                frames = np.frombuffer(sound.readframes(min(end - begin, MOST_OF_A_PIECE)), "<i2")
                swing = int(np.max(np.abs(frames.astype(np.int32)), initial=0))
                found.append(round(swing * 100 / 32768))
            return found
    except (OSError, EOFError, wave.Error) as problem:
        raise UnreadableSound("panel.sounds.unreadable", file=file.name) from problem
