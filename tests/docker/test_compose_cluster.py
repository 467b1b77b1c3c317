"""The compose file of a province for trial: valid, and everything that it names exists."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from haichieu.demo.sip_proxy import PROGRAM
from haichieu.settings import Settings

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker/compose.cluster.yaml"
TRIAL = ROOT / "docker/kamailio/trial"
NODES = ("dong", "giua", "tay")
PROCESSES = ("asterisk", "switchboard", "worker", "web")


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FILE)
    return found


@pytest.fixture(scope="module")
def services(file: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = file["services"]
    return found


def address(service: dict[str, Any]) -> str:
    found: str = service["networks"]["province"]["ipv4_address"]
    return found


def test_file_matches_the_compose_schema() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_cluster_runs_every_process_of_three_nodes(services: dict[str, Any]) -> None:
    assert {f"{node}-{process}" for node in NODES for process in PROCESSES} <= services.keys()
    assert {"postgres", "kamailio"} <= services.keys()
    for node in NODES:
        for process in PROCESSES[1:]:
            assert services[f"{node}-{process}"]["network_mode"] == f"service:{node}-asterisk"


def test_nodes_have_names_addresses_and_homes_of_their_own(services: dict[str, Any]) -> None:
    for node in NODES:
        environment = services[f"{node}-switchboard"]["environment"]
        assert environment["HAICHIEU_NODE"] == node
        assert environment["HAICHIEU_BIND"] == address(services[f"{node}-asterisk"])
        assert f"{node}-home:/var/lib/haichieu" in services[f"{node}-asterisk"]["volumes"]
        assert f"@{address(services['postgres'])}/" in environment["HAICHIEU_DATABASE_URL"]
        assert environment["HAICHIEU_BEHIND_PROXY"] == "True"


def test_kamailio_knows_the_nodes_of_the_file(services: dict[str, Any]) -> None:
    wanted = {f"sip:{address(services[f'{node}-asterisk'])}:5060" for node in NODES}
    lines = (TRIAL / "nodes.list").read_text().splitlines()
    assert {line.split()[1] for line in lines if not line.startswith("#")} == wanted
    assert f"udp:{address(services['kamailio'])}:5060" in (TRIAL / "province.cfg").read_text()


def test_files_volumes_and_settings_that_are_named_exist(file: dict[str, Any], services: dict[str, Any]) -> None:
    known = {f"HAICHIEU_{name.upper()}" for name in Settings.model_fields}
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (FILE.parent / source).is_file() if source.startswith(".") else source in file["volumes"], name
        assert {one for one in service.get("environment", {}) if one.startswith("HAICHIEU_")} <= known, name
        assert set(service.get("depends_on", {})) <= services.keys(), name
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file(), name


def test_containers_have_least_privileges_and_no_secret(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "ports" not in service, name
    for line in FILE.read_text().splitlines():
        if re.search(r"PASSWORD|SECRET|TOKEN", line):
            assert "${HAICHIEU_DATABASE_PASSWORD:?" in line, line


def test_kamailio_takes_the_configuration_of_the_trial(tmp_path: Path) -> None:
    assert PROGRAM.exists(), "Kamailio is missing: docker/install-system-packages province"
    for name in ("nodes.list", "carriers.list"):
        (tmp_path / name).write_text((TRIAL / name).read_text())
    (tmp_path / "kamailio.cfg").write_text((ROOT / "docker/kamailio/kamailio.cfg").read_text())
    text = (
        (TRIAL / "province.cfg").read_text().replace("172.28.7.5", "127.0.0.1").replace("/etc/kamailio", str(tmp_path))
    )
    (tmp_path / "province.cfg").write_text(text)
    checked = subprocess.run(
        [str(PROGRAM), "-f", str(tmp_path / "kamailio.cfg"), "-c"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
