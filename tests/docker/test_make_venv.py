"""`docker/make-venv` on machines with different Pythons: which one it takes, when it downloads one, what it says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = ("bash", "cat", "cksum", "cp", "dirname", "env", "mkdir", "rm")

# A Python of VERSION. It knows how to make an environment that holds a copy of itself, and to install uv into it.
PYTHON = """#!/bin/bash
case "$*" in
  *version_info*) echo VERSION; exit ;;
  *find_spec*) [[ VERSION == 3.11 || VERSION == 3.12 ]]; exit ;;
esac
[ "$1" = -c ] && exit
echo "VERSION $*" >>"$HOME/log"
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
  *"config list"*) echo "${PIP_SETTINGS:-}" ;;
  *installer.lock*) cp "$HOME/uv" .venv/bin/uv ;;
esac
"""
UV = """#!/bin/bash
case "$*" in
  *"pip install"*) echo "uv $* from ${UV_DEFAULT_INDEX:-pypi}, ${SSL_CERT_FILE:-}" >>"$HOME/log"
    [ -z "${NO_INDEX:-}" ]; exit ;;
esac
echo "uv $* from ${UV_PYTHON_INSTALL_MIRROR:-github} into $UV_PYTHON_INSTALL_DIR" >>"$HOME/log"
case "$*" in
  *install*) [ -z "${UV_FAILS:-}" ] ;;
  *find*) echo "$HOME/downloaded" ;;
esac
"""


class Machine:
    """A copy of the project on a machine that has a few tools and the Pythons that a test gives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        shutil.copytree(ROOT / "docker", self.project / "docker")
        for name in ("pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, self.project)
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in TOOLS:
            (self.programs / name).symlink_to(shutil.which(name) or name)
        self.has("uname", "#!/bin/bash\necho x86_64\n")
        self.write(folder / "uv", UV)
        self.write(folder / "downloaded", PYTHON.replace("VERSION", "3.12"))

    @staticmethod
    def write(path: Path, script: str) -> None:
        path.write_text(script)
        path.chmod(0o755)

    def has(self, program: str, script: str) -> None:
        self.write(self.programs / program, script)

    def has_python(self, name: str, version: str) -> None:
        self.has(name, PYTHON.replace("VERSION", version))

    def make_venv(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.project / "docker/make-venv"],
            env={
                "PATH": str(self.programs),
                "HOME": str(self.folder),
                "LANG": os.environ.get("LANG", "C"),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def venvs(self) -> list[str]:
        """The version of Python that made each environment."""
        return [line.split()[0] for line in self.log() if "-m venv" in line]

    @property
    def complete(self) -> bool:
        return (self.project / ".venv/.complete").exists()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("version", ["3.11", "3.12"])
def test_a_fitting_system_python_is_used(machine: Machine, version: str) -> None:
    machine.has_python("python3", version)
    finished = machine.make_venv()
    assert finished.returncode == 0, finished.stderr
    assert machine.venvs() == [version]
    assert "pjsua2" not in finished.stderr


def test_the_distributions_python_comes_before_others(machine: Machine) -> None:
    others = machine.folder / "pyenv"
    others.mkdir()
    machine.write(others / "python3.11", PYTHON.replace("VERSION", "3.11"))
    machine.has_python("python3", "3.12")
    path = f"{others}:{machine.programs}"
    assert machine.make_venv(PATH=path).returncode == 0
    machine.has("dpkg-query", "#!/bin/bash\n")
    shutil.rmtree(machine.project / ".venv")
    assert machine.make_venv(PATH=path).returncode == 0
    assert machine.venvs() == ["3.11", "3.12"]


def test_libraries_come_from_where_pip_would_fetch_them(machine: Machine) -> None:
    machine.has_python("python3", "3.11")
    settings = "global.index-url='https://mirror.example/simple'\n:env:.cert='/etc/ssl/ours.crt'"
    finished = machine.make_venv(PIP_SETTINGS=settings)
    assert finished.returncode == 0, finished.stderr
    install, own = [line for line in machine.log() if line.startswith("uv pip install")]
    assert "--require-hashes --no-deps -r requirements.lock" in install
    assert install.endswith("from https://mirror.example/simple, /etc/ssl/ours.crt")
    assert own.split(" from ")[0].endswith("--no-deps --no-build-isolation -e .")
    assert not any("requirements.lock" in line for line in machine.log() if line.startswith("3.11"))


def test_pip_installs_what_uv_cannot_fetch(machine: Machine) -> None:
    machine.has_python("python3", "3.11")
    finished = machine.make_venv(NO_INDEX="yes")
    assert finished.returncode == 0, finished.stderr
    assert any("--require-hashes --no-deps -r requirements.lock" in line for line in machine.log() if "3.11" in line)
    assert machine.complete


@pytest.mark.parametrize("version", ["3.10", "3.13", "3.14", "3.15"])
def test_cpython_312_is_downloaded_beside_another_python(machine: Machine, version: str) -> None:
    machine.has_python("python3", version)
    finished = machine.make_venv()
    assert finished.returncode == 0, finished.stderr
    assert machine.venvs() == [version, "3.12"]
    assert any("--require-hashes -r docker/installer.lock" in line for line in machine.log())
    assert f"into {machine.folder}/.cache/haichieu/python" in finished.stderr
    assert "pjsua2" not in finished.stderr


def test_the_mirror_is_handed_to_uv(machine: Machine) -> None:
    machine.has_python("python3", "3.13")
    machine.make_venv(HAICHIEU_PYTHON_MIRROR="file:///mirror")
    (install,) = [line for line in machine.log() if line.startswith("uv python install")]
    assert (
        install == f"uv python install --no-bin 3.12 from file:///mirror into {machine.folder}/.cache/haichieu/python"
    )


def test_a_failed_download_says_what_to_do(machine: Machine) -> None:
    machine.has_python("python3", "3.13")
    finished = machine.make_venv(UV_FAILS="yes")
    assert finished.returncode == 1
    for command in ("HAICHIEU_PYTHON_MIRROR=URL make setup", "make setup PYTHON=/path/to/python3.12", "PYTHON=python3"):
        assert command in finished.stderr
    assert not machine.complete
    assert machine.make_venv().returncode == 0


@pytest.mark.parametrize("version", ["3.13", "3.14"])
def test_a_chosen_newer_python_has_no_sip_library(machine: Machine, version: str) -> None:
    machine.has_python("other", version)
    finished = machine.make_venv(PYTHON="other")
    assert finished.returncode == 0, finished.stderr
    assert machine.venvs() == [version]
    assert "no pjsua2" in finished.stderr
    assert machine.complete


@pytest.mark.parametrize("version", ["2.7", "3.10", "3.15"])
def test_a_chosen_python_that_cannot_run_the_station_is_refused(machine: Machine, version: str) -> None:
    machine.has_python("other", version)
    machine.has_python("python3", "3.11")
    finished = machine.make_venv(PYTHON="other")
    assert finished.returncode == 1
    assert "PYTHON=other is not a Python 3.11 to 3.14" in finished.stderr
    assert machine.venvs() == []


def test_another_chosen_python_replaces_the_environment(machine: Machine) -> None:
    machine.has_python("python3", "3.11")
    machine.has_python("other", "3.13")
    for chosen in ("", "other", "other", ""):
        assert machine.make_venv(PYTHON=chosen).returncode == 0
    assert machine.venvs() == ["3.11", "3.13"]


def test_arm64_uses_the_systems_python(machine: Machine) -> None:
    machine.has("uname", "#!/bin/bash\necho aarch64\n")
    machine.has_python("python3", "3.13")
    finished = machine.make_venv()
    assert finished.returncode == 0, finished.stderr
    assert machine.venvs() == ["3.13"]


def test_a_machine_without_python_gets_a_clear_sentence(machine: Machine) -> None:
    finished = machine.make_venv()
    assert finished.returncode == 1
    assert "Python 3 with its venv module is needed" in finished.stderr
