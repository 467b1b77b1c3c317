"""Sounds for engines in tests: human speech through a telephone, and everything else that a line carries."""

import subprocess
from pathlib import Path

import numpy as np

from haichieu.audio.sound import Samples, Sound, from_pcm
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings

RATE = 8000
SECONDS = 12
TIME = np.arange(RATE * SECONDS) / RATE
MELODY = (262, 330, 392, 523, 392, 330, 294, 349, 440, 587, 440, 349)


def asterisk_speech(name: str, changed: str = "acopy") -> Sound:
    """A recording of a human voice that comes with Asterisk, as a phone hears it: A-law, 8 kHz.

    `changed` is a filter of ffmpeg.
    """
    file = find_or_fetch(load_settings()).data / "sounds" / "en" / f"{name}.gsm"
    return through_alaw(["-i", str(file), "-af", changed])


def through_alaw(source: list[str]) -> Sound:
    """Send a sound through the telephone's codec."""
    coded = _ffmpeg([*source, "-ar", str(RATE), "-ac", "1", "-f", "alaw", "-"])
    return from_pcm(_ffmpeg(["-f", "alaw", "-ar", str(RATE), "-i", "-", "-f", "s16le", "-"], coded), RATE)


def nobody_speaking() -> dict[str, Sound]:
    """Silence, noise, tones and music at a telephone's level, twelve seconds each."""
    random = np.random.default_rng(4)
    white = random.normal(size=len(TIME))
    spectrum = np.fft.rfft(random.normal(size=len(TIME)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    pink = np.fft.irfft(spectrum, len(TIME))
    dial = np.sin(2 * np.pi * 425 * TIME)
    made = {
        "silence": 0 * TIME,
        "white noise": 0.1 * white,
        "faint noise": 0.003 * white,
        "pink noise": 0.5 * pink / np.abs(pink).max(),
        "dial tone": 0.4 * dial,
        "busy tone": 0.4 * dial * (TIME % 1.0 < 0.5),
        "keys": 0.2 * (_tone(770) + _tone(1336)) * (TIME % 0.4 < 0.2),
        "drums": 0.5 * white * np.exp(-(TIME % 0.4) / 0.05),
        "melody": melody(),
    }
    return {name: Sound(samples.astype(np.float32), RATE) for name, samples in made.items()}


def melody() -> Samples:
    """Notes of a plucked string: what a voice detector is most easily deceived by."""
    note = np.arange(int(0.4 * RATE))
    plucked = [
        np.sin(2 * np.pi * pitch * note / RATE) * np.exp(-note / 2400)
        + 0.5 * np.sin(4 * np.pi * pitch * note / RATE) * np.exp(-note / 1600)
        for pitch in MELODY * 3
    ]
    return np.asarray(0.3 * np.concatenate(plucked)[: len(TIME)], np.float32)


def write(folder: Path, sound: Sound) -> Path:
    """Keep a sound as the recording that a call leaves."""
    from haichieu.audio.sound import write_wav

    path = folder / "message.wav"
    write_wav(path, sound)
    return path


def _tone(pitch: float) -> Samples:
    return np.asarray(np.sin(2 * np.pi * pitch * TIME), np.float32)


def _ffmpeg(arguments: list[str], given: bytes = b"") -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", *arguments], input=given, capture_output=True, check=True).stdout
