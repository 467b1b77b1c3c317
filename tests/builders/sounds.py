"""Sound files."""

import io
import wave
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from haichieu.media import Media, MediaStore


def tone(seconds: float = 1.5, pitch: int = 440, rate: int = 8000) -> bytes:
    """A WAV file with one tone."""
    times = np.arange(int(seconds * rate)) / rate
    return wav((9000 * np.sin(pitch * 2 * np.pi * times)).astype("<i2").tobytes(), rate)


def wav(samples: bytes, rate: int = 8000) -> bytes:
    """A WAV file of 16-bit samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes(samples)
    return file.getvalue()


def stored(session: Session, store: MediaStore, samples: bytes) -> Media:
    """Add a sound to the store and its row to the database; other samples make another sound."""
    store.folder.mkdir(parents=True, exist_ok=True)
    file = store.folder / "made.wav"
    file.write_bytes(wav(samples))
    return kept(session, store, file)


def kept(session: Session, store: MediaStore, wav: Path, wideband: Path | None = None) -> Media:
    """Put sound files into the store and add their row, within one transaction."""
    return store.add(session, store.put(wav, wideband))


def sound_row(session: Session, number: int = 1) -> Media:
    """Add the row of a sound whose file nobody opens."""
    made = Media(sha256=f"{number:064}", bytes=1, seconds=60.0)
    session.add(made)
    session.flush()
    return made
