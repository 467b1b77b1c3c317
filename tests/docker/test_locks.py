"""The lock files: everything pinned by hash, for every supported Python, and nothing of where it was resolved."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "docker/runtime.lock", "docker/installer.lock")
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")


def requirements(lock: str) -> list[Requirement]:
    lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    return [Requirement(line.split(" --hash")[0]) for line in lines]


def installed(wanted: list[Requirement], version: str, machine: str) -> list[str]:
    """Names that a Python of this version installs on such a machine."""
    environment = dict(default_environment()) | {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "platform_machine": machine,
    }
    return [canonicalize_name(one.name) for one in wanted if one.marker is None or one.marker.evaluate(environment)]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_library_is_pinned_by_hash(lock: str) -> None:
    for line in (ROOT / lock).read_text().replace("\\\n", " ").splitlines():
        assert re.match(r"[\w.-]+==\S+", line), line
        assert "--hash=sha256:" in line, line


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_a_registry(lock: str) -> None:
    assert re.findall(r"\w+://\S+|--(?:extra-)?index-url|--find-links", (ROOT / lock).read_text()) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("machine", MACHINES)
def test_the_lock_has_what_the_project_asks_for(version: str, machine: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [Requirement(text) for text in project["project"]["dependencies"] + project["dependency-groups"]["dev"]]
    locked = installed(requirements("requirements.lock"), version, machine)
    assert set(installed(asked, version, machine)) <= set(locked)
    assert ("pjsua2-python" in locked) == (version in ("3.11", "3.12") and machine == "x86_64")


@pytest.mark.parametrize("version", VERSIONS)
def test_no_library_is_locked_twice_for_one_python(version: str) -> None:
    names = installed(requirements("requirements.lock"), version, "x86_64")
    assert len(names) == len(set(names))
