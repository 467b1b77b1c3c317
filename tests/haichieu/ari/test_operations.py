"""Our ARI operations against the description that the Asterisk in use ships."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from haichieu.ari import operations
from haichieu.ari.operations import Operation
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings


@dataclass(frozen=True)
class Described:
    """What Asterisk says of one operation."""

    path_parameters: frozenset[str]
    query: frozenset[str]
    takes_body: bool


@pytest.fixture(scope="session")
def described() -> dict[tuple[str, str], Described]:
    """Every operation by method and path, its path parameters left nameless."""
    folder = find_or_fetch(load_settings()).data / "rest-api"
    return {key: value for file in sorted(folder.glob("*.json")) for key, value in _read(file).items()}


def _read(file: Path) -> dict[tuple[str, str], Described]:
    apis: list[dict[str, Any]] = json.loads(file.read_text()).get("apis", [])
    return {
        (operation["httpMethod"], _nameless(api["path"])): _described(operation)
        for api in apis
        for operation in api.get("operations", ())  # resources.json only lists the other files
        if "httpMethod" in operation
    }


def _described(operation: dict[str, Any]) -> Described:
    by_place: dict[str, set[str]] = {"path": set(), "query": set(), "body": set()}
    for parameter in operation.get("parameters", []):
        by_place[parameter["paramType"]].add(parameter["name"])
    return Described(frozenset(by_place["path"]), frozenset(by_place["query"]), bool(by_place["body"]))


def _nameless(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


@pytest.mark.parametrize("operation", operations.ALL, ids=lambda operation: f"{operation.method} {operation.path}")
def test_asterisk_has_every_operation_that_we_use(
    described: dict[tuple[str, str], Described], operation: Operation
) -> None:
    found = described[operation.method, _nameless(operation.path)]
    assert set(re.findall(r"\{(\w+)\}", operation.path)) == found.path_parameters
    assert operation.query <= found.query
    assert found.takes_body or not operation.sends_body
