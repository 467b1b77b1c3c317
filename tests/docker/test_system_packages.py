"""The system packages: one list, installed when allowed, else one command to run."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
INSTALL = ROOT / "docker/install-system-packages"
LIST = ROOT / "docker/system-packages.txt"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that is the whole PATH: a Debian machine where nothing is installed and nobody is root."""
    for name in ("bash", "cat", "dirname", "env", "grep", "true"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    pretend(tmp_path, "dpkg-query", "exit 1")
    pretend(tmp_path, "apt-get", f'echo "$*" >>{tmp_path}/apt-calls')
    pretend(tmp_path, "id", "echo 1000")
    return tmp_path


def pretend(machine: Path, program: str, script: str) -> None:
    path = machine / program
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def install(machine: Path, *purposes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(machine)}
    return subprocess.run([str(INSTALL), *purposes], env=environment, capture_output=True, text=True, check=False)


def apt_calls(machine: Path) -> list[str]:
    path = machine / "apt-calls"
    return path.read_text().splitlines() if path.exists() else []


def test_each_package_is_listed_once_with_a_reason() -> None:
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    names = [line.split()[0] for line in lines]
    assert sorted(set(names)) == sorted(names)
    for line in lines:
        fields, _, why = line.partition("#")
        assert fields.split()[1] in ("venv", "run", "demo", "province", "test", "proof"), line
        assert why.strip(), line


def test_command_is_printed_without_rights_to_install(machine: Path) -> None:
    finished = install(machine, "run")
    assert finished.returncode == 1
    vietnamese, english, command = finished.stderr.splitlines()
    assert vietnamese.startswith("Thiếu gói hệ thống: espeak-ng ffmpeg")
    assert english.startswith("System packages are missing: espeak-ng ffmpeg")
    assert command.strip().startswith("sudo apt-get update && sudo apt-get install")
    assert command.endswith("espeak-ng ffmpeg")
    assert apt_calls(machine) == []


def test_sudo_with_a_password_is_not_used(machine: Path) -> None:
    pretend(machine, "sudo", "exit 1")
    assert install(machine, "run").returncode == 1
    assert apt_calls(machine) == []


def test_sudo_without_a_password_is_used(machine: Path) -> None:
    pretend(machine, "sudo", 'shift; exec "$@"')
    finished = install(machine, "run")
    assert finished.returncode == 0, finished.stderr
    assert [call.split()[-2:] for call in apt_calls(machine)] == [["espeak-ng", "ffmpeg"]]
    assert "--no-install-recommends" in apt_calls(machine)[0]


def test_stale_package_lists_are_refreshed_once(machine: Path) -> None:
    pretend(machine, "id", "echo 0")
    calls = machine / "apt-calls"
    pretend(machine, "apt-get", f'echo "$*" >>{calls}; case "$(<{calls})" in *update*) ;; *) exit 100 ;; esac')
    finished = install(machine, "run")
    assert finished.returncode == 0, finished.stderr
    assert ["update" in call for call in apt_calls(machine)] == [False, True, False]


def test_only_missing_packages_are_installed(machine: Path) -> None:
    pretend(machine, "id", "echo 0")
    pretend(
        machine, "dpkg-query", "echo installed ffmpeg; echo installed baresip-core; echo config-files espeak-ng; exit 1"
    )
    install(machine, "run")
    assert apt_calls(machine)[0].endswith("--no-install-recommends espeak-ng")


def test_nothing_is_printed_when_nothing_is_missing(machine: Path) -> None:
    pretend(machine, "dpkg-query", "echo installed ffmpeg; echo installed espeak-ng; echo installed baresip-core")
    finished = install(machine, "run")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_other_systems_get_a_clear_message(machine: Path) -> None:
    (machine / "dpkg-query").unlink()
    finished = install(machine, "run")
    assert finished.returncode == 1
    assert "espeak-ng ffmpeg" in finished.stderr
    assert "Debian" in finished.stderr


def test_unknown_purpose_is_a_usage_error(machine: Path) -> None:
    for purposes in ((), ("runtime",), ("run", "")):
        assert install(machine, *purposes).returncode == 2
