"""The station's own signals: the chime before and after a broadcast, and the tone that tells an official "speak".

Soft struck tones (a fundamental, a little of two overtones, dying away), made from numbers so that no recording
has to be shipped.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haichieu.audio.sound import Sound, write_wav

TELEPHONE_RATE = 8000
WIDEBAND_RATE = 16000
PEAK = 0.35
"""About -9 dBFS: as loud as speech sounds, and far from clipping in a horn loudspeaker."""

_ATTACK_SECONDS = 0.008
_DECAY_SECONDS = 0.28
_RELEASE_SECONDS = 0.03
_OVERTONES = ((1, 1.0), (2, 0.25), (3, 0.08))


def attention_chime(rate: int = TELEPHONE_RATE) -> Sound:
    """Three rising tones, 1.9 s: something is about to be said."""
    return _struck((523.25, 659.26, 783.99), 0.45, 1.0, rate)


def closing_chime(rate: int = TELEPHONE_RATE) -> Sound:
    """Two falling tones, 1.4 s: that was all."""
    return _struck((783.99, 523.25), 0.45, 0.95, rate)


def ready_beep(rate: int = TELEPHONE_RATE) -> Sound:
    """One short even tone, 0.2 s, to the official alone: you are live, speak."""
    time = np.arange(int(0.2 * rate)) / rate
    tone = PEAK * np.sin(2 * np.pi * 880.0 * time) * _edges(len(time), rate)
    return Sound(tone.astype(np.float32), rate)


def siren(rate: int = TELEPHONE_RATE) -> Sound:
    """A wail that rises and falls three times between 450 and 1150 Hz, 6 s: danger, listen."""
    time = np.arange(int(6.0 * rate)) / rate
    pitch = 800.0 - 350.0 * np.cos(2 * np.pi * time / 2.0)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    wave = np.sin(phase) + 0.25 * np.sin(2 * phase) + 0.12 * np.sin(3 * phase)
    wave *= _edges(len(wave), rate)
    return Sound((wave * (PEAK / np.max(np.abs(wave)))).astype(np.float32), rate)


def write_tones(folder: Path, rates: Sequence[int] = (TELEPHONE_RATE, WIDEBAND_RATE)) -> dict[str, Path]:
    """Write every signal into `folder`, one file a rate, and return their paths without the suffix's rate.

    At 8 kHz the file is `NAME.wav`, at 16 kHz `NAME.wav16`: Asterisk takes `NAME` and picks by codec.
    """
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"attention": attention_chime, "closing": closing_chime, "ready": ready_beep, "siren": siren}
    for name, make in makers.items():
        for rate in rates:
            suffix = ".wav" if rate == TELEPHONE_RATE else f".wav{rate // 1000}"
            write_wav(folder / f"{name}{suffix}", make(rate))
    return {name: folder / name for name in makers}


def _struck(pitches: Sequence[float], apart: float, last: float, rate: int) -> Sound:
    total = apart * (len(pitches) - 1) + last
    samples = np.zeros(int(total * rate))
    for index, pitch in enumerate(pitches):
        begin = int(index * apart * rate)
        time = np.arange(len(samples) - begin) / rate
        decay = np.exp(-time / _DECAY_SECONDS) * np.minimum(1.0, time / _ATTACK_SECONDS)
        for multiple, share in _OVERTONES:
            samples[begin:] += share * decay * np.sin(2 * np.pi * pitch * multiple * time)
    samples *= _edges(len(samples), rate)
    return Sound((samples * (PEAK / np.max(np.abs(samples)))).astype(np.float32), rate)


def _edges(length: int, rate: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Fade in and out, so that neither end clicks."""
    ramp = int(_RELEASE_SECONDS * rate)
    shape = np.ones(length)
    shape[:ramp] = np.linspace(0, 1, ramp) ** 2
    shape[-ramp:] = np.linspace(1, 0, ramp) ** 2
    return shape
