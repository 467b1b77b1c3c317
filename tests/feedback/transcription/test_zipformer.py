"""The zipformer engine: sherpa-onnx itself, with a model of a few kilobytes."""

from pathlib import Path

import pytest

from feedback.transcription.errors import EngineMissing, LanguageNotKnown, ModelUnusable
from feedback.transcription.recognition import understand
from feedback.transcription.zipformer import ZipformerEngine
from haichieu.audio.sound import Sound
from tests.feedback.transcription.small_transducer import write_transducer
from tests.feedback.transcription.sounds import asterisk_speech, nobody_speaking


@pytest.fixture
def engine(tmp_path: Path) -> ZipformerEngine:
    pytest.importorskip("sherpa_onnx")
    write_transducer(tmp_path / "small")
    return ZipformerEngine(tmp_path / "small")


def test_zipformer_gives_words_times_and_certainty(engine: ZipformerEngine) -> None:
    sound = asterisk_speech("vm-goodbye")
    understood = understand(engine, sound, "vi")
    assert understood.text == "họp lúc 15 giờ", "in small letters, numbers in figures"
    assert [(word.begin, word.end) for word in understood.words[:2]] == [
        (0.0, pytest.approx(0.04)),
        (pytest.approx(0.04), pytest.approx(0.08)),
    ]
    assert understood.words[-1].end <= sound.seconds
    assert understood.confidence == pytest.approx(0.999, abs=0.01)
    assert not understood.doubtful


@pytest.mark.proof
def test_zipformer_hears_nothing_where_nobody_speaks(engine: ZipformerEngine) -> None:
    assert understand(engine, nobody_speaking()["dial tone"], "vi").text == ""
    with pytest.raises(LanguageNotKnown):
        engine.listen(Sound(nobody_speaking()["silence"].samples, 8000), "en")


def test_zipformer_names_a_broken_model_and_a_missing_library(
    engine: ZipformerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small" / "joiner.int8.onnx").write_bytes(b"broken")
    with pytest.raises(ModelUnusable, match="haichieu model --fetch"):
        engine.load()
    monkeypatch.setitem(__import__("sys").modules, "sherpa_onnx", None)
    with pytest.raises(EngineMissing, match="pip install sherpa-onnx"):
        ZipformerEngine(tmp_path / "small").load()
