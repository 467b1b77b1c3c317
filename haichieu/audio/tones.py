"""Synthesised signals: the chimes of a broadcast, the tone that asks an official to speak, and the siren.

Chimes are a decaying fundamental with two weak overtones. Computing them avoids shipping recordings.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haichieu.audio.sound import HEADER_BYTES, Sound, write_wav

TELEPHONE_RATE = 8000
WIDEBAND_RATE = 16000
PEAK = 0.35
"""About -9 dBFS: as loud as speech sounds, and far from clipping in a horn loudspeaker."""

SIREN_PITCHES = (400.0, 1200.0)
"""Hz: within the range of telephones, horn loudspeakers and old ears."""
SIREN_SWEEP_SECONDS = 1.5
SIREN_SWEEPS = 4

_ATTACK_SECONDS = 0.008
_DECAY_SECONDS = 0.28
_RELEASE_SECONDS = 0.03
_OVERTONES = ((1, 1.0), (2, 0.25), (3, 0.08))


def attention_chime(rate: int = TELEPHONE_RATE) -> Sound:
    """Return three rising tones, 1.9 s, played before an announcement."""
    return _struck((523.25, 659.26, 783.99), 0.45, 1.0, rate)


def closing_chime(rate: int = TELEPHONE_RATE) -> Sound:
    """Return two falling tones, 1.4 s, played after an announcement."""
    return _struck((783.99, 523.25), 0.45, 0.95, rate)


def ready_beep(rate: int = TELEPHONE_RATE) -> Sound:
    """Return one short even tone, 0.2 s, that tells the official to speak."""
    time = np.arange(int(0.2 * rate)) / rate
    tone = PEAK * np.sin(2 * np.pi * 880.0 * time) * _edges(len(time), rate)
    return Sound(tone.astype(np.float32), rate)


def siren(rate: int = TELEPHONE_RATE) -> Sound:
    """A wail that rises and falls twice between SIREN_PITCHES, 6 s: danger, listen.

    As high as the chimes' peak, and so about 8 dB more to the ear, since it never dies away.
    """
    time = np.arange(int(SIREN_SWEEPS * SIREN_SWEEP_SECONDS * rate)) / rate
    low, high = SIREN_PITCHES
    # Even steps of musical pitch, not of frequency: the ear hears the sweep as steady.
    height = (1 - np.cos(np.pi * time / SIREN_SWEEP_SECONDS)) / 2
    phase = 2 * np.pi * np.cumsum(low * (high / low) ** height) / rate
    samples = sum(share * np.sin(multiple * phase) for multiple, share in _OVERTONES) * _edges(len(time), rate)
    return Sound((samples * (PEAK / np.max(np.abs(samples)))).astype(np.float32), rate)


def level_tone(rate: int = TELEPHONE_RATE) -> Sound:
    """Return an even tone of 1 kHz, 3 s, with which an installer sets a loudspeaker's volume."""
    time = np.arange(3 * rate) / rate
    tone = PEAK * np.sin(2 * np.pi * 1000.0 * time) * _edges(len(time), rate)
    return Sound(tone.astype(np.float32), rate)


def write_tones(folder: Path, rates: Sequence[int] = (TELEPHONE_RATE, WIDEBAND_RATE)) -> dict[str, Path]:
    """Write every signal into `folder`, one file a rate, and return their paths without the suffix's rate.

    At 8 kHz the file is `NAME.wav`, at 16 kHz `NAME.wav16`: Asterisk takes `NAME` and picks by codec.
    """
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"attention": attention_chime, "closing": closing_chime, "ready": ready_beep, "siren": siren}
    for name, make in makers.items():
        for rate in rates:
            suffix = ".wav" if rate == TELEPHONE_RATE else f".wav{rate // 1000}"
            _write_once(folder / f"{name}{suffix}", make(rate))
    return {name: folder / name for name in makers}


def _write_once(path: Path, sound: Sound) -> None:
    """Write a signal unless it is there: on a full disk, the one from an earlier start must stay."""
    if path.exists() and path.read_bytes()[HEADER_BYTES:] == sound.pcm():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    write_wav(draft, sound)
    draft.replace(path)


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
