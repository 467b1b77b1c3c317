"""Addresses behind the names of carriers, as a DNS server of other developers gives them."""

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dialplans.accounts import trunk_account
from dialplans.carrier_names import CarrierNames, addresses_of
from dialplans.numbering import legs_to
from haichieu.database import Database
from haichieu.demo.trial_station import free_port
from haichieu.sip.models import Trunk
from tests.peers.dnsmasq import Dnsmasq, dnsmasq

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTS = {"a.test": "127.1.0.1", "b.test": "127.1.0.2", "c.test": "127.1.0.3", "both.test": "127.1.0.9"}
RECORDS = [
    "srv-host=_sip._udp.srv.test,b.test,5080,20,0",
    "srv-host=_sip._udp.srv.test,a.test,5070,10,0",
    "srv-host=_sip._tcp.srv.test,c.test,5062,10,0",
    "srv-host=_sips._tcp.srv.test,c.test,5063,10,0",
    "srv-host=_sip._udp.weights.test,a.test,5060,10,10",
    "srv-host=_sip._udp.weights.test,b.test,5060,10,90",
    "srv-host=_sip._udp.both.test,a.test,5060,10,0",
    "srv-host=_sip._udp.lost.test,nowhere.test,5060,10,0",
    "srv-host=_sip._udp.lost.test,b.test,5060,20,0",
    "srv-host=_sip._udp.closed.test",
    "naptr-record=naptr.test,20,10,s,SIP+D2U,,_sip._udp.pop.test",
    "naptr-record=naptr.test,10,10,s,SIP+D2T,,_sip._tcp.srv.test",
    "srv-host=_sip._udp.pop.test,c.test,5064,10,0",
    "naptr-record=mail.test,10,10,u,E2U+email,!^.*$!mailto:info@a.test!",
    "srv-host=_sip._udp.mail.test,a.test,5060,10,0",
    "naptr-record=odd.test,10,10,s,SIP+D2U\udcff,,_sip._udp.pop.test",
    "srv-host=_sip._udp.odd.test,a.test,5060,10,0",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dnsmasq]:
    async with dnsmasq(tmp_path_factory.mktemp("dns"), RECORDS, HOSTS, port=free_port(socket.SOCK_DGRAM)) as server:
        yield server


@pytest.mark.parametrize(
    ("name", "transport", "found"),
    [
        ("srv.test", "udp", ["127.1.0.1:5070", "127.1.0.2:5080"]),
        ("srv.test", "tcp", ["127.1.0.3:5062"]),
        ("srv.test", "tls", ["127.1.0.3:5063"]),
        ("a.test", "udp", ["127.1.0.1"]),
        ("a.test:5090", "udp", ["127.1.0.1:5090"]),
        ("both.test", "udp", ["127.1.0.1:5060"]),
        ("both.test:5090", "udp", ["127.1.0.9:5090"]),
        ("weights.test", "udp", ["127.1.0.2:5060", "127.1.0.1:5060"]),
        ("lost.test", "udp", ["127.1.0.2:5060"]),
        ("closed.test", "udp", []),
        ("naptr.test", "udp", ["127.1.0.3:5064"]),
        ("naptr.test", "tcp", ["127.1.0.3:5062"]),
        ("mail.test", "udp", ["127.1.0.1:5060"]),
        ("odd.test", "udp", ["127.1.0.1:5060"]),
        ("nobody.test", "udp", []),
    ],
)
async def test_names_are_looked_up_as_rfc_3263_says(
    server: Dnsmasq, name: str, transport: str, found: list[str]
) -> None:
    assert addresses_of(server.resolver(), name, transport) == found


async def test_silent_server_is_distinguished_from_an_unknown_name(
    server: Dnsmasq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialplans.carrier_names.TIMEOUT_SECONDS", 0.2)
    resolver = server.resolver()
    resolver.port = free_port(socket.SOCK_DGRAM)
    assert addresses_of(resolver, "a.test", "udp") is None


def trunk(database: Database, **changes: object) -> Trunk:
    with database.session() as session:
        row = session.get(Trunk, 1) or Trunk(id=1, code="carrier", host="srv.test", outbound=True)
        for name, value in changes.items():
            setattr(row, name, value)
        session.add(row)
        return row


async def test_calls_from_each_address_of_a_name_are_the_carriers(server: Dnsmasq, database: Database) -> None:
    trunk(database, hosts=["b.test:5090", "203.0.113.0/28", "203.0.113.77"], proxy="c.test")
    await CarrierNames(database, server.resolver).look()
    row = trunk(database)
    objects = trunk_account(
        "carrier", row.host, 0, register=False, username="", password="", hosts=row.hosts, proxy=row.proxy,
        found=row.found,
    )  # fmt: skip
    (identify,) = (item for item in objects if item.object_type == "identify")
    assert set(identify.fields["match"].split(",")) == {
        "127.1.0.1", "127.1.0.2", "127.1.0.3", "203.0.113.77", "203.0.113.0/28",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("transport", "places"),
    [
        ("udp", ["srv.test", "127.1.0.2:5080", "127.1.0.1:5070"]),
        ("tcp", ["srv.test;transport=tcp"]),
        ("tls", ["srv.test;transport=tls"]),
    ],
)
async def test_second_address_of_a_name_is_called_when_the_first_fails(
    server: Dnsmasq, database: Database, transport: str, places: list[str]
) -> None:
    trunk(database, transport=transport)
    await CarrierNames(database, server.resolver).look()
    with database.session() as session:
        legs = legs_to(session, "+84912345678", "1900")
    assert [leg.endpoint for leg in legs] == [f"PJSIP/carrier/sip:+84912345678@{place}" for place in places]


async def test_addresses_stay_while_dns_is_silent_or_knows_none(
    server: Dnsmasq, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    trunk(database)
    await CarrierNames(database, server.resolver).look()
    monkeypatch.setattr("dialplans.carrier_names.TIMEOUT_SECONDS", 0.2)
    before = dict(trunk(database).found)

    def elsewhere() -> object:
        resolver = server.resolver()
        resolver.port = free_port(socket.SOCK_DGRAM)
        return resolver

    await CarrierNames(database, elsewhere).look()  # type: ignore[arg-type]
    assert trunk(database).found == before == {"srv.test": ["127.1.0.1:5070", "127.1.0.2:5080"]}

    monkeypatch.undo()
    trunk(database, host="nobody.test")
    await CarrierNames(database, server.resolver).look()
    assert trunk(database).found == {}


async def test_nothing_is_written_while_dns_says_the_same(server: Dnsmasq, database: Database) -> None:
    trunk(database)
    names = CarrierNames(database, server.resolver)
    await names.look()
    before = trunk(database).found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dialplans.carrier_names._store", None)
        await names.look()
    assert trunk(database).found == before


async def test_carriers_without_a_name_need_no_dns(database: Database) -> None:
    def nobody() -> object:
        raise AssertionError

    trunk(database, host="203.0.113.1", hosts=["203.0.113.2:5080", "203.0.113.32/28"])
    await CarrierNames(database, nobody).look()  # type: ignore[arg-type]
    assert trunk(database).found == {}
