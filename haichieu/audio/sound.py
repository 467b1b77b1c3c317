"""Mono sound in memory: read and written as WAV, resampled, and measured in dBFS and seconds."""

import math
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from haichieu.audio.errors import UnreadableSound

Samples = npt.NDArray[np.float32]

FULL_SCALE = 32768.0
FRAME_SECONDS = 0.02
SILENCE_DBFS = -50.0
"""A frame below this is silence: line noise of G.711 lies near -66, quiet speech above -45."""
LOWEST_DBFS = -120.0
"""Level reported for digital silence, whose logarithm is infinite."""
HEADER_BYTES = 44
"""The shortest header of a WAV file."""
_GUARD_SECONDS = 0.05
_SMOOTH = 4096
"""A Fourier transform takes much longer when its length has a large prime factor."""
_LOWEST_HZ = 0.1
"""Below this, frequencies are alike to a filter: that of a constant, 0, cannot be divided by."""


@dataclass(frozen=True)
class Sound:
    """Mono samples between -1 and 1, and the sample rate."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate

    def pcm(self) -> bytes:
        """Return the samples as 16-bit little-endian PCM, clipped at full scale."""
        scaled = np.clip(np.rint(self.samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        return bytes(scaled.astype("<i2").data)


@dataclass(frozen=True)
class Levels:
    """Levels of a sound: total seconds, seconds that are not silent, their RMS and the peak (dBFS)."""

    seconds: float
    active_seconds: float
    active_dbfs: float
    peak_dbfs: float


def read_wav(path: Path) -> Sound:
    """Read a WAV file of 8, 16, 24 or 32-bit PCM, several channels mixed into one.

    Raises UnreadableSound.
    """
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as problem:
        raise UnreadableSound("audio.not_wav", file=path, why=str(problem)) from problem
    if rate <= 0:
        raise UnreadableSound("audio.no_sample_rate", file=path)
    samples = _floats(raw[: len(raw) - len(raw) % (width * channels)], width)
    mixed = samples.reshape(-1, channels).mean(axis=1) if channels > 1 else samples
    return Sound(mixed.astype(np.float32), rate)


def whole_seconds(path: Path) -> float:
    """Return the length of a WAV file that contains all it declares.

    Raises UnreadableSound for any other, such as one that was written while the disk was full.
    """
    try:
        with wave.open(str(path), "rb") as file:
            count, size, rate = file.getnframes(), file.getsampwidth() * file.getnchannels(), file.getframerate()
        complete = 0 < count * size <= path.stat().st_size - HEADER_BYTES
    except (OSError, EOFError, wave.Error) as problem:
        raise UnreadableSound("audio.not_wav", file=path, why=str(problem)) from problem
    if not complete or rate <= 0:
        raise UnreadableSound("audio.incomplete", file=path)
    return count / rate


def write_wav(path: Path, sound: Sound) -> None:
    """Write `sound` as a 16-bit mono WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(sound.pcm())


def from_pcm(pcm: bytes, rate: int) -> Sound:
    """Take 16-bit little-endian mono PCM as a sound."""
    return Sound(_floats(pcm[: len(pcm) & ~1], 2), rate)


def resample(sound: Sound, rate: int) -> Sound:
    """The same sound at another rate (in Hz), without aliasing.

    The spectrum is cut or padded as a whole; a little silence at the end keeps the edges from wrapping around.
    """
    if rate == sound.rate or not len(sound.samples):
        return Sound(sound.samples, rate)
    common = math.gcd(rate, sound.rate)
    up, down = rate // common, sound.rate // common
    length = len(sound.samples) + int(_GUARD_SECONDS * sound.rate)
    length += -length % (2 * down)
    spectrum = np.fft.rfft(sound.samples, length)
    wanted = length // down * up
    kept = np.zeros(wanted // 2 + 1, dtype=spectrum.dtype)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    samples = np.fft.irfft(kept, wanted) * (wanted / length)
    return Sound(samples[: round(len(sound.samples) * up / down)].astype(np.float32), rate)


def band_limited(sound: Sound, lowest: float, highest: float) -> Sound:
    """The same sound with less below and above these frequencies (in Hz).

    The slopes are those of Butterworth filters of second order (12 dB per octave), without any shift of phase.
    """
    length = len(sound.samples) + int(_GUARD_SECONDS * sound.rate)
    length += -length % _SMOOTH
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / sound.rate), _LOWEST_HZ).astype(np.float32)
    below, above = (lowest / frequency) ** 4, (frequency / highest) ** 4
    spectrum = np.fft.rfft(sound.samples, length) / np.sqrt((1 + below) * (1 + above))
    return Sound(np.fft.irfft(spectrum, length)[: len(sound.samples)].astype(np.float32), sound.rate)


def dbfs(amplitude: float) -> float:
    """Return an amplitude (1 = full scale) in decibels, at least LOWEST_DBFS."""
    return max(LOWEST_DBFS, 20 * math.log10(amplitude)) if amplitude > 0 else LOWEST_DBFS


def rms(samples: Samples) -> float:
    """Return the root mean square of the samples, 0 for an empty sound."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def active_frames(sound: Sound, threshold_dbfs: float = SILENCE_DBFS) -> npt.NDArray[np.bool_]:
    """Return which 20 ms frames are louder than the threshold; a partial frame at the end is ignored."""
    size = max(1, int(sound.rate * FRAME_SECONDS))
    frames = sound.samples[: len(sound.samples) // size * size].reshape(-1, size)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return np.asarray(power > 10 ** (threshold_dbfs / 10))


def without_silent_ends(sound: Sound, margin_seconds: float, threshold_dbfs: float = SILENCE_DBFS) -> Sound:
    """Return the sound from shortly before its first to shortly after its last frame that is not silent."""
    active = np.flatnonzero(active_frames(sound, threshold_dbfs))
    if not len(active):
        return sound
    size, margin = max(1, int(sound.rate * FRAME_SECONDS)), int(sound.rate * margin_seconds)
    first, last = int(active[0]) * size - margin, (int(active[-1]) + 1) * size + margin
    return Sound(sound.samples[max(first, 0) : last], sound.rate)


def measure(sound: Sound, threshold_dbfs: float = SILENCE_DBFS) -> Levels:
    """Measure level and duration; the RMS is taken over the frames above `threshold_dbfs` alone."""
    active = active_frames(sound, threshold_dbfs)
    size = max(1, int(sound.rate * FRAME_SECONDS))
    heard = sound.samples[: len(active) * size].reshape(-1, size)[active]
    return Levels(
        seconds=sound.seconds,
        active_seconds=float(active.sum()) * size / sound.rate,
        active_dbfs=dbfs(rms(heard.ravel())),
        peak_dbfs=dbfs(float(np.max(np.abs(sound.samples), initial=0.0))),
    )


def _floats(raw: bytes, width: int) -> Samples:
    if width == 1:
        return ((np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128).astype(np.float32)
    if width == 3:
        padded = np.zeros((len(raw) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return (padded.reshape(-1).view("<i4") / 2.0**31).astype(np.float32)
    return (np.frombuffer(raw, f"<i{width}") / 2.0 ** (8 * width - 1)).astype(np.float32)
