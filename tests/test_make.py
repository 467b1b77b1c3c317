"""The make targets on a small copy of the project: their standard output, and when they count as done."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Replaces the Python that makes the environment, and the one in it; PIP_FAILS makes pip fail.
PYTHON = """#!/bin/bash
if [ "$1" = -c ]; then [[ "$2" != *version_info* ]] || echo 3.11; exit; fi
echo "python on stdout"
echo "$*" >>"$LOG"
case "$*" in
  *"-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python
               cp "$LOG.haichieu" .venv/bin/haichieu
               for tool in pytest ruff mypy lint-imports codespell; do cp "$LOG.tool" .venv/bin/$tool; done ;;
  *"-m pip"*) [ -z "${PIP_FAILS:-}" ] ;;
esac
"""
HAICHIEU = """#!/bin/bash
echo "haichieu on stderr" >&2
if [ "$1" = asterisk ]; then echo "progress"; exit; fi
echo "{\\"arguments\\": \\"$*\\"}"
exit "${DEMO_STATUS:-0}"
"""
# Replaces a tool that checks; FAILING names the one that finds something.
TOOL = """#!/bin/bash
echo "${0##*/} has run, proof ${HAICHIEU_PROOF:-0}"
[ "${0##*/}" != "${FAILING:-}" ]
"""


class Project:
    """A copy of what the targets read, with every program that costs time replaced by a note of its call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        for name in ("Makefile", "pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "docker", folder / "docker")
        programs = folder / "programs"
        programs.mkdir()
        self._script(programs / "dpkg-query", '#!/bin/bash\nprintf "installed %s\\n" "${@:4}"\n')
        self._script(programs / "python3.11", PYTHON)
        self._script(folder / "log.haichieu", HAICHIEU)
        self._script(folder / "log.tool", TOOL)
        self.programs = programs

    @staticmethod
    def _script(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MAKE", "MFLAGS", "HAICHIEU_PROOF", "PYTHON"))
        }
        path = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={**inherited, "PATH": path, "LOG": str(self.log), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def installations(self) -> int:
        """How often the locked libraries were installed; there is no uv, so pip was asked."""
        return self.log.read_text().count("--no-deps -r requirements.lock")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_only_the_demos_own_words_reach_standard_output(project: Project) -> None:
    finished = project.make("demo", "ARGS=--once --json")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == '{"arguments": "demo --once --json"}\n'


def test_a_demo_that_proved_nothing_fails(project: Project) -> None:
    project.make("asterisk")
    assert project.make("demo", DEMO_STATUS="1").returncode != 0


def test_the_tests_pass_only_if_lint_passes_too(project: Project) -> None:
    passed = project.make("test")
    assert passed.returncode == 0, passed.stderr
    assert "pytest has run, proof 0" in passed.stdout
    assert "mypy has run" in passed.stdout.partition("== make lint ==")[2]
    for tool, verdict in (("pytest", "lint passed, tests FAILED"), ("mypy", "lint FAILED, tests passed")):
        finished = project.make("test", FAILING=tool)
        assert finished.returncode != 0
        assert f"== {verdict} ==" in finished.stdout


def test_the_proof_runs_what_the_tests_leave_out(project: Project) -> None:
    assert "pytest has run, proof 1" in project.make("proof").stdout


def test_setting_up_twice_installs_once(project: Project) -> None:
    assert project.make("setup").returncode == 0
    assert project.make("setup").returncode == 0
    assert project.installations() == 1


def test_a_changed_lock_is_installed_again(project: Project) -> None:
    project.make("setup")
    with (project.folder / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    project.make("setup")
    assert project.installations() == 2


def test_an_interrupted_setup_does_not_pass_for_done(project: Project) -> None:
    assert project.make("setup", PIP_FAILS="yes").returncode != 0
    assert not (project.folder / ".venv/.complete").exists()
    assert project.make("setup").returncode == 0
    assert project.log.read_text().count("-m venv --clear") == 2


def test_two_at_once_make_one_environment(project: Project) -> None:
    command = ["make", "setup"]
    environment = {**os.environ, "PATH": f"{project.programs}:{os.environ['PATH']}", "LOG": str(project.log)}
    both = [subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert project.installations() == 1


def test_without_a_target_every_target_is_explained(project: Project) -> None:
    listed = project.make().stdout
    for target in (
        "setup",
        "asterisk",
        "model",
        "demo",
        "cluster-demo",
        "test",
        "proof",
        "bench",
        "lint",
        "format",
        "lock",
        "clean",
    ):
        assert f"make {target} " in listed
