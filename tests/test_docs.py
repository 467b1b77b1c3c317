"""Documentation that cannot rot: what it names exists, and what exists is named."""

import re
import tomllib
from pathlib import Path

import pytest

from broadcast_bridge.states import Reason, words
from haichieu.settings import Settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_setting_is_documented_as_it_is() -> None:
    rows = [line for line in (ROOT / "docs/settings.md").read_text().splitlines() if line.startswith("| `")]
    expected = []
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default not in ("", None) else "(empty)"
        expected.append(f"| `{name}` | `HAICHIEU_{name.upper()}` | {default} | {field.description} |")
    assert rows == expected


def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\s*)make ([a-z]+)", document.read_text(), re.MULTILINE))
    assert named <= targets


def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"`((?:docker|docs|examples|tests)/[\w./-]+)`", document.read_text())
    assert [name for name in named if not (ROOT / name).exists() and name != "docker/.env"] == []


def test_operators_can_look_up_every_reason_that_they_may_hear() -> None:
    guide = (ROOT / "docs/operator-guide.vi.md").read_text()
    assert [reason for reason in Reason if f"| {words(reason)} |" not in guide] == []


def test_the_refusals_that_operators_look_up_are_what_the_station_says() -> None:
    guide = (ROOT / "docs/operator-guide.vi.md").read_text()
    section = guide.split("## 2.")[1].split("## 3.")[0]
    quoted = {line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")}
    prompts = tomllib.loads((ROOT / "ivr/prompts/vi.toml").read_text())
    spoken = {re.sub(r"\{[^}]*\}", "…", text) for text in prompts.values()}
    assert len(quoted) > 10
    assert quoted - spoken == {"đài nói"}
