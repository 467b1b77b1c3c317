"""Speech synthesis and its cache, with the real espeak-ng and ffmpeg."""

import contextlib
import os
import resource
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.errors import EnvironmentProblem
from haichieu.speech.synthesis import (
    LONGEST_TEXT,
    EspeakSynthesiser,
    NothingToSay,
    NoVoice,
    Speech,
    SpeechCache,
    SynthesisFailed,
    TextTooLong,
    levelled,
    speakable,
)

SENTENCE = "Xin mời nhập mã PIN, kết thúc bằng phím thăng."


class CountingSynthesiser:
    """The real synthesiser, with a count of how often it was asked; `before` runs inside each request."""

    languages = EspeakSynthesiser().languages

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self._engine = EspeakSynthesiser()
        self._before = before
        self.asked = 0

    def identity(self, language: str) -> tuple[str, str, str]:
        return self._engine.identity(language)

    def synthesise(self, text: str, language: str) -> Speech:
        self.asked += 1
        self._before()
        return self._engine.synthesise(text, language)


def samples(path: str) -> tuple[np.ndarray, int]:
    with wave.open(path) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768, sound.getframerate()


def active_level(sound: np.ndarray, rate: int) -> float:
    frame = rate // 50
    powers = np.mean(np.square(sound[: len(sound) // frame * frame].reshape(-1, frame)), axis=1)
    return float(10 * np.log10(np.mean(powers[powers > 1e-5])))


@pytest.mark.parametrize("text", [SENTENCE, "Xin chào.", "Bấm một để phát trực tiếp, bấm ba để nghe báo cáo."])
def test_a_sentence_becomes_two_files_of_one_length_and_an_even_level(tmp_path: Path, text: str) -> None:
    path = SpeechCache(tmp_path, EspeakSynthesiser()).spoken(text, "vi")

    narrow, narrow_rate = samples(f"{path}.wav")
    wide, wide_rate = samples(f"{path}.wav16")
    assert (narrow_rate, wide_rate) == (8000, 16000)
    assert len(narrow) / narrow_rate == pytest.approx(len(wide) / wide_rate, abs=0.01)
    assert active_level(narrow, narrow_rate) == pytest.approx(-20, abs=1.5)
    assert np.max(np.abs(wide)) < 0.95


def spectrum(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the frequencies of a sound and the power at each."""
    sound, rate = samples(path)
    return np.fft.rfftfreq(len(sound), 1 / rate), np.abs(np.fft.rfft(sound)) ** 2


def test_the_8_khz_file_contains_only_telephone_frequencies(tmp_path: Path) -> None:
    path = SpeechCache(tmp_path, EspeakSynthesiser()).spoken(SENTENCE, "vi")
    frequency, power = spectrum(f"{path}.wav")
    assert power[frequency < 50].sum() / power.sum() < 0.01


class NoiseSynthesiser(CountingSynthesiser):
    """Speaks white noise: as much power at every frequency."""

    def synthesise(self, text: str, language: str) -> Speech:
        noise = np.random.default_rng(1).normal(0, 3000, 3 * 22050).astype("<i2")
        return Speech(noise.tobytes(), 22050, self.identity(language))


@pytest.mark.parametrize(("extension", "highest"), [(".wav", 3600), (".wav16", 7200)])
def test_both_forms_keep_the_band_of_speech_and_leave_the_rest_out(
    tmp_path: Path, extension: str, highest: float
) -> None:
    frequency, power = spectrum(SpeechCache(tmp_path, NoiseSynthesiser()).spoken(SENTENCE, "vi") + extension)

    def level(middle: float) -> float:
        """The level around a frequency, in dB of that around 1 kHz."""
        near = [power[abs(frequency - one) < one / 20].mean() for one in (middle, 1000.0)]
        return float(10 * np.log10(near[0] / near[1]))

    assert level(300) == pytest.approx(0, abs=1.2)
    assert level(120) == pytest.approx(-3, abs=1)
    assert level(30) == pytest.approx(-24, abs=3)
    assert level(highest / 2) == pytest.approx(0, abs=1.2)
    assert level(highest) == pytest.approx(-3, abs=1)


def test_the_same_sentence_is_made_once_and_others_apart(tmp_path: Path) -> None:
    synthesiser = CountingSynthesiser()
    first = SpeechCache(tmp_path, synthesiser).spoken(SENTENCE, "vi")
    again = SpeechCache(tmp_path, synthesiser).spoken(f"  {SENTENCE}\n", "vi")
    english = SpeechCache(tmp_path, synthesiser).spoken(SENTENCE, "en")
    assert first == again != english
    assert synthesiser.asked == 2


def test_a_half_made_pair_is_made_again(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, EspeakSynthesiser())
    path = cache.spoken(SENTENCE, "vi")
    Path(f"{path}.wav").unlink()
    assert cache.spoken(SENTENCE, "vi") == path
    assert Path(f"{path}.wav").exists()


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow longer, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_sentence_cut_off_by_a_full_disk_is_made_again(tmp_path: Path) -> None:
    speaker = NoiseSynthesiser()
    speaker.identity("vi")  # asks a program, which the limit would end
    cache = SpeechCache(tmp_path, speaker)
    with files_of_at_most(20_000), pytest.raises(EnvironmentProblem, match="File too large"):
        cache.spoken(SENTENCE, "vi")
    assert list(tmp_path.glob("*/*")) == []
    path = cache.spoken(SENTENCE, "vi")
    Path(f"{path}.wav").write_bytes(b"")  # as an earlier version left it
    assert len(samples(cache.spoken(SENTENCE, "vi") + ".wav")[0]) > 8000


def test_a_recording_cut_off_by_a_full_disk_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "bin" / "ffmpeg"  # as ffmpeg does on a full disk: empty files, and status 0
    full.parent.mkdir()
    full.write_text('#!/bin/sh\nfor name; do case "$name" in /*.wav|/*.wav16) : > "$name";; esac; done\n')
    full.chmod(0o755)
    monkeypatch.setenv("PATH", f"{full.parent}:{os.environ['PATH']}")
    with pytest.raises(SynthesisFailed):
        SpeechCache(tmp_path / "speech", EspeakSynthesiser()).recorded(studio_recording(tmp_path))
    assert list(tmp_path.glob("speech/*/*")) == []


def test_threads_that_make_the_same_sentence_at_once_all_get_whole_files(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=30)
    synthesiser = CountingSynthesiser(together.wait)
    paths: list[str] = []

    def speak() -> None:
        path = SpeechCache(tmp_path, synthesiser).spoken(SENTENCE, "vi")
        assert len(samples(f"{path}.wav")[0]) > 8000
        paths.append(path)

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(paths) == 4
    assert len({*paths}) == 1
    assert sorted(file.suffix for file in tmp_path.glob("*/*")) == [".wav", ".wav16"]


def test_text_cannot_command_the_engine() -> None:
    engine = EspeakSynthesiser()
    plain = engine.synthesise("xin chào", "vi")
    assert engine.synthesise("xin \x01chào\x00", "vi") == plain
    assert engine.synthesise("-v en --stdin xin chào", "vi") != engine.synthesise("xin chào", "en")
    assert engine.synthesise("[[h@loU]] xin", "vi") == engine.synthesise("h@loU xin", "vi")


def test_text_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, EspeakSynthesiser())
    with pytest.raises(NothingToSay):
        cache.spoken(" \x00\u200b… ", "vi")
    with pytest.raises(TextTooLong):
        cache.spoken("a" * (LONGEST_TEXT + 1), "vi")
    with pytest.raises(NoVoice, match="hmn"):
        cache.spoken("Nyob zoo", "hmn")
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=200))
def test_what_is_spoken_has_no_control_characters(text: str) -> None:
    try:
        plain = speakable(text)
    except NothingToSay:
        return
    assert plain == " ".join(plain.split())
    assert plain.isprintable()


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentProblem, match="no-such-espeak"):
        SpeechCache(tmp_path, EspeakSynthesiser("no-such-espeak")).spoken(SENTENCE, "vi")

    cache = SpeechCache(tmp_path / "cache", EspeakSynthesiser())
    recording = studio_recording(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="ffmpeg"):
        cache.recorded(recording)
    assert list(tmp_path.glob("cache/*/*")) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "speech").write_text("a file where the folder should be")
    with pytest.raises(EnvironmentProblem, match="speech"):
        SpeechCache(tmp_path / "speech", EspeakSynthesiser()).spoken(SENTENCE, "vi")


def studio_recording(folder: Path) -> Path:
    """A second of a tone, in stereo at 44.1 kHz."""
    recording = folder / "studio.wav"
    tone = (np.sin(2 * np.pi * 440 * np.arange(44100) / 44100) * 8000).astype("<i2")
    with wave.open(str(recording), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(44100)
        sound.writeframes(np.repeat(tone, 2).tobytes())
    return recording


def test_a_recording_in_another_format_is_made_fit_for_the_telephone(tmp_path: Path) -> None:
    path = SpeechCache(tmp_path / "cache", EspeakSynthesiser()).recorded(studio_recording(tmp_path))

    narrow, rate = samples(f"{path}.wav")
    assert len(narrow) / rate == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("content", [b"", b"not a sound", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"])
def test_a_recording_without_sound_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    recording = tmp_path / "broken.wav"
    recording.write_bytes(content)
    with pytest.raises(SynthesisFailed):
        SpeechCache(tmp_path / "cache", EspeakSynthesiser()).recorded(recording)
    assert list(tmp_path.glob("cache/*/*")) == []


def test_what_nobody_heard_for_long_is_discarded(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, EspeakSynthesiser())
    old, kept = cache.spoken("Câu cũ.", "vi"), cache.spoken("Câu mới.", "vi")
    leftover = Path(old).parent / ".making-crashed"
    leftover.mkdir()
    long_ago = time.time() - 31 * 86400
    for path in (f"{old}.wav", f"{old}.wav16", f"{kept}.wav", f"{kept}.wav16", leftover):
        os.utime(path, (long_ago, long_ago))
    cache.spoken("Câu mới.", "vi")

    assert cache.discard_unused() == 3
    assert sorted(tmp_path.glob("*/*")) == sorted([Path(f"{kept}.wav"), Path(f"{kept}.wav16")])


def test_silence_stays_silence() -> None:
    assert levelled(Speech(bytes(3200), 8000)) == bytes(3200)
