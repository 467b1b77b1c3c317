"""Sound files: read, resampled, measured, made, and recorded so that they can be played at any time."""

import errno
import wave
from pathlib import Path

import numpy as np
import pytest

from haichieu.audio import (
    Sound,
    UnreadableSound,
    WavRecording,
    attention_chime,
    closing_chime,
    measure,
    read_wav,
    ready_beep,
    resample,
    tones,
    write_tones,
    write_wav,
)
from haichieu.audio.sound import whole_seconds


def sine(seconds: float, rate: int, pitch: float = 440.0, amplitude: float = 0.5) -> Sound:
    return Sound(
        (amplitude * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32), rate
    )


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", sine(0.5, 8000))
    back = read_wav(tmp_path / "a.wav")
    assert back.rate == 8000
    np.testing.assert_allclose(back.samples, sine(0.5, 8000).samples, atol=1 / 32000)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_of_sample_and_two_channels_are_read(tmp_path: Path, width: int) -> None:
    values = (np.array([0.0, 0.5, -0.5, 0.25]) * 2 ** (8 * width - 1)).astype(np.int64) + (128 if width == 1 else 0)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, width, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(int(v).to_bytes(width, "little", signed=width > 1) * 2 for v in values))
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav").samples, [0.0, 0.5, -0.5, 0.25], atol=0.01)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all" * 20])
def test_a_file_that_is_no_sound_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(UnreadableSound, match=r"a\.wav"):
        read_wav(tmp_path / "a.wav")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSound):
        read_wav(tmp_path / "none.wav")


@pytest.mark.parametrize("target", [8000, 11025, 16000, 22050, 48000])
def test_resampling_keeps_pitch_level_and_duration(target: int) -> None:
    result = resample(sine(1.0, 22050), target)
    assert result.seconds == pytest.approx(1.0, abs=0.001)
    spectrum = np.abs(np.fft.rfft(result.samples))
    assert np.argmax(spectrum) / result.seconds == pytest.approx(440, abs=2)
    assert measure(result).active_dbfs == pytest.approx(measure(sine(1.0, 22050)).active_dbfs, abs=0.1)


def test_resampling_down_leaves_no_alias() -> None:
    assert measure(resample(sine(1.0, 16000, pitch=6000), 8000)).active_dbfs < -40


def test_levels_are_taken_over_what_is_not_silence() -> None:
    quiet = Sound(np.zeros(16000, np.float32), 8000)
    levels = measure(Sound(np.concatenate([quiet.samples, sine(1.0, 8000).samples]), 8000))
    assert levels.seconds == 3.0
    assert levels.active_seconds == pytest.approx(1.0, abs=0.02)
    assert levels.active_dbfs == pytest.approx(-9.03, abs=0.05)
    assert levels.peak_dbfs == pytest.approx(-6.02, abs=0.05)


def test_an_empty_sound_is_silent() -> None:
    levels = measure(Sound(np.zeros(0, np.float32), 8000))
    assert (levels.active_seconds, levels.active_dbfs, levels.peak_dbfs) == (0.0, -120.0, -120.0)


@pytest.mark.parametrize("make", [attention_chime, closing_chime, ready_beep])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_signals_are_soft_short_and_do_not_click(make: type[attention_chime], rate: int) -> None:
    sound = make(rate)
    assert sound.rate == rate
    assert sound.seconds < 2.5
    assert -12 < measure(sound).peak_dbfs < -6
    assert abs(sound.samples[0]) < 0.001
    assert abs(sound.samples[-1]) < 0.001


def test_signals_are_written_for_both_rates(tmp_path: Path) -> None:
    names = write_tones(tmp_path / "tones")
    assert set(names) == {"attention", "closing", "ready", "siren"}
    for path in names.values():
        assert read_wav(path.with_suffix(".wav")).rate == 8000
        assert read_wav(path.with_suffix(".wav16")).rate == 16000


def test_signals_survive_a_start_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attention = write_tones(tmp_path)["attention"].with_suffix(".wav")

    def full(path: Path, sound: Sound) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tones, "write_wav", full)
    write_tones(tmp_path)
    attention.write_bytes(b"cut off")
    with pytest.raises(OSError, match="No space"):
        write_tones(tmp_path)
    assert attention.read_bytes() == b"cut off"


def test_a_file_that_lacks_what_it_declares_is_not_whole(tmp_path: Path) -> None:
    file = tmp_path / "sound.wav"
    write_wav(file, Sound(np.zeros(8000, dtype=np.float32), 8000))
    assert whole_seconds(file) == 1.0
    whole = file.read_bytes()
    for content in (b"", whole[:44], whole[:-2]):
        file.write_bytes(content)
        with pytest.raises(UnreadableSound):
            whole_seconds(file)


def test_a_recording_can_be_played_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    with WavRecording(path, 8000) as recording:
        assert read_wav(path).seconds == 0
        for count in range(1, 4):
            recording.write(sine(0.5, 8000).pcm())
            assert read_wav(path).seconds == pytest.approx(0.5 * count)


def test_a_recording_is_continued_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    for _ in range(2):
        with WavRecording(path, 8000) as recording:
            recording.write(sine(0.5, 8000).pcm())
    assert read_wav(path).seconds == pytest.approx(1.0)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"a shopping list", b"x" * 100])
def test_a_file_that_is_no_recording_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(UnreadableSound):
        WavRecording(path, 8000)
    assert path.read_bytes() == content


def test_a_recording_of_another_rate_is_not_continued(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", sine(0.1, 16000))
    with pytest.raises(UnreadableSound, match="8000"):
        WavRecording(tmp_path / "a.wav", 8000)
