"""The images: what goes in exists, comes hash-checked, and does not run as root."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.docker.dockerfile import copied_from_context, is_ignored, read_instructions

ROOT = Path(__file__).parent.parent.parent
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
ROOMS = ("haichieu", "dialplans", "broadcast_bridge", "feedback", "ivr", "admin")


@pytest.fixture(params=DOCKERFILES, ids=lambda path: path.stem)
def dockerfile(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_everything_copied_exists_and_reaches_the_builder(dockerfile: Path) -> None:
    for source in copied_from_context(read_instructions(dockerfile)):
        assert (ROOT / source).exists(), source
        assert not is_ignored(source, ROOT / ".dockerignore"), source


@pytest.mark.parametrize("private", ["docker/.env", "var/secrets/station.key", ".git/config", ".venv/bin/python"])
def test_secrets_and_history_are_excluded_from_the_build(private: str) -> None:
    assert is_ignored(private, ROOT / ".dockerignore")


def test_an_image_does_not_run_as_root(dockerfile: Path) -> None:
    users = [step.value for step in read_instructions(dockerfile) if step.keyword == "USER"]
    assert users[-1:] == ["haichieu"]


def test_both_images_use_the_same_user_id() -> None:
    numbers = {re.findall(r"useradd --uid (\d+)", path.read_text())[0] for path in DOCKERFILES}
    assert len(numbers) == 1


def test_signals_reach_the_process_itself(dockerfile: Path) -> None:
    starts = [step for step in read_instructions(dockerfile) if step.keyword in ("CMD", "ENTRYPOINT")]
    assert starts
    assert all(step.exec_form for step in starts)


def test_python_libraries_are_installed_by_hash_alone() -> None:
    steps = [step.value for step in read_instructions(ROOT / "docker/app.Dockerfile") if "pip install" in step.value]
    assert steps
    for step in steps:
        assert "--require-hashes" in step or "--no-deps" in step


def test_image_installs_the_locked_libraries() -> None:
    image, suite = (locked(ROOT / name) for name in ("docker/runtime.lock", "requirements.lock"))
    assert image.items() <= suite.items()
    assert "pytest" not in image


def test_application_image_contains_the_speech_model() -> None:
    steps = [step.value for step in read_instructions(ROOT / "docker/app.Dockerfile")]
    fetched = [re.findall(r"HAICHIEU_ASR_MODEL=(\S+) .*haichieu model --fetch", step) for step in steps]
    ((folder,),) = [found for found in fetched if found]
    assert any(f"--from=build {folder} {folder}" in step for step in steps)
    assert any(step.endswith(f"HAICHIEU_ASR_MODEL={folder}") for step in steps)


def locked(path: Path) -> dict[str, frozenset[str]]:
    """Hashes by pinned requirement."""
    requirements = path.read_text().replace("\\\n", " ").splitlines()
    return {line.split()[0]: frozenset(re.findall(r"sha256:\w+", line)) for line in requirements if line.strip()}


@pytest.mark.proof
def test_wheel_contains_every_file_of_every_room(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    files = {str(path.relative_to(source)) for room in ROOMS for path in (source / room).rglob("*") if path.is_file()}

    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )

    (wheel,) = tmp_path.glob("*.whl")
    assert files - set(zipfile.ZipFile(wheel).namelist()) == set()
