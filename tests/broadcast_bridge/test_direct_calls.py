"""Check of speakers for direct calls: when it is planned, and what its result leads to."""

import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import DeliveryState
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.speakers import direct_calls
from broadcast_bridge.speakers.direct_calls import DirectCallCheck, DirectCallChecks
from haichieu import jobs
from haichieu.alarms import open_alarms
from haichieu.ari.client import AriClient
from haichieu.ari.events import Event
from haichieu.ari.operations import CREATE_CHANNEL, Operation
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.locale import render
from haichieu.people import Level, Unit
from haichieu.sip.address import SocketAddress
from haichieu.sip.direct_invite import DirectAnswer

pytestmark = pytest.mark.asyncio

NOON = datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.UTC)


class Asterisk(AriClient):
    """Knows one contact of each endpoint."""

    def __init__(self, contact: str = "PJSIP/cb-1/sip:cb-1@192.0.2.7:5062;ob") -> None:
        super().__init__("127.0.0.1", 9, "", unclaimed=lambda event: None)
        self.contact = contact

    async def request(self, operation: Operation, **parameters: Any) -> dict[str, str]:
        if operation == CREATE_CHANNEL:
            self.events.dispatch(Event("StasisStart", {"channel": {"id": parameters["channelId"]}}))
        return {"value": self.contact}


@pytest.fixture
def speaker(database: Database) -> int:
    with database.session() as session:
        unit = Unit(code="CB", name="Cô Ba", level=Level.COMMUNE)
        session.add(unit)
        session.flush()
        session.add_all(
            [
                Speaker(code="cb-1", name="Loa Cô Ba", unit_id=unit.id, reachable=True, node="main"),
                Speaker(code="group", name="Nhóm", unit_id=unit.id, multicast="239.1.2.3:5004"),
            ]
        )
        session.flush()
        return session.scalars(sa.select(Speaker.id).where(Speaker.code == "cb-1")).one()


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[SocketAddress]:
    """The addresses that were called; every device answers."""
    addresses: list[SocketAddress] = []

    async def call(address: SocketAddress, user: str) -> DirectAnswer:
        addresses.append(address)
        return DirectAnswer.ANSWERED

    monkeypatch.setattr(direct_calls, "call_directly", call)
    return addresses


def seen(database: Database, address: str, at: datetime.datetime = NOON) -> None:
    with database.session() as session:
        direct_calls.seen_at(session, {"cb-1": address, "group": address, "phone": address}, at)


def planned(database: Database) -> list[tuple[int, str]]:
    with database.session() as session:
        return [(job.subject_id, job.state) for job in session.scalars(sa.select(Job))]


def due_now(session: Session, speaker: int) -> None:
    jobs.renew(session, direct_calls.KIND, speaker, NOON)


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("sip:cb-1@192.0.2.7:5062;ob", SocketAddress("192.0.2.7", 5062)),
        ("PJSIP/cb-1/sip:cb-1@192.0.2.7", SocketAddress("192.0.2.7", 5060)),
        ("sip:192.0.2.7:5070&PJSIP/cb-1/sip:cb-1@192.0.2.8", SocketAddress("192.0.2.7", 5070)),
        ("sip:cb-1@192.0.2.7:49152;transport=TLS;ob", SocketAddress("192.0.2.7", 5060)),
        ("sip:cb-1@192.0.2.7:5070&PJSIP/cb-1/sip:a@b;transport=tls", SocketAddress("192.0.2.7", 5070)),
        ("sip:cb-1@loa.example:5060", None),
        ("", None),
    ],
)
async def test_address_is_read_from_a_contact(contact: str, address: SocketAddress | None) -> None:
    assert direct_calls.address_of(contact) == address


async def test_a_speaker_is_checked_once_per_address(
    database: Database, speaker: int, called: list[SocketAddress]
) -> None:
    checks = DirectCallChecks(Asterisk(), database, "main")
    for _ in range(2):
        seen(database, "192.0.2.7")
    assert planned(database) == [(speaker, "waiting")]
    assert await checks.step() == 1
    assert called == [SocketAddress("192.0.2.7", 5062)]
    assert planned(database) == [(speaker, "done")]
    seen(database, "192.0.2.7")
    assert planned(database) == [(speaker, "done")]
    seen(database, "192.0.2.99")
    assert planned(database) == [(speaker, "waiting")]


async def test_a_speaker_that_answers_anyone_raises_an_alarm_until_it_stops(
    database: Database, speaker: int, called: list[SocketAddress], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = DirectCallChecks(Asterisk(), database, "main")
    with database.session() as session:
        due_now(session, speaker)
    await checks.step()
    with database.session() as session:
        assert session.get_one(DirectCallCheck, speaker).is_open
        [alarm] = open_alarms(session)
        assert (alarm.kind, alarm.subject) == ("speaker_open", "speaker:cb-1")
        assert "192.0.2.7:5062" in render(alarm.text, "en")
        due_now(session, speaker)

    async def refuse(*_: object) -> DirectAnswer:
        return DirectAnswer.REFUSED

    monkeypatch.setattr(direct_calls, "call_directly", refuse)
    await checks.step()
    with database.session() as session:
        assert not session.get_one(DirectCallCheck, speaker).is_open
        assert open_alarms(session) == []


async def test_a_speaker_in_a_broadcast_is_checked_later(
    database: Database, speaker: int, called: list[SocketAddress]
) -> None:
    with database.session() as session:
        broadcast = Broadcast(zone_names="Cô Ba", state="on_air", created_at=NOON)
        broadcast.deliveries = [Delivery(speaker_id=speaker, state=DeliveryState.PLAYING)]
        session.add(broadcast)
        due_now(session, speaker)
    await DirectCallChecks(Asterisk(), database, "main").step()
    assert called == []
    with database.session() as session:
        assert session.scalars(sa.select(Job)).one().due_at > now()


async def test_a_speaker_without_a_contact_is_not_called(
    database: Database, speaker: int, called: list[SocketAddress]
) -> None:
    with database.session() as session:
        due_now(session, speaker)
    await DirectCallChecks(Asterisk(contact=""), database, "main").step()
    assert (called, planned(database)) == ([], [(speaker, "done")])
