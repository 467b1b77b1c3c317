"""The layout of the source tree, as far as `make lint` does not check it: import rules, sizes and names of modules."""

import ast
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.sources import MODULES, ROOMS, ROOT, nodes_of

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
"""Lines. The panel's `register_…` functions, which contain its views, are exempt until the panel is divided."""
SAME_IN_EVERY_ROOM = {
    "__init__", "__main__", "errors", "forms", "models", "queries", "scope", "states", "unit_references", "views",
}  # fmt: skip
ONE_THING_IN_TWO_LAYERS = {
    "audit": ["haichieu", "haichieu/cli"],
    "schedules": ["admin/api", "admin/calendar"],
    "speaker": ["broadcast_bridge/loudspeaker", "haichieu/cli"],
    "survey": ["broadcast_bridge/programmes", "ivr/verbs"],
    "tokens": ["admin/access", "haichieu/cli"],
    "transfer": ["ivr/calls", "ivr/verbs"],
    "web": ["admin", "haichieu/processes"],
}
"""Modules of one name that are about one thing: a command, a verb or a page and the rules behind it."""
NAMES_THAT_SAY_NOTHING = {"util", "utils", "helper", "helpers", "manager", "misc", "common", "base"}


WITH_SENTENCES_OF_THEIR_OWN = (ROOT / "haichieu/locale", ROOT / "ivr/prompts")
VIETNAMESE = re.compile(r"[À-ÃÈ-ÊÌÍÒ-ÕÙÚÝà-ãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ]")


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


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """A copy of the import rules over empty packages, to plant imports in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in (*ROOMS, *(f"haichieu/{folder}" for folder in ("cli", "processes", "demo", "district"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "haichieu/station_status.py").write_text('"""Status."""\n')
    return tmp_path


def test_an_import_in_the_wrong_direction_is_caught(rooms: Path) -> None:
    upwards = {
        "haichieu": "dialplans",
        "dialplans": "broadcast_bridge",
        "broadcast_bridge": "feedback",
        "feedback": "dialplans",
        "ivr": "admin",
    }
    for room, upstairs in upwards.items():
        (rooms / room / "planted.py").write_text(f'"""Wrong."""\n\nimport {upstairs}\n')

    finished = run_tool("lint-imports", "--no-cache", folder=rooms)

    assert finished.returncode != 0
    found = {room for room, upstairs in upwards.items() if f"{room}.planted -> {upstairs}" in finished.stdout}
    assert found == upwards.keys()


def test_composition_may_import_every_room(rooms: Path) -> None:
    for room in ("admin", "ivr"):
        (rooms / room / "domain.py").write_text('"""Domain."""\n')
    for composition in ("cli", "processes", "demo"):
        planted = rooms / f"haichieu/{composition}/compose.py"
        planted.write_text('"""Composes."""\n\nimport admin.domain\nimport ivr.domain\n')

    finished = run_tool("lint-imports", "--no-cache", folder=rooms)

    assert finished.returncode == 0, finished.stdout


def test_no_module_is_too_long() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in MODULES
        if "migrations" not in path.parts  # a list of columns, written by Alembic and never edited again
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": lines
        for path in MODULES
        if "migrations" not in path.parts
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
        and not (path.is_relative_to(ROOT / "admin") and node.name.startswith("register_"))
    }
    assert long == {}


def test_no_two_modules_share_a_name_for_different_things() -> None:
    folders: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        if path.stem not in SAME_IN_EVERY_ROOM:
            folders[path.stem].append(str(path.parent.relative_to(ROOT)))
    shared = {name: sorted(found) for name, found in folders.items() if len(found) > 1}
    assert shared == ONE_THING_IN_TWO_LAYERS


def test_every_file_has_a_name_that_says_something() -> None:
    files = [*MODULES, *(ROOT / "tests").rglob("*.py")]
    assert [path.relative_to(ROOT) for path in files if path.stem in NAMES_THAT_SAY_NOTHING] == []


def literals(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Every string literal of a module but its docstrings; a field of an f-string is written as `{}`."""
    documentation = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def is_bilingual(literal: str) -> bool:
    return any(VIETNAMESE.search(side) for side in literal.split(" / ")) if " / " in literal else False


def test_no_module_has_a_bilingual_literal() -> None:
    found = [
        f"{module.relative_to(ROOT)}: {literal}"
        for module in MODULES
        if not any(module.is_relative_to(folder) for folder in WITH_SENTENCES_OF_THEIR_OWN)
        for literal in literals(nodes_of(module))
        if is_bilingual(literal)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "bilingual"),
    [
        ('raise Error("Không có. / There is none.")', True),
        ('raise Error(f"Không có {name}. / " f"There is no {name}.")', True),
        ('"""Bản tin sáng / chiều."""', False),
        ('unit = "km / h"', False),
        ('text = "Không có."', False),
    ],
)
def test_bilingual_literals_are_recognised(source: str, bilingual: bool) -> None:
    assert any(is_bilingual(literal) for literal in literals(list(ast.walk(ast.parse(source))))) is bilingual
