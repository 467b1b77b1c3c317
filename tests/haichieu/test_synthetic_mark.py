"""The machine-readable mark of synthetic sound: in every stored form, harmless to players, and never on a recording."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.audio.ingest import telephone_forms
from haichieu.audio.sound import read_wav, whole_seconds
from haichieu.audio.synthetic_mark import SOURCE_TYPES, SyntheticMark, read_mark, write_mark
from haichieu.database import Database
from haichieu.media import MediaStore
from haichieu.speech.spoken_forms import spoken_forms
from haichieu.speech.synthesis import EspeakSynthesiser, Identity, Speech, WrongScript
from tests.builders.sounds import tone, wav

MARK = SyntheticMark("piper vi_VN-vais1000-medium/1", trained=True)


@given(samples=st.binary(min_size=2, max_size=99).map(lambda raw: raw[: len(raw) & ~1]), voice=st.text(max_size=40))
def test_mark_survives_and_changes_no_sample(
    tmp_path_factory: pytest.TempPathFactory, samples: bytes, voice: str
) -> None:
    file = tmp_path_factory.mktemp("mark") / "sound.wav"
    file.write_bytes(wav(samples))
    before = read_wav(file).pcm(), whole_seconds(file)
    assert read_mark(file) is None

    write_mark(file, SyntheticMark(voice, trained=False))

    assert (read_wav(file).pcm(), whole_seconds(file)) == before
    assert read_mark(file) == SyntheticMark(voice, trained=False)
    size = file.stat().st_size
    assert int.from_bytes(file.read_bytes()[4:8], "little") == size - 8
    write_mark(file, MARK)
    assert file.stat().st_size == size


@given(st.binary(max_size=200))
def test_any_file_can_be_asked_for_its_mark(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("mark") / "sound.wav"
    for head in (b"", b"RIFF\xff\xff\xff\xffWAVE", b"RIFF\0\0\0\0WAVELIST\x10\0\0\0INFO"):
        file.write_bytes(head + content)
        assert read_mark(file) is None


def test_other_programs_see_the_source_type(tmp_path: Path) -> None:
    file = tmp_path / "sound.wav"
    file.write_bytes(tone())
    write_mark(file, MARK)
    command = ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "default=nk=1:nw=1", file]
    assert f"{SOURCE_TYPES}trainedAlgorithmicMedia" in subprocess.run(command, capture_output=True, text=True).stdout


def test_text_read_aloud_is_marked_in_store_and_row(database: Database, tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media", 0)
    with store.scratch() as folder, database.session() as session:
        forms = spoken_forms("Ngày mai mất nước.", "vi", EspeakSynthesiser(), Path(folder))
        media = store.add(session, store.put(forms.narrow, forms.wide))
        assert media.synthetic.startswith("espeak-ng vi")
        for form in (store.path(media), store.path(media).with_suffix(".wav16")):
            mark = read_mark(form)
            assert mark == SyntheticMark(media.synthetic, trained=False)


def test_recording_is_not_marked_and_a_marked_upload_stays_marked(database: Database, tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media", 0)
    for name, said in UPLOADS.items():
        upload, folder = tmp_path / name, tmp_path / f"{name}.forms"
        folder.mkdir()
        (tmp_path / "plain.wav").write_bytes(tone(2.0))
        tags = ["-metadata", f"comment={said}"] if said else []
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", tmp_path / "plain.wav", *tags, upload], check=True)
        forms = telephone_forms(upload, folder)
        with database.session() as session:
            media = store.add(session, store.put(forms.narrow, forms.wide))
            assert bool(media.synthetic) is bool(said), name
            assert (read_mark(store.path(media)) is not None) is bool(said), name
            assert (read_mark(store.path(media).with_suffix(".wav16")) is not None) is bool(said), name
            session.rollback()


UPLOADS = {
    "human.wav": "",
    "human.mp3": "",
    "ours.wav": f'{{"digitalSourceType": "{SOURCE_TYPES}algorithmicMedia", "voice": "espeak-ng vi"}}',
    "another.mp3": f"{SOURCE_TYPES}trainedAlgorithmicMedia",
    "mixed.flac": f"made with {SOURCE_TYPES}compositeWithTrainedAlgorithmicMedia",
}


class Tired:
    """A synthesiser whose natural voice gives up after the first piece."""

    languages = frozenset({"vi"})

    def __init__(self) -> None:
        self._engine, self._spoken = EspeakSynthesiser(), 0

    def identity(self, language: str) -> Identity:
        return Identity("piper", "vi_VN-test", "1")

    def synthesise(self, text: str, language: str) -> Speech:
        speech, self._spoken = self._engine.synthesise(text, language), self._spoken + 1
        return speech if self._spoken > 1 else Speech(speech.samples, speech.rate, self.identity(language))


def test_text_of_two_voices_names_both(tmp_path: Path) -> None:
    forms = spoken_forms("Câu đầu.\n\nCâu sau.", "vi", Tired(), tmp_path)
    mark = read_mark(forms.narrow)
    assert mark is not None
    assert (mark.trained, "piper vi_VN-test" in mark.voice, "espeak-ng" in mark.voice) == (True, True, True)


def test_text_in_another_script_is_refused_before_the_reading_rules(tmp_path: Path) -> None:
    with pytest.raises(WrongScript, match="Lao"):
        spoken_forms("ສະບາຍດີ ພໍ່ແມ່ພີ່ນ້ອງ 3", "vi", EspeakSynthesiser(), tmp_path)
    assert spoken_forms("Xin chào ສະ bà con", "vi", EspeakSynthesiser(), tmp_path).seconds > 0.5
