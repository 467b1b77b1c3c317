"""The compose file: valid, closed to the world by default, without a secret in it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from haichieu.settings import Settings
from tests.docker.dockerfile import read_instructions

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker/compose.yaml"
ONE_SHOT = {"configuration"}


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FILE)["services"]
    return found


def test_file_matches_the_compose_schema() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_compose_runs_every_process_of_a_station(services: dict[str, Any]) -> None:
    assert {"postgres", "asterisk", "switchboard", "fan-out", "worker", "web"} <= services.keys()


def test_fan_out_starts_only_where_it_is_asked_for(services: dict[str, Any]) -> None:
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        "fan-out": ["fan-out"]
    }
    assert not any("fan-out" in service.get("depends_on", {}) for service in services.values())


def test_ports_are_published_on_loopback_by_default(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert "ports" not in service, name
        if service["network_mode"] == "host" and "environment" in service:
            assert service["environment"]["HAICHIEU_BIND"] == "${HAICHIEU_BIND:-127.0.0.1}", name
    assert services["postgres"]["network_mode"] == "none"


def test_compose_file_contains_no_secret() -> None:
    for line in FILE.read_text().splitlines():
        if re.search(r"PASSWORD|SECRET|TOKEN", line):
            assert "${HAICHIEU_DATABASE_PASSWORD:?" in line, line


def test_compose_names_only_known_settings(services: dict[str, Any]) -> None:
    named = {name for service in services.values() for name in service.get("environment", {})}
    known = {f"HAICHIEU_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in named if name.startswith("HAICHIEU_")} <= known


def test_defaults_are_those_of_the_settings(services: dict[str, Any]) -> None:
    environment = services["switchboard"]["environment"]
    for name, field in Settings.model_fields.items():
        written = re.fullmatch(r"\$\{\w+:-(.*)\}", environment.get(f"HAICHIEU_{name.upper()}", ""))
        if written:
            assert written[1] == str(field.default), name


def test_containers_have_least_privileges(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_services_have_health_checks_and_restart(services: dict[str, Any]) -> None:
    for name in services.keys() - ONE_SHOT:
        assert services[name]["healthcheck"]["test"][0] == "CMD", name
        assert services[name]["restart"] == "unless-stopped", name


def test_services_wait_for_their_dependencies(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            ends_by_itself = other in ONE_SHOT
            wanted = "service_completed_successfully" if ends_by_itself else "service_healthy"
            assert how["condition"] == wanted, f"{name} on {other}"


def test_images_are_built_from_files_that_exist(services: dict[str, Any]) -> None:
    for service in services.values():
        if "build" in service:
            assert (FILE.parent / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_asterisk_folders_exist_in_its_image(services: dict[str, Any]) -> None:
    image = " ".join(step.value for step in read_instructions(ROOT / "docker/asterisk.Dockerfile"))
    folders = [word for word in services["configuration"]["command"] if word.startswith("/")]
    assert len(folders) == 2
    assert all(folder in image for folder in folders)
