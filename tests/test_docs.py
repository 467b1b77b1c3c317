"""Documentation that cannot rot: what it names exists, and what exists is named."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.pofile import read_po
from flask import Flask

from admin.access.permissions import Rule, rule_of
from admin.web import create_app
from broadcast_bridge.broadcasts.states import BROADCAST, DELIVERY, Reason, reason_message
from broadcast_bridge.repairs.states import REPAIR
from feedback.states import CASE, DATA_REQUEST, REPLY
from haichieu.account_rights import MAY, Action
from haichieu.cli import GROUPS, app
from haichieu.database import Database
from haichieu.district.schema import District, Table
from haichieu.locale import render
from haichieu.people import Role
from haichieu.phone_sign_in import LINE_TRIES, STATION_TRIES, STRANGERS_TRIES, TRIES
from haichieu.processes.opened_station import OpenedStation
from haichieu.processes.web import webhooks_of_texts
from haichieu.settings import Settings, load_settings
from ivr.calls.caller_limits import Limits
from ivr.flows.definition import AnyNode
from tests.every_table import load_every_table

load_every_table()

ROOT = Path(__file__).parent.parent
NODES = get_args(get_args(AnyNode)[0])
FOR_PROGRAMS = ("/api/", "/webhooks/", "/healthz", "/metrics", "/nodes/")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


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
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\s*)make ([a-z]+(?:-[a-z]+)*)", document.read_text(), re.MULTILINE))
    assert named <= targets


def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"`((?:docker|docs|examples|tests)/[\w./-]+)`", document.read_text())
    assert [name for name in named if not (ROOT / name).exists() and name != "docker/.env"] == []


ROOMS = ("haichieu", "dialplans", "broadcast_bridge", "feedback", "ivr", "admin")


def paths_in_architecture() -> set[str]:
    text = (ROOT / "docs/architecture.md").read_text()
    return set(re.findall(rf"`((?:{'|'.join((*ROOMS, 'tests', 'docker', 'docs', 'examples'))})/[\w./-]*)`", text))


def test_architecture_names_every_folder_of_modules() -> None:
    modules = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    modules += (ROOT / "tests").glob("*/*.py")
    folders = {f"{path.parent.relative_to(ROOT)}/" for path in modules if path.name != "__init__.py"}
    assert folders - paths_in_architecture() == set()


def test_architecture_names_only_what_exists() -> None:
    named = paths_in_architecture()
    assert len(named) > 100
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert [path for path in sorted(named) if (ROOT / path).is_dir() != path.endswith("/")] == []


def test_operators_can_look_up_every_reason_that_they_may_hear() -> None:
    guide = (ROOT / "docs/operator-guide.vi.md").read_text()
    assert [reason for reason in Reason if f"| {render(reason_message(reason), 'vi')} |" not in guide] == []


def test_the_refusals_that_operators_look_up_are_what_the_station_says() -> None:
    guide = (ROOT / "docs/operator-guide.vi.md").read_text()
    section = guide.split("## 2.")[1].split("## 3.")[0]
    quoted = {line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")}
    prompts = tomllib.loads((ROOT / "ivr/prompts/vi.toml").read_text())
    spoken = {re.sub(r"\{[^}]*\}", "…", text) for text in prompts.values()}
    assert len(quoted) > 10
    assert quoted - spoken == {"đài nói"}


@pytest.mark.parametrize("guide", sorted((ROOT / "docs/guides").glob("*.vi.md")), ids=lambda path: path.name)
def test_guide_of_a_role_is_short_and_says_what_the_panel_says(guide: Path) -> None:
    """Each bold word is a label of the panel, as the panel writes it; five minutes are at most 1,000 syllables."""
    with (ROOT / "haichieu/locale/vi/messages.po").open("rb") as file:
        texts = [unit.string for unit in read_po(file) if unit.id]
    labels = {text.lower().rstrip("…") for text in texts if isinstance(text, str)}
    text = guide.read_text()
    named = {" ".join(label.split()).lower() for label in re.findall(r"\*\*([^*]+)\*\*", text)}
    assert named - labels == set()
    assert len(text.split()) < 1000
    assert "](../screenshots/" in text


def test_the_reference_draws_the_states_as_they_are() -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    assert [machine.name for machine in (BROADCAST, DELIVERY) if machine.mermaid() not in reference] == []
    for reason in Reason:
        vietnamese, english = (render(reason_message(reason), language) for language in ("vi", "en"))
        assert f"| `{reason}` | {vietnamese} | {english} |" in reference


def test_the_states_of_casework_are_drawn_as_they_are() -> None:
    casework = (ROOT / "docs/casework.md").read_text()
    assert [machine.name for machine in (CASE, REPLY, DATA_REQUEST) if machine.mermaid() not in casework] == []


def test_the_states_of_repairs_are_drawn_as_they_are() -> None:
    assert REPAIR.mermaid() in (ROOT / "docs/loudspeakers.md").read_text()


def test_security_page_states_the_limits_as_they_are() -> None:
    page = " ".join((ROOT / "docs/security.md").read_text().split())
    words = {5: "five", 10: "ten"}
    limits = Limits()
    for stated in (
        f"{words[TRIES]} per official or caller, {words[STRANGERS_TRIES]} for all strangers together, "
        f"{LINE_TRIES} per line and {STATION_TRIES} per station",
        f"{words[limits.wrong_cases_an_hour]} wrong numbers per hour from a number, "
        f"{limits.withheld_wrong_cases_a_day} per day from withheld numbers, "
        f"{limits.wrong_cases_a_day_on_a_line} per day and line",
        f"{limits.calls_an_hour} calls per hour from a number, {limits.calls_a_minute_on_a_line} per minute and line, "
        f"{limits.calls_at_once} at a time",
        f"{limits.messages_an_hour} per hour from a number, {limits.withheld_messages_an_hour} per hour and line",
        f"while {limits.unfinished_sign_ins} sign-ins of 15 minutes",
    ):
        assert stated in page


def documented(heading: str, document: str = "docs/reference.md") -> set[str]:
    """The names in the first column of the table below a heading."""
    section = (ROOT / document).read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def test_every_command_is_documented() -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    commands |= GROUPS.keys()  # made when they are asked for
    assert documented("Commands") == {f"haichieu {name}" for name in commands}


def test_every_verb_is_documented() -> None:
    assert documented("Verbs of call flows") == {get_args(node.model_fields["verb"].annotation)[0] for node in NODES}


@pytest.fixture
def application(migrated_sqlite: Path, tmp_path: Path) -> Flask:
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path)}")
    settings = load_settings(home=tmp_path)
    return create_app(database, settings, [webhooks_of_texts(OpenedStation(settings, database))])


def rights_of(rule: Rule) -> str:
    """The second column of the table of pages; of a route with steps, the steps of each right."""
    if rule.steps is not None:
        steps: dict[str, list[str]] = {}
        for name, one in sorted(rule.steps.items()):
            steps.setdefault(rights_of(one), []).append(f"`{name}`")
        return "; ".join(f"{who}: {', '.join(names)}" for who, names in sorted(steps.items()))
    return f"`{rule.action}`" if rule.action else "every account" if rule.signed_in else "anybody"


def test_every_route_is_documented_with_its_rights(application: Flask) -> None:
    pages, others = {}, set()
    for route in application.url_map.iter_rules():
        said = rule_of(application, route.endpoint)
        assert said is not None
        who = rights_of(said)
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
            if route.rule.startswith(FOR_PROGRAMS):
                others.add(f"{method} {route.rule}")
            else:
                pages[f"{method} {route.rule}"] = who
    assert documented("HTTP") == others
    section = (ROOT / "docs/panel.md").read_text().split("## Pages\n")[1].split("\n## ")[0]
    assert dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section, re.MULTILINE)) == pages


def test_the_table_of_roles_is_the_one_in_force() -> None:
    section = (ROOT / "docs/panel.md").read_text().split("## Roles\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")]
    roles = rows[0][2:]
    assert roles == list(Role)
    told = {row[0].strip("`"): {role for role, mark in zip(roles, row[2:], strict=True) if mark} for row in rows[2:]}
    assert told == {str(action): {str(role) for role in Role if action in MAY[role]} for action in Action}


def test_every_metric_is_documented(application: Flask) -> None:
    shown = set(re.findall(r"^# TYPE (\w+)", application.test_client().get("/metrics").text, re.MULTILINE))
    assert documented("Metrics") == shown


def test_every_key_of_the_district_file_is_documented() -> None:
    for name, field in District.model_fields.items():
        table = next(
            model
            for model in (field.annotation, *get_args(field.annotation))
            if isinstance(model, type) and issubclass(model, Table)
        )
        heading = f"`[{name}]`" if name == "station" else f"`[[{name}]]`"
        keys = {entry.alias or key for key, entry in table.model_fields.items()}
        assert documented(heading, "docs/district-file.md") == keys, name
