"""Recognition of cut files by the bytes that their containers declare."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haichieu.audio.truncation import SLACK_BYTES, is_cut_off
from tests.examples import examples
from tests.haichieu.sound_files import ENCODED, SoundFiles, sounds

__all__ = ["sounds"]

MANY = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DECLARED = ["speech.wav", "long_form.wav", "a_law.wav", "memo.w64", "memo.aiff", "memo.caf", "film.mkv", "film.webm"]
MAGIC = (
    *(b"RIFF\0\0\0\0WAVE", b"RF64\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b"caff\0\1\0\0", b"\0\0\0\x18ftypM4A "),
    *(b"\x1a\x45\xdf\xa3\x84", b"OggS", b"#!AMR\n", b"#!AMR-WB\n", b"\xff\xf1", b"", b"data", b"ID3"),
)


@pytest.mark.parametrize("name", [*ENCODED, "speech.wav", "pauses.amr", "pauses.3gp"])
def test_no_whole_file_is_taken_for_a_cut_one(sounds: SoundFiles, name: str) -> None:
    assert not is_cut_off(sounds.path(name))


@pytest.mark.parametrize("name", DECLARED)
@given(share=st.floats(0.05, 1))
@MANY
def test_a_container_shows_a_cut_anywhere_in_its_sound(sounds: SoundFiles, name: str, share: float) -> None:
    whole = sounds.path(name).read_bytes()
    length = min(max(int(len(whole) * share), 1000), len(whole) - SLACK_BYTES - 2)
    assert is_cut_off(sounds.changed(name, lambda content: content[:length], "cut-anywhere"))


@given(magic=st.sampled_from(MAGIC), content=st.binary(max_size=200))
@MANY
def test_no_content_breaks_the_recognition(magic: bytes, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(magic + content)
    assert is_cut_off(tmp_path / "any") in (True, False)
