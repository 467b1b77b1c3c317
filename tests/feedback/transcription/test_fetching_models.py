"""Models that are fetched file by file, from a server here: interrupted, resumed, damaged and incomplete."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback.transcription.engines import NEEDED, engine_named, own_model
from feedback.transcription.errors import ModelUnusable
from feedback.transcription.model_catalogue import ModelFile, SpeechModel, UnknownModel, model_named, speech_models
from feedback.transcription.model_download import fetch_model
from feedback.transcription.model_folder import require, require_whole
from feedback.transcription.zipformer import ZipformerEngine
from haichieu.resumable_download import DownloadFailed, WrongContent
from tests.command_line import haichieu
from tests.haichieu.speech.voice_server import VoiceServer

WEIGHTS = random.Random(16).randbytes(900_000)
FILES = {"model.bin": WEIGHTS, "config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"a"}


@pytest.fixture
def server() -> Iterator[VoiceServer]:
    with VoiceServer(FILES) as served:
        yield served


def model(server: VoiceServer) -> SpeechModel:
    files = tuple(ModelFile(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in FILES.items())
    return SpeechModel("small", "faster-whisper", "MIT", "nobody", files, base=server.base)


def test_model_is_fetched_with_progress_and_only_once(tmp_path: Path, server: VoiceServer) -> None:
    seen: list[int] = []
    assert fetch_model(tmp_path / "small", model(server), progress=seen.append)
    require_whole(tmp_path / "small", model(server))
    assert (seen == sorted(seen), seen[-1]) == (True, sum(map(len, FILES.values())))
    asked = len(server.asked)
    assert not fetch_model(tmp_path / "small", model(server))
    assert len(server.asked) == asked


def test_interrupted_model_continues_and_is_no_model_until_then(tmp_path: Path, server: VoiceServer) -> None:
    leave_weights_alone(tmp_path)
    server.break_after = 300_000
    with pytest.raises(DownloadFailed, match="33 %"):
        fetch_model(tmp_path, model(server))
    with pytest.raises(ModelUnusable, match=r"lacks model\.bin"):
        require(tmp_path)

    fetch_model(tmp_path, model(server))

    assert server.asked[-1] == ("model.bin", "bytes=300000-")
    assert (tmp_path / "model.bin").read_bytes() == WEIGHTS


def test_model_with_a_wrong_digest_is_deleted(tmp_path: Path, server: VoiceServer) -> None:
    leave_weights_alone(tmp_path)
    server.files["model.bin"] = WEIGHTS[:-1] + b"!"
    with pytest.raises(WrongContent):
        fetch_model(tmp_path, model(server))
    assert not list(tmp_path.glob("model.bin*"))


def test_damaged_and_missing_files_are_fetched_again(tmp_path: Path, server: VoiceServer) -> None:
    fetch_model(tmp_path, model(server))
    (tmp_path / "config.json").write_bytes(b"[]")
    with pytest.raises(ModelUnusable, match=r"config\.json has the wrong content"):
        require_whole(tmp_path, model(server))
    (tmp_path / "vocabulary.txt").unlink()
    assert fetch_model(tmp_path, model(server))
    require_whole(tmp_path, model(server))


@pytest.mark.parametrize("missing", ["encoder-epoch-12-avg-8.int8.onnx", "tokens.txt"])
def test_missing_file_of_a_zipformer_is_named(tmp_path: Path, missing: str) -> None:
    for file in own_model("zipformer").files:
        (tmp_path / file.name).write_bytes(b"x")
    (tmp_path / missing).unlink()
    engine = engine_named("zipformer", tmp_path)
    assert isinstance(engine, ZipformerEngine)
    with pytest.raises(ModelUnusable, match=missing.partition("-")[0].replace(".", r"\.")):
        engine.load()


def test_every_model_of_the_catalogue_can_be_used_and_checked() -> None:
    models = speech_models()
    assert [one.name for one in models] == ["whisper-base", "whisper-small", "zipformer-vi"]
    for one in models:
        assert one.engine in NEEDED, "an engine of the station runs it"
        assert all((one.licence, one.credit, one.base.startswith("https://") or one.parts))
        assert all(len(file.sha256) == 64 and file.bytes > 1000 for file in one.files)
    with pytest.raises(UnknownModel, match="whisper-base, whisper-small, zipformer-vi"):
        model_named("PhoWhisper-small", models)


def test_command_takes_a_model_by_its_name_from_a_mirror(
    tmp_path: Path, server: VoiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    home = ["--home", str(tmp_path / "station")]
    refused = haichieu("model", "zipformer-vi", "--fetch", *home, "--from", server.base)
    assert (refused.returncode, "404" in refused.stderr) == (1, True)
    absent = haichieu("model", "zipformer-vi", *home)
    assert (absent.returncode, "lacks encoder" in absent.stderr) == (1, True)


def test_folder_of_a_fetched_model_is_repaired_as_that_model(
    tmp_path: Path, server: VoiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".cache/haichieu/asr/whisper-small"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HAICHIEU_ASR_MODEL", str(folder))
    wrong = haichieu("model", "--home", str(tmp_path / "station"), "--fetch", "--from", server.base)
    assert (wrong.returncode, "config.json" in wrong.stderr) == (1, True)
    assert server.asked[0][0] == "config.json", "no other model takes its place"


def leave_weights_alone(folder: Path) -> None:
    """Leave only the largest file to be fetched."""
    for name, content in FILES.items():
        if name != "model.bin":
            (folder / name).write_bytes(content)
