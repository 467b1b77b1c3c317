"""The plan of a broadcast: what it costs to make one from the rows."""

from pathlib import Path

import pytest

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.studio.broadcast_plan import Plan, Sounds, plan_of
from broadcast_bridge.studio.speaker_target import Calling, MulticastRoute, Shown
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Level, Unit
from tests.builders.queries import queries


def with_zones(database: Database, **zones: int) -> None:
    """Add zones of so many speakers each, by their code; no speaker is in two of them."""
    with database.session() as session:
        unit = Unit(code="A", name="Xã A", level=Level.COMMUNE)
        session.add(unit)
        session.flush()
        for name, count in zones.items():
            speakers = [
                Speaker(code=f"{name}{n}", name=f"Loa {n}", unit_id=unit.id, reachable=True) for n in range(count)
            ]
            session.add(Zone(code=name.removeprefix("z"), name=name, speakers=speakers))


def begun(database: Database, zone: str) -> int:
    """A broadcast whose speakers are taken."""
    with database.session() as session:
        number = starting.ask(session, Request("schedule:1", "Bản tin", [], [zone]), now()).id
        assert starting.begin(session, number, "main", now()) is not None
    return number


def planned(database: Database, home: Path, number: int) -> Plan:
    with database.reading() as session:
        return plan_of(
            session,
            session.get_one(Broadcast, number),
            store=MediaStore(home / "media", 1),
            sounds=Sounds("chime", "end", "ready", "siren"),
            calling=Calling(MulticastRoute(), lambda _: Shown()),
            label=lambda _: "",
            node="main",
        )


@pytest.mark.both_databases
def test_many_speakers_cost_no_more_queries_than_one(database: Database, tmp_path: Path) -> None:
    with_zones(database, z1=1, z8=8)
    needed, codes = [], []
    for zone in ("1", "8"):
        number = begun(database, zone)
        with queries(database) as found:
            codes.append([target.code for target in planned(database, tmp_path, number).targets])
        needed.append(len(found))
    assert codes == [["z10"], [f"z8{n}" for n in range(8)]]
    assert needed[0] == needed[1]


def test_speaker_of_another_node_is_no_target(database: Database, tmp_path: Path) -> None:
    with_zones(database, z1=2)
    number = begun(database, "1")
    assert len(planned(database, tmp_path, number).targets) == 2
    with database.session() as session:
        first, second = session.get_one(Broadcast, number).deliveries
        first.node, second.node = "elsewhere", "main"
    assert [target.code for target in planned(database, tmp_path, number).targets] == ["z11"]
