from pathlib import Path

import numpy as np
import pytest

from haichieu.audio import attention_chime, measure, read_wav, siren, write_tones
from haichieu.audio.tones import PEAK, SIREN_PITCHES

RATES = pytest.mark.parametrize("rate", [8000, 16000])


@RATES
def test_the_siren_wails_six_seconds_between_its_two_pitches(rate: int) -> None:
    sound = siren(rate)
    assert sound.seconds == 6.0
    pitches = []
    for begin in np.arange(0.1, 5.9, 0.1):
        frame = sound.samples[int(begin * rate) : int(begin * rate) + rate // 20]
        spectrum = np.abs(np.fft.rfft(frame * np.hanning(len(frame)), rate))
        pitches.append(int(np.argmax(spectrum)))
    low, high = SIREN_PITCHES
    assert min(pitches) == pytest.approx(low, rel=0.1)
    assert max(pitches) == pytest.approx(high, rel=0.1)
    turns = np.count_nonzero(np.diff(np.sign(np.diff(np.array(pitches)))[np.diff(np.array(pitches)) != 0]))
    assert turns == 3


@RATES
def test_the_siren_peaks_where_the_chimes_do_and_is_louder_to_the_ear(rate: int) -> None:
    wail, chime = measure(siren(rate)), measure(attention_chime(rate))
    assert wail.peak_dbfs == pytest.approx(20 * np.log10(PEAK), abs=0.1)
    assert 5 < wail.active_dbfs - chime.active_dbfs < 15
    assert wail.active_seconds > 5.9


def test_the_siren_is_written_beside_the_other_signals(tmp_path: Path) -> None:
    path = write_tones(tmp_path)["siren"]
    assert read_wav(path.with_suffix(".wav")).rate == 8000
    assert read_wav(path.with_suffix(".wav16")).rate == 16000
