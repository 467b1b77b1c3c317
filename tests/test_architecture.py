"""The house as it is meant to be: floors, sizes, names, style and types, checked by the tools that know."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("haichieu", "dialplans", "broadcast_bridge", "feedback", "ivr", "admin")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LONGEST_MODULE = 400
NAMES_THAT_SAY_NOTHING = {"util", "utils", "helper", "helpers", "manager", "misc", "common", "base"}


def run_tool(tool: str, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run one of the environment's own tools in `folder`, both outputs together."""
    return subprocess.run(
        [str(Path(sys.executable).parent / tool), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def assert_passes(finished: subprocess.CompletedProcess[str]) -> None:
    assert finished.returncode == 0, finished.stdout


def test_every_import_runs_downwards() -> None:
    assert_passes(run_tool("lint-imports", "--no-cache"))


@pytest.mark.parametrize(
    ("room", "upstairs"),
    [
        ("haichieu", "dialplans"),
        ("dialplans", "broadcast_bridge"),
        ("broadcast_bridge", "feedback"),
        ("feedback", "dialplans"),
        ("ivr", "admin"),
    ],
)
def test_an_import_in_the_wrong_direction_is_caught(room: str, upstairs: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in (*ROOMS, *(f"haichieu/{folder}" for folder in ("cli", "processes", "demo", "district"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "haichieu/station_status.py").write_text('"""Status."""\n')
    (tmp_path / room / "planted.py").write_text(f'"""Wrong."""\n\nimport {upstairs}\n')

    finished = run_tool("lint-imports", "--no-cache", folder=tmp_path)

    assert finished.returncode != 0
    assert f"{room}.planted -> {upstairs}" in finished.stdout


@pytest.mark.parametrize("composition", ["cli", "processes", "demo"])
def test_composition_may_import_every_room(composition: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    inside = ("cli", "processes", "demo", "district")
    for name in (*ROOMS, *(f"haichieu/{folder}" for folder in inside)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "haichieu/station_status.py").write_text('"""Status."""\n')
    for room in ("admin", "ivr"):
        (tmp_path / room / "domain.py").write_text('"""Domain."""\n')
    planted = tmp_path / f"haichieu/{composition}/compose.py"
    planted.write_text('"""Composes."""\n\nimport admin.domain\nimport ivr.domain\n')

    assert_passes(run_tool("lint-imports", "--no-cache", folder=tmp_path))


def test_no_module_is_too_long_to_hold_in_mind() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in MODULES
        if "migrations" not in path.parts  # a list of columns, written by Alembic and never edited again
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_every_module_opens_with_what_it_is_for() -> None:
    silent = [path.relative_to(ROOT) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_every_file_has_a_name_that_says_something() -> None:
    files = [*MODULES, *(ROOT / "tests").rglob("*.py")]
    assert [path.relative_to(ROOT) for path in files if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_the_sources_are_formatted() -> None:
    assert_passes(run_tool("ruff", "format", "--check", "."))


def test_the_linter_finds_nothing() -> None:
    assert_passes(run_tool("ruff", "check", "."))


@pytest.mark.timeout(400)
def test_the_types_agree() -> None:
    assert_passes(run_tool("mypy"))
