"""The lists of verified and reconstructed fields in docs/source-system.md name what the dialects read and send."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from broadcast_bridge.source_system import (
    device_dialect,
    neutral_dialect,
    portal_dialect,
    province_forms,
    province_protocols,
    status_answers,
)
from broadcast_bridge.source_system.exchange import (
    AiringLog,
    AtDevice,
    CommandResult,
    DayCounts,
    DeviceStatus,
    Named,
    Receipt,
    UnitCounts,
)
from tests.broadcast_bridge.source_system.documented_fields import FIELD, named, section

MODULES = {"device": device_dialect, "portal": portal_dialect}
STAND_IN = (province_forms, province_protocols, status_answers)
OF_ANSWERS = {"MoTa", "ThongBao"}
"""Words of an answer that are only repeated in a message."""


def rows(dialect: str) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield message, verified and reconstructed fields of each row."""
    for line in section(dialect).splitlines():
        if line.startswith("| ") and not line.startswith("| message"):
            message, verified, reconstructed = re.split(r"\s*\|\s*", line)[1:-1]
            yield message, named(verified), named(reconstructed)


def literals(*modules: object) -> set[str]:
    texts = (Path(str(module.__file__)).read_text() for module in modules)  # type: ignore[attr-defined]
    nodes = (node for text in texts for node in ast.walk(ast.parse(text)))
    found = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {one for one in found if FIELD.fullmatch(one)}


@pytest.mark.parametrize("dialect", sorted(MODULES))
def test_every_field_of_the_code_is_verified_or_reconstructed(dialect: str) -> None:
    listed = set().union(*(verified | reconstructed for _, verified, reconstructed in rows(dialect)))
    messages = {word.strip("`") for message, _, _ in rows(dialect) for word in message.split()}
    assert sorted(literals(MODULES[dialect]) - listed - messages - named(section(dialect)) - OF_ANSWERS) == []


@pytest.mark.parametrize("dialect", sorted(MODULES))
def test_every_field_that_is_listed_is_in_the_code(dialect: str) -> None:
    code = literals(MODULES[dialect], *STAND_IN)
    assert [(message, verified - code, reconstructed - code) for message, verified, reconstructed in rows(dialect)
            if (verified | reconstructed) - code] == []  # fmt: skip


def test_every_field_of_the_neutral_dialect_is_documented() -> None:
    read = [one for one in vars(neutral_dialect).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    sent = (Receipt, AiringLog, AtDevice, CommandResult, DayCounts, UnitCounts, Named)
    fields = {info.alias or name for model in (*read, *sent) for name, info in model.model_fields.items()}
    fields |= set(DeviceStatus.__dataclass_fields__) - {"external_id"}
    words = set(re.findall(r'[`"]([a-z_]+)[`"]', section("neutral")))
    assert sorted(fields - words) == []
