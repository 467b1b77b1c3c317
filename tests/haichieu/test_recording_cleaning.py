"""Recordings by phone or microphone are cleaned; produced files are not."""

from pathlib import Path

import numpy as np

from haichieu.audio.ingest import telephone_forms
from haichieu.audio.sound import Samples, Sound, read_wav, write_wav

RATE = 16_000
TIME = np.arange(RATE * 6) / RATE


def power(samples: Samples, hertz: float) -> float:
    """Return the level of one frequency in decibels."""
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / RATE)
    return float(20 * np.log10(abs(np.mean(samples * wave)) + 1e-9))


def syllables(level: Samples) -> Samples:
    """Return a voice-like tone that comes and goes three times a second."""
    return np.asarray(level * np.sin(2 * np.pi * 500 * TIME) * (0.5 - 0.5 * np.cos(2 * np.pi * 3 * TIME)), np.float32)


def forms(folder: Path, samples: Samples, *, recorded: bool) -> Samples:
    source = folder / "source.wav"
    write_wav(source, Sound(np.asarray(samples, np.float32), RATE))
    return read_wav(telephone_forms(source, folder, recorded=recorded).wide).samples


def test_hum_of_the_mains_is_removed_from_recordings_only(tmp_path: Path) -> None:
    hum = sum(0.03 * np.sin(2 * np.pi * hertz * TIME) for hertz in (50, 100, 150))
    noisy = syllables(np.full(len(TIME), 0.3, np.float32)) + hum
    cleaned, plain = (forms(tmp_path, noisy, recorded=recorded) for recorded in (True, False))
    for hertz in (50, 100, 150):
        below = power(cleaned, 500) - power(cleaned, hertz)
        assert below > power(plain, 500) - power(plain, hertz) + 6, hertz


def test_voice_that_moves_away_from_the_telephone_is_made_louder(tmp_path: Path) -> None:
    level = np.where(TIME < 3, 0.5, 0.08).astype(np.float32)
    cleaned = forms(tmp_path, syllables(level), recorded=True)
    near, far = (float(np.sqrt(np.mean(np.square(half)))) for half in np.array_split(cleaned, 2))
    assert 20 * np.log10(near / far) < 8, "it was 16 dB"


def test_clicks_of_keys_are_removed(tmp_path: Path) -> None:
    clicks = np.zeros(len(TIME), np.float32)
    clicks[RATE :: RATE // 2][:8] = 0.9
    cleaned, plain = (
        forms(tmp_path, syllables(np.full(len(TIME), 0.2, np.float32)) + clicks, recorded=recorded)
        for recorded in (True, False)
    )
    crest = [float(np.abs(np.diff(one)).max() / np.sqrt(np.mean(np.square(one)))) for one in (cleaned, plain)]
    assert crest[0] < crest[1] / 2
