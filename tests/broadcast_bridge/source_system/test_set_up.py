"""Sources in the district file, the simulator's command, and what the documents say about the dialects."""

import datetime
import json
import re
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestServer

from broadcast_bridge.source_system import report_queue
from broadcast_bridge.source_system.bulletin_intake import take
from broadcast_bridge.source_system.device_dialect import DeviceDialect
from broadcast_bridge.source_system.exchange import Access, Json
from broadcast_bridge.source_system.models import Source, SourcePlace
from broadcast_bridge.source_system.portal_dialect import PortalDialect
from broadcast_bridge.source_system.province import CLOCK_SKEW, Fault, Province
from broadcast_bridge.source_system.province_protocols import DEVICE_LOG_FIELDS, PORTAL_FIELDS
from broadcast_bridge.source_system.states import BULLETIN
from haichieu.cli.source_simulator import _messages
from haichieu.database import Database, now
from haichieu.district.errors import DistrictFileError
from haichieu.district.reconcile import apply_file
from haichieu.errors import UsageError
from haichieu.vault import Vault
from tests.broadcast_bridge.source_system.link import Link, audio, text

VAULT = Vault(b"0123456789012345678901234567890123456789012=")
ROOT = Path(__file__).parents[3]
DISTRICT = """
[[units]]
code = "co-ba"
name = "Xã Cô Ba"
level = "commune"
[[units]]
code = "na-tao"
name = "Thôn Nà Tao"
level = "village"
parent = "co-ba"
[[speakers]]
id = "cb-01"
name = "Loa 1"
unit = "na-tao"
password = "mat-khau-1"
[[sources]]
code = "tinh"
name = "Tỉnh Cao Bằng"
dialect = "neutral"
address = "https://nguon.caobang.example/api/"
username = "co-ba"
password = "bí mật"
station = "H24.01"
unit = "co-ba"
areas = {"01285" = "co-ba", "thon-1" = "na-tao"}
speakers = {"8612" = "cb-01"}
"""


def applied(database: Database, folder: Path, content: str, *, prune: bool = False) -> list[str]:
    file = folder / "district.toml"
    file.write_text(content)
    report = apply_file(database, VAULT, file, [], dry_run=False, prune=prune, actor="test")
    return [f"{change.action} {change.table}" for change in report.made]


def test_district_file_sets_up_a_source_and_changes_it(database: Database, tmp_path: Path) -> None:
    assert "added sources" in applied(database, tmp_path, DISTRICT)
    assert applied(database, tmp_path, DISTRICT) == []
    with database.session() as session:
        source = session.scalars(sa.select(Source)).one()
        assert (source.address, VAULT.unlock(source.password_locked)) == (
            "https://nguon.caobang.example/api", "bí mật",
        )  # fmt: skip
        assert "bí mật" not in source.password_locked
        assert [place.external_id for place in source.places] == ["01285", "8612", "thon-1"]
        source.cursor = "77"
    moved = DISTRICT.replace('"thon-1" = "na-tao"', '"thon-1" = "co-ba"')
    assert applied(database, tmp_path, moved) == ["changed sources"]
    with database.session() as session:
        place = session.scalars(sa.select(SourcePlace).where(SourcePlace.external_id == "thon-1")).one()
        assert place.unit is not None
        assert (place.unit.code, session.scalars(sa.select(Source.cursor)).one()) == ("co-ba", "77")
    applied(database, tmp_path, moved.replace("caobang.example", "hagiang.example"))
    with database.session() as session:
        assert session.scalars(sa.select(Source.cursor)).one() == ""


def test_source_with_bulletins_is_retired_and_its_bulletins_stay(link: Link, tmp_path: Path) -> None:
    assert link.look(lambda session: session.scalar(sa.select(Source.removed_at))) is None
    link.look(lambda session: session.execute(sa.update(Source).values(cursor="1")))
    link.look(lambda session: take(session, session.get_one(Source, link.source_id), text(), now()))
    applied(link.database, tmp_path, "[station]\nname = 'Đài'\n", prune=True)
    assert link.look(lambda session: session.scalar(sa.select(Source.removed_at))) is not None
    assert link.states() == {"b1": "offered"}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("https://nguon", "http://nguon"),
        ("https://nguon", "ftp://nguon"),
        ('"neutral"', '"another"'),
        ('"8612" = "cb-01"', '"8612" = "cb-99"'),
        ('"8612" = "cb-01"', '"01285" = "cb-01"'),
        ('"thon-1" = "na-tao"', '"thon-1" = "na-nothing"'),
        ('station = "H24.01"', 'station = ""'),
    ],
)
def test_source_that_cannot_work_is_refused(database: Database, tmp_path: Path, good: str, bad: str) -> None:
    with pytest.raises(DistrictFileError):
        applied(database, tmp_path, DISTRICT.replace(good, bad))


async def test_simulator_is_controlled_over_http(server: tuple[TestServer, Province]) -> None:
    serving, province = server
    async with aiohttp.ClientSession(str(serving.make_url("/"))) as client:
        await client.post("/issue", json={"type": "withdrawal", "id": "b1"})
        await client.post("/fault", json={"fault": "500", "path": "messages", "times": 2})
        async with client.get("/book") as answer:
            assert (await answer.json())["repeated"] == 0
        await client.post("/fault", json={"fault": "clock-skew", "minutes": 20})
    assert (len(province.issued), list(province.faults)) == (1, [("messages", Fault.ERROR)] * 2)
    assert province.clock_ahead == datetime.timedelta(minutes=20)


async def test_simulator_sends_a_sound_that_is_too_large_once(link: Link) -> None:
    link.province.sounds["tin.wav"] = b""
    link.province.faults.append(("sounds", Fault.HUGE))
    address = link.look(lambda session: session.get_one(Source, link.source_id)).address
    link.province.issue(audio("b1", f"{address}/sounds/tin.wav"))
    await link.exchange()
    await link.work()
    reason = link.bulletin("b1").reason
    assert reason is not None
    assert reason.key == "source.sound_too_large"


def test_file_for_the_simulator_is_a_list_of_messages(tmp_path: Path) -> None:
    file = tmp_path / "messages.json"
    file.write_text(json.dumps([{"type": "withdrawal", "id": "b1"}]))
    assert len(_messages(file)) == 1
    for content in ("{}", "[1]", "[{"):
        file.write_text(content)
        with pytest.raises(UsageError):
            _messages(file)


def table_of_fields(dialect: str) -> dict[str, set[str]]:
    """Return the names in each row of the table of a dialect."""
    section = (ROOT / "docs/source-system.md").read_text().split(f"## The {dialect} dialect")[1].split("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `POST")]
    return {row[1].split("`")[1]: set(re.findall(r"`(\w+)`", "|".join(row[2:]))) for row in rows}


class NotingWire:
    """Notes what a dialect sends, and accepts it."""

    access = Access("Tỉnh", "http://127.0.0.1:9", "u", "p", "H24", "Xã Cô Ba")

    def __init__(self) -> None:
        self.sent: dict[str, Json] = {}

    async def get(self, path: str, **query: str) -> Json:
        raise AssertionError(self)

    async def wait(self, path: str, seconds: float, **query: str) -> Json:
        raise AssertionError(self)

    async def post(self, path: str, body: Json, *, signed: bool = True) -> Json:
        self.sent[path] = body
        return {"TrangThaiGui": 0, "NoiDung": {"Token": "x"}}

    async def download(self, link: str, file: Path) -> None:
        raise AssertionError(self)


async def test_documents_list_every_field_that_is_sent(link: Link) -> None:
    for one in (text(), text("x", areas=["?"])):
        link.look(lambda session, one=one: take(session, session.get_one(Source, link.source_id), one, now()))
    dialect, wire = DeviceDialect(), NotingWire()
    await dialect.log_in(wire)
    states = link.look(lambda session: report_queue.device_states(session, link.source_id))
    await dialect.report_devices(wire, states, now())
    for waiting in link.look(lambda session: report_queue.waiting(session, link.source_id, 10)):
        await dialect.send(wire, waiting.report)
    documented = table_of_fields("device")
    assert wire.sent.keys() == {"Login", "Ping", "AddPlaylist", "DeletePlaylist"}
    for path, body in wire.sent.items():
        assert body.keys() <= documented[f"POST {path}"], path
    assert documented["POST Log"] | documented["POST Ping"] >= DEVICE_LOG_FIELDS


async def test_documents_list_every_field_that_the_portal_gets(link: Link) -> None:
    link.look(lambda session: take(session, session.get_one(Source, link.source_id), text("x", areas=["?"]), now()))
    dialect, wire = PortalDialect(), NotingWire()
    await dialect.log_in(wire)
    states = link.look(lambda session: report_queue.device_states(session, link.source_id))
    await dialect.report_devices(wire, states, now())
    for waiting in link.look(lambda session: report_queue.waiting(session, link.source_id, 10)):
        await dialect.send(wire, waiting.report)
    documented = table_of_fields("portal")
    assert wire.sent.keys() == {"Login", "api8", "api9"}
    for path, body in wire.sent.items():
        assert body.keys() <= documented[f"POST {path}"], path
    wanted = {"api8": documented["POST api8"], "api9": documented["POST api9"]}
    assert all(fields <= wanted[path] for path, fields in PORTAL_FIELDS.items())


def test_documents_list_every_fault_of_the_simulator() -> None:
    section = (ROOT / "docs/source-system.md").read_text().split("## Simulator")[1]
    assert all(f"`{fault}`" in section for fault in [*Fault, CLOCK_SKEW])


def test_documents_draw_the_states_of_a_bulletin() -> None:
    assert BULLETIN.mermaid() in (ROOT / "docs/source-system.md").read_text()
