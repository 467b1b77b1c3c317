"""Comparison of a recorded sound with the sound that was sent: the proof that a loudspeaker played it.

The sent sound is cut into windows of 0.2 seconds, and each is searched in the recording by normalised
cross-correlation. Gain and codec do not matter; the delay is measured, and each window may deviate from it slightly, so
clock drift and jitter buffers do not matter either: a late packet costs the window that it falls into. Other speech, a
chime or silence do not correlate, and windows that correlate by chance do not agree on the delay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from haichieu.audio.sound import SILENCE_DBFS, Sound, active_frames, dbfs, resample, rms

FOUND = 0.6
"""Correlation from which a window counts as found: G.711 keeps it above 0.95, other speech below 0.5."""

_RATE = 8000
_WINDOW_SECONDS = 0.2
_LEAST_ACTIVE = 0.4
_ANCHORS = 16
_AGREE_SECONDS = 0.25
_PRE_EMPHASIS = 0.9

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """Similarity of the sent and the received sound.

    `correlation` is the median over all windows of speech that were sent (0 different, 1 equal), so it is
    high only when most of it arrived; `fraction` is the share of windows found. `delay_seconds` is where in the
    recording the sent sound starts, negative when its start was cut off. `matched_seconds` counts speech, not
    pauses; `level_db` (dBFS) is the level of the found windows as received.
    """

    correlation: float
    fraction: float
    delay_seconds: float
    matched_seconds: float
    level_db: float


NOTHING = Match(correlation=0.0, fraction=0.0, delay_seconds=0.0, matched_seconds=0.0, level_db=dbfs(0.0))


def match(sent: Sound, received: Sound) -> Match:
    """Look for `sent` in `received`; both may have any rate, and either may be silent or empty."""
    source, target = resample(sent, _RATE), resample(received, _RATE)
    windows = _speech_windows(source)
    if not windows or len(target.samples) < _RATE * _WINDOW_SECONDS:
        return NOTHING
    search = _Search(_sharpened(source), _sharpened(target))
    delay = _common_delay(search, windows)
    if delay is None:
        return NOTHING
    found = _followed(search, [begin for begin, _ in windows], delay)
    hits = [(at, begin, active) for (score, at), (begin, active) in zip(found, windows, strict=True) if score >= FOUND]
    size = int(_WINDOW_SECONDS * _RATE)
    heard = [target.samples[max(0, begin + at) : begin + at + size] for at, begin, _ in hits]
    return Match(
        correlation=max(0.0, float(np.median([score for score, _ in found]))),
        fraction=len(hits) / len(windows),
        delay_seconds=(float(np.median([at for at, _, _ in hits])) if hits else delay) / _RATE,
        matched_seconds=sum(active for _, _, active in hits),
        level_db=dbfs(rms(np.concatenate(heard))) if heard else dbfs(0.0),
    )


def _followed(search: "_Search", begins: Sequence[int], delay: int) -> list[tuple[float, int]]:
    """Return the best position of every window near the delay of the previous match, the first near `delay`.

    On a busy machine, sender or receiver drift further than a single delay would allow.
    """
    slack = int(_AGREE_SECONDS * _RATE)
    first = max(range(len(begins)), key=lambda n: search.best(begins[n], delay - slack, delay + slack)[0])
    found: dict[int, tuple[float, int]] = {}
    for way in (range(first, len(begins)), range(first - 1, -1, -1)):
        near, reach = found[first][1] if found else delay, slack
        for n in way:
            found[n] = search.best(begins[n], near - reach, near + reach)
            near, reach = (found[n][1], slack) if found[n][0] >= FOUND else (near, reach + slack)
    return [found[n] for n in range(len(begins))]


class _Search:
    """One sent and one received signal; finds where a window of the first is most alike to the second.

    Delays are samples: where sample 0 of the sent sound lies in the received one.
    """

    def __init__(self, sent: _Floats, received: _Floats) -> None:
        self.size = int(_WINDOW_SECONDS * _RATE)
        self._sent = np.pad(sent, (0, self.size))
        # A window may hang over either end of the recording.
        self._received = np.pad(received, self.size)
        self._energy = np.concatenate(([0.0], np.cumsum(np.square(self._received))))
        self._spectra: dict[tuple[int, int], npt.NDArray[np.complexfloating[Any, Any]]] = {}
        """Of the stretch last looked at: windows that are looked for anywhere are looked for in the same one."""

    @property
    def whole(self) -> int:
        """Return the number of possible window positions."""
        return len(self._received) - self.size + 1

    def best(self, begin: int, first: int, last: int) -> tuple[float, int]:
        """Return the highest correlation of the window at `begin`, and its delay, for delays from `first` to `last`."""
        low = max(0, first + begin + self.size)
        high = min(self.whole, last + begin + self.size + 1)
        if low >= high:
            return 0.0, first
        scores = self._correlations(begin, low, high)
        peak = int(np.argmax(scores))
        return float(scores[peak]), low + peak - self.size - begin

    def anywhere(self, begin: int) -> tuple[float, int]:
        """Return the highest correlation of the window at `begin` in the whole recording, and its delay."""
        return self.best(begin, -begin - self.size, self.whole)

    def _correlations(self, begin: int, low: int, high: int) -> _Floats:
        # Single precision takes half the time, and two digits suffice.
        window = self._sent[begin : begin + self.size]
        stretch = self._received[low : high - 1 + self.size]
        length = 1 << (len(stretch) + self.size - 1).bit_length()
        if (low, high) not in self._spectra:
            self._spectra = {(low, high): np.fft.rfft(stretch.astype(np.float32), length)}
        product = self._spectra[low, high] * np.conj(np.fft.rfft(window.astype(np.float32), length))
        dots = np.fft.irfft(product, length)[: high - low]
        energies = self._energy[low + self.size : high + self.size] - self._energy[low:high]
        own = float(np.dot(window, window))
        # A stretch far quieter than the rest is silence: dividing by nothing would make chance look like likeness.
        floor = self.size * 10 ** (SILENCE_DBFS / 10) * 0.01
        return np.asarray(dots / np.sqrt(own * np.maximum(energies, floor)))


def _speech_windows(source: Sound) -> list[tuple[int, float]]:
    """Return the start of each window with enough sound, and its active seconds."""
    active = active_frames(source)
    frames = int(_WINDOW_SECONDS / 0.02)
    windows = [(start, active[start : start + frames].sum()) for start in range(0, len(active), frames)]
    return [(start * _RATE // 50, float(count) / 50) for start, count in windows if count >= _LEAST_ACTIVE * frames]


def _common_delay(search: _Search, windows: list[tuple[int, float]]) -> int | None:
    """Return the delay on which most anchors agree, None unless two do or a single one is certain."""
    step = max(1, len(windows) // _ANCHORS)
    anchors = [search.anywhere(begin) for begin, _ in windows[::step]]
    near = _AGREE_SECONDS * _RATE
    support = [sum(score for score, other in anchors if abs(other - delay) <= near) for _, delay in anchors]
    best = int(np.argmax(support))
    members = [delay for score, delay in anchors if abs(delay - anchors[best][1]) <= near and score > FOUND / 2]
    if len(members) < 2 and anchors[best][0] < FOUND:
        return None
    return int(np.median(members))


def _sharpened(sound: Sound) -> _Floats:
    """Emphasise high frequencies: voices differ more in consonants than in low tones."""
    samples = sound.samples.astype(np.float64)
    return np.asarray(samples - _PRE_EMPHASIS * np.concatenate(([0.0], samples[:-1])))
