"""Without pjsua2 the station works, and what needs it says so in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_PJSUA2 = "import sys; sys.modules['pjsua2'] = None; "
COMMAND = WITHOUT_PJSUA2 + "from haichieu.cli import main; sys.argv = ['haichieu', *sys.argv[1:]]; main()"


def run_without_pjsua2(*arguments: str, code: str = COMMAND) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HAICHIEU_LANGUAGE": "en"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize(
    "command",
    [
        "speaker --server 127.0.0.1:5060 --id cb-01 --password x",
        pytest.param("demo --once --json", marks=pytest.mark.proof),
    ],
)
def test_what_needs_pjsua2_says_so_and_starts_nothing(command: str) -> None:
    finished = run_without_pjsua2(*command.split())
    assert finished.returncode == 1
    assert "The library pjsua2 is missing" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert finished.stdout == ""


@pytest.mark.proof
def test_a_district_file_is_applied_without_pjsua2(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "examples/bao-lac.toml"
    finished = run_without_pjsua2("apply", str(example), "--home", str(tmp_path))
    assert finished.returncode == 0, finished.stderr


def test_no_process_of_the_station_imports_pjsua2() -> None:
    modules = ", ".join(f"haichieu.processes.{name}" for name in ("asterisk", "switchboard", "worker", "web", "up"))
    finished = run_without_pjsua2(code=f"{WITHOUT_PJSUA2}import {modules}")
    assert finished.returncode == 0, finished.stderr
