"""The number of ours that was dialled, among what a carrier says and however it is written."""

import datetime

import pytest

from haichieu.ari.call import Call
from haichieu.ari.events import Event
from haichieu.database import Database
from haichieu.people import Unit
from haichieu.station import Station
from ivr.calls.reception import destination_of
from ivr.calls.routing import EMERGENCY_FLOW, Number
from tests.fake_asterisk import FakeAsterisk

AT = datetime.datetime(2026, 11, 30, 3, tzinfo=datetime.UTC)
HOTLINE = "02063888222"


@pytest.fixture
def numbers(database: Database) -> Database:
    with database.session() as session:
        unit = Unit(code="CB", name="Cô Ba", level="commune")
        session.add_all([unit, Station(id=1, emergency_number="02063888999")])
        session.flush()
        session.add_all(
            [
                Number(number=HOTLINE, flow="hotline", unit_id=unit.id),
                Number(number="1900", flow="official-line", unit_id=unit.id),
            ]
        )
    return database


@pytest.mark.parametrize(
    ("dialled", "flow"),
    [
        (["+842063888222"], "hotline"),
        (["842063888222"], "hotline"),
        (["00842063888222"], "hotline"),
        (["2063888222"], "hotline"),
        (["0999", HOTLINE], "hotline"),
        (["1900", HOTLINE], "official-line"),
        (["+842063888999"], EMERGENCY_FLOW),
        (["0999"], None),
        ([], None),
    ],
)
def test_first_number_that_is_ours_decides(numbers: Database, dialled: list[str], flow: str | None) -> None:
    with numbers.reading() as session:
        found = destination_of(session, dialled, AT)
    assert (found.flow if found else None) == flow


@pytest.mark.parametrize(
    ("args", "dialled"),
    [
        (["inbound", HOTLINE], (HOTLINE,)),
        (["inbound", "", "+842063888222", ""], ("+842063888222",)),
        (["inbound"], ()),
    ],
)
@pytest.mark.asyncio
async def test_call_has_the_numbers_that_the_dialplan_found(args: list[str], dialled: tuple[str, ...]) -> None:
    channel = {"id": "1", "caller": {"number": ""}, "name": "PJSIP/carrier-1", "dialplan": {"exten": "s"}}
    call = Call.arriving(FakeAsterisk().client, Event("StasisStart", {"args": args, "channel": channel}))
    assert call.may_have_dialled == dialled
    assert call.dialled == (dialled[0] if dialled else "")
