"""The guide to carriers and devices: its examples are valid, and it says what the station shows."""

import re
import tomllib
from pathlib import Path

import pytest

from broadcast_bridge.broadcasts.states import Reason, reason_message
from haichieu.alarms import AlarmKind
from haichieu.district.file import read_district
from haichieu.district.schema import SpeakerTable
from haichieu.locale import message, render
from haichieu.sip.models import TrunkState
from ivr.flows.definition import delivered_flows

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {"en": DOCS / "carriers-and-devices.md", "vi": DOCS / "carriers-and-devices.vi.md"}
KEYS = "make|codecs|answer_seconds|qualify|behind_nat|encrypted"


@pytest.fixture(params=PAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def text(language: str) -> str:
    return PAGES[language].read_text()


def blocks(page: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def section(page: str, number: int) -> str:
    return page.split(f"\n## {number}. ")[1].split("\n## ")[0]


def device_keys(page: str) -> dict[str, list[dict[str, object]]]:
    """The keys that the page names for each make, by its heading; each list of codecs starts another entry."""
    devices: dict[str, list[dict[str, object]]] = {}
    for part in section(page, 5).split("\n### ")[1:]:
        entries: list[dict[str, object]] = [{}]
        for line in re.findall(rf"`((?:{KEYS}) = [^`]+)`", part):
            [(key, value)] = tomllib.loads(line).items()
            if key in entries[-1]:
                entries.append({})
            entries[-1][key] = value
        devices[part.split()[0]] = entries
    return devices


def test_examples_are_one_valid_district_file(language: str, tmp_path: Path) -> None:
    file = tmp_path / "page.toml"
    file.write_text("\n".join(blocks(text(language))))
    district = read_district(file, delivered_flows())
    assert [trunk.id for trunk in district.trunks] == ["carrier", "carrier-ip", "gsm"]
    assert [trunk.register_ for trunk in district.trunks] == [True, False, False]


def test_both_languages_have_the_same_examples() -> None:
    assert blocks(text("en")) == blocks(text("vi"))
    assert list(device_keys(text("en")).values()) == list(device_keys(text("vi")).values())


def test_both_languages_have_the_same_sections_and_tables() -> None:
    def skeleton(page: str) -> list[str]:
        return re.findall(r"^(?:#+ (?:\d+\. )?|\|(?=-)|\| |- |\d+\. )", page, re.MULTILINE)

    assert skeleton(text("en")) == skeleton(text("vi"))


def test_keys_of_every_make_are_valid(language: str) -> None:
    devices = device_keys(text(language))
    example = tomllib.loads(blocks(section(text(language), 4))[0])["speakers"][0]
    base = {key: value for key, value in example.items() if key not in ("make", "codecs")}
    assert len(devices) == 7
    makes = {SpeakerTable.model_validate(base | keys).make for entries in devices.values() for keys in entries}
    assert makes == {"algo", "axis", "2n", "grandstream", "cyberdata", "barix", None}


def test_states_and_reasons_are_what_the_station_shows(language: str) -> None:
    table = section(text(language), 7)
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
    states = {render(message(f"trunk.state.{state}"), language) for state in TrunkState}
    reasons = {render(reason_message(reason), language) for reason in Reason}
    assert states <= set(rows)
    assert set(rows) <= states | reasons
    assert set(re.findall(r"`((?:trunk|speaker)_\w+)`", table)) <= set(AlarmKind)


def test_what_the_page_calls_the_panel_is_what_it_shows(language: str) -> None:
    named = set(re.findall(r"\*\*([^*]+)\*\*", section(text(language), 8)))
    for key in ("speakers.tone", "speakers.check_direct_call", "officials.pin_call", "nav.officials"):
        assert render(message(f"panel.{key}"), language) in named
