"""The evidence that a loudspeaker played what a phone sent: degraded speech is found, everything else is not."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from haichieu.audio import Sound, attention_chime, closing_chime, read_wav, resample
from haichieu.demo.audio_matching import FOUND, Match, match

ANNOUNCEMENT = (
    "The people's committee of the commune announces that the water supply will be closed on Saturday "
    "from seven in the morning until noon. Please keep enough water for your household, and tell your neighbours."
)
OTHER_WORDS = (
    "Tomorrow the health station vaccinates children between two and five years of age. "
    "Bring the booklet of each child, come before ten o'clock, and wait in the shade of the school yard."
)


def spoken(text: str, folder: Path, voice: str = "en") -> Sound:
    """Speech of espeak-ng at 22 kHz, its level lowered so that nothing clips."""
    path = folder / f"{abs(hash((text, voice)))}.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-a", "60", "-w", str(path), text], check=True)
    return read_wav(path)


def through_codec(sound: Sound, codec: str) -> Sound:
    """Encode and decode with ffmpeg, at the codec's own rate."""
    rate = 16000 if codec == "g722" else 8000
    form = "g722" if codec == "g722" else {"pcm_alaw": "alaw", "pcm_mulaw": "mulaw"}[codec]
    source = resample(sound, rate)
    raw = ["-f", "s16le", "-ar", str(rate), "-ac", "1"]
    quiet = ["ffmpeg", "-hide_banner", "-loglevel", "error"]
    packed = subprocess.run(
        [*quiet, *raw, "-i", "-", "-c:a", codec, "-f", form, "-"],
        input=source.pcm(),
        capture_output=True,
        check=True,
    ).stdout
    decode = ["-f", form] if codec == "g722" else ["-f", form, "-ar", "8000", "-ac", "1"]
    plain = subprocess.run(
        [*quiet, *decode, "-i", "-", *raw, "-"], input=packed, capture_output=True, check=True
    ).stdout
    return Sound((np.frombuffer(plain, "<i2") / 32768).astype(np.float32), rate)


def silence(seconds: float) -> Sound:
    return Sound(np.zeros(int(seconds * 8000), np.float32), 8000)


def joined(*parts: Sound) -> Sound:
    return Sound(np.concatenate([resample(part, 8000).samples for part in parts]), 8000)


def louder(sound: Sound, decibels: float) -> Sound:
    return Sound((sound.samples * 10 ** (decibels / 20)).astype(np.float32), sound.rate)


def noisy(sound: Sound, decibels_below: float) -> Sound:
    noise = np.random.default_rng(7).normal(size=len(sound.samples))
    level = np.sqrt(np.mean(np.square(sound.samples))) * 10 ** (-decibels_below / 20)
    return Sound((sound.samples + noise * level).astype(np.float32), sound.rate)


def drifted(sound: Sound, parts_per_million: float) -> Sound:
    """The same sound by a clock that is wrong."""
    at = np.arange(len(sound.samples)) * (1 + parts_per_million / 1e6)
    return Sound(np.interp(at, np.arange(len(sound.samples)), sound.samples).astype(np.float32), sound.rate)


@pytest.fixture(scope="module")
def announcement(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return resample(spoken(ANNOUNCEMENT, tmp_path_factory.mktemp("speech")), 16000)


@pytest.fixture(scope="module")
def other_words(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return resample(spoken(OTHER_WORDS, tmp_path_factory.mktemp("speech")), 16000)


def with_jump(sound: Sound) -> Sound:
    """A jitter buffer that grows by 60 ms in the middle."""
    half = len(sound.samples) // 2
    first, second = (Sound(part, sound.rate) for part in (sound.samples[:half], sound.samples[half:]))
    return joined(first, silence(0.06), second)


@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        ("untouched", 0.99),
        ("pcm_alaw", 0.95),
        ("pcm_mulaw", 0.95),
        ("g722", 0.95),
        ("20 dB quieter through A-law", 0.9),
        ("noise 15 dB below", 0.7),
        ("50 ppm of drift", 0.85),
        ("a jump of 60 ms", 0.9),
    ],
)
def test_speech_is_found_through_what_telephony_does_to_it(announcement: Sound, name: str, at_least: float) -> None:
    degraded = {
        "untouched": lambda: announcement,
        "pcm_alaw": lambda: through_codec(announcement, "pcm_alaw"),
        "pcm_mulaw": lambda: through_codec(announcement, "pcm_mulaw"),
        "g722": lambda: through_codec(announcement, "g722"),
        "20 dB quieter through A-law": lambda: through_codec(louder(announcement, -20), "pcm_alaw"),
        "noise 15 dB below": lambda: noisy(announcement, 15),
        "50 ppm of drift": lambda: drifted(announcement, 50),
        "a jump of 60 ms": lambda: with_jump(announcement),
    }[name]()
    received = joined(silence(1.0), attention_chime(), degraded, closing_chime(), silence(2.0))

    result = match(announcement, received)

    assert result.correlation >= at_least
    assert result.fraction >= 0.9
    assert result.delay_seconds == pytest.approx(1.0 + attention_chime().seconds, abs=0.07)
    assert result.matched_seconds > 0.6 * announcement.seconds


def test_speech_is_found_despite_repeated_delays(announcement: Sound, other_words: Sound) -> None:
    """What a machine does that is too busy: in the end it is half a second late, more than any one delay allows."""
    pieces = np.array_split(announcement.samples, 6)
    held_up = joined(*(part for piece in pieces for part in (Sound(piece, announcement.rate), silence(0.12))))
    result = match(announcement, through_codec(held_up, "pcm_alaw"))
    assert result.correlation > FOUND
    assert result.fraction > 0.6
    assert match(other_words, held_up).correlation < 0.4


def test_late_packets_cost_only_the_moment_in_which_they_were_due(announcement: Sound, other_words: Sound) -> None:
    """Once a second the jitter buffer fills in, so that no whole second arrives as it was sent."""
    pieces = np.array_split(announcement.samples, int(announcement.seconds / 0.9))
    late = joined(*(part for piece in pieces for part in (Sound(piece, announcement.rate), silence(0.04))))
    assert match(announcement, late).correlation > 0.75
    assert match(other_words, late).correlation < 0.4


def test_a_delay_is_measured_to_the_millisecond(announcement: Sound) -> None:
    received = joined(silence(3.217), through_codec(announcement, "pcm_alaw"))
    assert match(announcement, received).delay_seconds == pytest.approx(3.217, abs=0.001)


def test_a_beginning_that_was_cut_off_gives_a_negative_delay(announcement: Sound) -> None:
    cut = Sound(announcement.samples[int(0.4 * announcement.rate) :], announcement.rate)
    result = match(announcement, cut)
    assert result.delay_seconds == pytest.approx(-0.4, abs=0.001)
    assert result.correlation > 0.95


def test_the_level_is_that_of_the_speech_as_received(announcement: Sound) -> None:
    plain, quieter = (match(announcement, louder(announcement, gain)) for gain in (0.0, -12.0))
    assert plain.level_db - quieter.level_db == pytest.approx(12.0, abs=0.2)


def test_half_an_announcement_is_not_the_announcement(announcement: Sound) -> None:
    third = Sound(announcement.samples[: len(announcement.samples) // 3], announcement.rate)
    result = match(announcement, third)
    assert result.fraction < 0.5
    assert result.correlation < FOUND


@pytest.mark.parametrize("received", ["other words", "other voice", "chime", "silence", "noise", "nothing", "tone"])
def test_what_is_not_the_announcement_scores_low(
    announcement: Sound, other_words: Sound, received: str, tmp_path: Path
) -> None:
    generator = np.random.default_rng(11)
    heard = {
        "other words": lambda: joined(attention_chime(), other_words, closing_chime()),
        "other voice": lambda: spoken("Xin mời bà con nghe bản tin buổi sáng của xã Hưng Đạo.", tmp_path, "vi"),
        "chime": lambda: joined(attention_chime(), closing_chime(), silence(8)),
        "silence": lambda: silence(12),
        "noise": lambda: Sound(generator.normal(scale=0.1, size=96000).astype(np.float32), 8000),
        "nothing": lambda: silence(0),
        "tone": lambda: Sound((0.3 * np.sin(np.arange(96000) * 0.35)).astype(np.float32), 8000),
    }[received]()

    result = match(announcement, heard)

    assert result.correlation < 0.4
    assert result.fraction < 0.2


def test_silence_that_was_sent_proves_nothing(announcement: Sound) -> None:
    assert match(silence(5), announcement) == Match(0.0, 0.0, 0.0, 0.0, -120.0)
