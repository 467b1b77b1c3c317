"""Kinds of sound files: those that are whole are taken whole, the others refused with the true reason."""

import contextlib
import random
import struct
from pathlib import Path

import pytest

from haichieu.audio.ingest import (
    BrokenSound,
    SilentSound,
    TelephoneForms,
    TooLongSound,
    UnusableSound,
    telephone_forms,
)
from haichieu.audio.sound import measure, read_wav
from haichieu.demo.audio_matching import match
from tests.haichieu.sound_files import CUT_OFF, ENCODED, SILENT_SECONDS, SoundFiles, sounds, tried

__all__ = ["sounds"]

QUIET = [name for name in ENCODED if name.startswith("peaks_at")]


def require_whole_speech(sounds: SoundFiles, forms: TelephoneForms) -> None:
    heard = read_wav(forms.wide)
    assert measure(heard).active_seconds == pytest.approx(measure(sounds.speech).active_seconds, rel=0.15)
    assert forms.seconds == pytest.approx(sounds.speech.seconds, abs=0.5)
    assert -22 < measure(heard).active_dbfs < -10


@pytest.mark.parametrize("name", tried(ENCODED))
def test_the_whole_speech_of_every_kind_of_file_is_taken(sounds: SoundFiles, tmp_path: Path, name: str) -> None:
    require_whole_speech(sounds, telephone_forms(sounds.path(name), tmp_path))


@pytest.mark.parametrize("name", QUIET)
def test_quiet_speech_is_the_same_speech_when_it_is_levelled_up(sounds: SoundFiles, tmp_path: Path, name: str) -> None:
    forms = telephone_forms(sounds.path(name), tmp_path)
    assert match(sounds.speech, read_wav(forms.wide)).correlation > 0.7


@pytest.mark.parametrize("name", ["pauses.amr", "pauses.3gp"])
def test_pauses_of_an_old_telephone_keep_their_length(sounds: SoundFiles, tmp_path: Path, name: str) -> None:
    forms = telephone_forms(sounds.path(name), tmp_path)
    assert forms.seconds == pytest.approx(3.6, abs=0.1)
    assert measure(read_wav(forms.narrow)).active_seconds == pytest.approx(2.4, abs=0.2)


@pytest.mark.parametrize("name", tried(CUT_OFF))
@pytest.mark.parametrize("share", [0.4, 0.85])
def test_a_file_without_its_end_is_refused_as_such(sounds: SoundFiles, tmp_path: Path, name: str, share: float) -> None:
    cut = sounds.changed(name, lambda whole: whole[: int(len(whole) * share) | 1], f"cut-{name}")
    with pytest.raises(BrokenSound, match="cut off"):
        telephone_forms(cut, tmp_path)


@pytest.mark.parametrize("size", [0, *(pytest.param(one, marks=pytest.mark.proof) for one in (0x7FFFF000, 0xFFFFFFFF))])
def test_a_wav_of_unknown_size_is_taken(sounds: SoundFiles, tmp_path: Path, size: int) -> None:
    piped = sounds.changed("speech.wav", lambda wav: with_sizes(wav, size, size), "piped.wav")
    require_whole_speech(sounds, telephone_forms(piped, tmp_path))


@pytest.mark.parametrize(("riff", "data"), [(8, 0), (44, 44), pytest.param(100_000, 0, marks=pytest.mark.proof)])
def test_a_wav_with_a_careless_size_is_taken(sounds: SoundFiles, tmp_path: Path, riff: int, data: int) -> None:
    careless = sounds.changed(
        "speech.wav", lambda wav: with_sizes(wav, len(wav) - 8 + riff, len(wav) - data_start(wav) + data), "size.wav"
    )
    require_whole_speech(sounds, telephone_forms(careless, tmp_path))


def test_a_wav_whose_fact_chunk_is_wrong_is_taken(sounds: SoundFiles, tmp_path: Path) -> None:
    def doubled(wav: bytes) -> bytes:
        at = wav.index(b"fact") + 8
        return wav[:at] + struct.pack("<I", 2 * struct.unpack_from("<I", wav, at)[0]) + wav[at + 4 :]

    require_whole_speech(sounds, telephone_forms(sounds.changed("a_law.wav", doubled, "fact.wav"), tmp_path))


def test_half_a_file_of_opposite_channels_is_no_silence(sounds: SoundFiles, tmp_path: Path) -> None:
    same, opposite = (sounds.path(f"{name}_channels.wav").read_bytes() for name in ("same", "opposite"))
    pcm = same[data_start(same) :] + opposite[data_start(opposite) :]
    both = sounds.changed("same_channels.wav", lambda wav: with_sizes(wav[: data_start(wav)], 0, 0) + pcm, "both.wav")
    heard = measure(read_wav(telephone_forms(both, tmp_path).wide))
    assert heard.active_seconds == pytest.approx(2 * measure(sounds.speech).active_seconds, rel=0.15)


@pytest.mark.parametrize(
    "wave",
    [
        "if(gte(sin(2*PI*3000*t),0),.999,-.999)",
        *(pytest.param(one, marks=pytest.mark.proof) for one in ("if(gte(sin(2*PI*440*t),0),1,-1)", "random(0)*2-1")),
    ],
)
def test_a_siren_at_full_scale_is_taken(sounds: SoundFiles, tmp_path: Path, wave: str) -> None:
    siren = sounds.generated(f"aevalsrc='{wave}':d=4:s=16000", "siren.wav")
    forms = telephone_forms(siren, tmp_path)
    assert forms.seconds == pytest.approx(4.0, abs=0.1)
    assert -25 < measure(read_wav(forms.wide)).active_dbfs < -10


@pytest.mark.parametrize(("seconds", "kind"), [(0.31, "mp3"), (0.35, "wav")])
def test_a_short_beep_is_taken(sounds: SoundFiles, tmp_path: Path, kind: str, seconds: float) -> None:
    beep = sounds.generated(f"sine=1000:d={seconds}:r=16000", f"beep.{kind}")
    assert telephone_forms(beep, tmp_path).seconds == pytest.approx(seconds, abs=0.1)


def test_what_is_too_short_is_not_called_silent(sounds: SoundFiles, tmp_path: Path) -> None:
    with pytest.raises(SilentSound, match=r"at least 0\.3 seconds"):
        telephone_forms(sounds.generated("sine=1000:d=0.2", "short.wav"), tmp_path)


@pytest.mark.parametrize(
    "seconds", [0.5, 3.3, *(pytest.param(one, marks=pytest.mark.proof) for one in (1.0, 2.0, 4.0))]
)
def test_a_short_sound_is_as_loud_as_a_long_one(sounds: SoundFiles, tmp_path: Path, seconds: float) -> None:
    loud = sounds.generated(
        f"anoisesrc=d={seconds}:a=0.9:r=16000,volume='0.1+0.9*gt(mod(t,0.2),0.15)':eval=frame", "s.wav"
    )
    levels = measure(read_wav(telephone_forms(loud, tmp_path).wide))
    assert levels.active_seconds == pytest.approx(seconds, abs=0.1)
    assert levels.active_dbfs > -22
    assert levels.peak_dbfs < -1


def test_line_noise_is_silence(sounds: SoundFiles, tmp_path: Path) -> None:
    with pytest.raises(SilentSound, match="silent"):
        telephone_forms(sounds.generated("anoisesrc=d=2:a=0.0004:r=8000", "noise.wav"), tmp_path)


def test_direct_current_alone_is_silence(sounds: SoundFiles, tmp_path: Path) -> None:
    with pytest.raises(SilentSound, match="silent"):
        telephone_forms(sounds.generated("aevalsrc=0.3+0.0004*random(0):d=3:s=8000", "muted.wav"), tmp_path)


def test_silent_ends_are_found_beside_direct_current(sounds: SoundFiles, tmp_path: Path) -> None:
    tone = "aevalsrc=-0.1+0.2*sin(2500*t)*between(t\\,2\\,4):d=6:s=16000"
    wide = read_wav(telephone_forms(sounds.generated(tone, "offset.wav"), tmp_path).wide)
    assert wide.seconds == pytest.approx(2.6, abs=0.1)
    assert abs(float(wide.samples.mean())) < 0.001


@pytest.mark.parametrize("name", ["raw.aac", "without_xing.mp3"])
def test_an_estimated_length_does_not_refuse_a_short_file(sounds: SoundFiles, tmp_path: Path, name: str) -> None:
    forms = telephone_forms(sounds.path(name), tmp_path, most_seconds=SILENT_SECONDS + 10)
    assert forms.seconds < SILENT_SECONDS


@pytest.mark.parametrize("name", ["raw.aac", "without_xing.mp3", "browser.webm", "memo.gsm"])
def test_a_long_sound_of_unknown_length_is_refused_not_cut(sounds: SoundFiles, tmp_path: Path, name: str) -> None:
    with pytest.raises(TooLongSound):
        telephone_forms(sounds.path(name), tmp_path, most_seconds=1.0)


def test_a_recording_that_was_never_finished_is_named_so(sounds: SoundFiles, tmp_path: Path) -> None:
    unfinished = sounds.changed("index_last.m4a", lambda whole: whole[: whole.index(b"moov") - 4], "unfinished.m4a")
    with pytest.raises(BrokenSound, match="never finished"):
        telephone_forms(unfinished, tmp_path)


def test_a_file_full_of_damage_is_refused_as_such(sounds: SoundFiles, tmp_path: Path) -> None:
    with pytest.raises(BrokenSound, match="damaged"):
        telephone_forms(sounds.changed("raw.aac", lambda whole: damaged(whole, 2_000), "damaged.aac"), tmp_path)


def test_a_tag_in_the_middle_of_a_file_is_no_damage(sounds: SoundFiles, tmp_path: Path) -> None:
    tag = b"TAG" + b"Bao Lac".ljust(125, b"\0")
    joined = sounds.changed("without_xing.mp3", lambda whole: whole + tag + whole + tag, "joined.mp3")
    assert telephone_forms(joined, tmp_path).seconds > SILENT_SECONDS


def test_damage_of_any_kind_ends_in_a_sound_or_a_refusal(sounds: SoundFiles, tmp_path: Path) -> None:
    for name in ("memo.flac", "memo.opus", "index_first.m4a", "film.mkv"):
        with contextlib.suppress(UnusableSound):
            telephone_forms(sounds.changed(name, lambda whole: damaged(whole, 500), "damaged"), tmp_path)


def data_start(wav: bytes) -> int:
    return wav.index(b"data") + 8


def with_sizes(wav: bytes, riff: int, data: int) -> bytes:
    start = data_start(wav)
    return wav[:4] + struct.pack("<I", riff) + wav[8 : start - 4] + struct.pack("<I", data) + wav[start:]


def damaged(whole: bytes, count: int) -> bytes:
    chance, content = random.Random(1), bytearray(whole)
    for _ in range(count):
        content[chance.randrange(1000, len(content))] = chance.randrange(256)
    return bytes(content)
