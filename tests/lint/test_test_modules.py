"""The test modules themselves: names that can be read at a glance, and none imported as a library."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LONGEST_NAME = 70
MODULES = {path.relative_to(TESTS): path.read_text() for path in sorted(TESTS.rglob("*.py"))}


def test_no_test_has_a_long_name() -> None:
    tests = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
    names = [f"{path}::{name}" for path, text in MODULES.items() for name in tests.findall(text)]
    assert len(names) > 1000
    assert [name for name in names if len(name.partition("::")[2]) > LONGEST_NAME] == []


def test_no_module_imports_from_a_test_module() -> None:
    imports = re.compile(r"^ *(?:from|import) (tests\.(?:\w+\.)*test_\w+)", re.MULTILINE)
    assert [f"{path}: {name}" for path, text in MODULES.items() for name in imports.findall(text)] == []


def test_groups_reach_the_scheduler(request: pytest.FixtureRequest) -> None:
    # pytest-xdist appends the group to the id; without it every call test would start a station of its own.
    grouped = request.config.getoption("loadgroup", default=False)
    assert ("@" in request.node.nodeid) == bool(grouped)
