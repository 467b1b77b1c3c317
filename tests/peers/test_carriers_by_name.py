"""Carriers that DNS names: Asterisk asks dnsmasq, registers with Kamailio and calls SIPp by SRV and NAPTR records."""

import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broadcast_bridge.speakers.account_sync import AccountSync
from dialplans.account_file import AccountFile
from dialplans.accounts import trunk_account
from dialplans.carrier_names import CarrierNames
from dialplans.numbering import legs_to
from haichieu.ari.dialling import dial
from haichieu.database import Database
from haichieu.demo.trial_station import free_port
from haichieu.sip.models import Trunk
from haichieu.vault import open_vault
from tests.lone_asterisk import lone_asterisk
from tests.peers.called_carrier import ANSWERS, OURS, PLAIN, THEIRS, application
from tests.peers.dnsmasq import Dnsmasq, dnsmasq
from tests.peers.kamailio import PASSWORD, USERNAME, kamailio
from tests.peers.sipp import plays, waits

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("callers"),
    pytest.mark.asyncio,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root for port 53 and a mount namespace"
    ),
]

FIRST, SECOND, MOVED = "127.0.0.21", "127.0.0.22", "127.0.0.23"


@pytest.fixture
def port() -> int:
    return free_port(socket.SOCK_DGRAM)


@pytest.fixture
async def server(tmp_path: Path, port: int) -> AsyncIterator[Dnsmasq]:
    """Two places of one carrier, of which the first is preferred; a carrier of UDP whose NAPTR prefers TCP."""
    (tmp_path / "dns").mkdir()
    records = [
        f"srv-host=_sip._udp.carrier.test,first.carrier.test,{port},10,0",
        f"srv-host=_sip._udp.carrier.test,second.carrier.test,{port},20,0",
        "naptr-record=ims.test,10,10,s,SIP+D2T,,_sip._tcp.carrier.test",
        "naptr-record=ims.test,20,10,s,SIP+D2U,,_sip._udp.pop.test",
        f"srv-host=_sip._udp.pop.test,second.carrier.test,{port},10,0",
    ]
    hosts = {"second.carrier.test": SECOND, "first.carrier.test": FIRST}
    async with dnsmasq(tmp_path / "dns", records, hosts) as server:
        yield server


@pytest.mark.parametrize(("name", "place"), [("carrier.test", FIRST), ("ims.test", SECOND)], ids=["SRV", "NAPTR"])
async def test_station_registers_where_dns_says(
    tmp_path: Path, server: Dnsmasq, port: int, name: str, place: str
) -> None:
    options = {"register": True, "username": USERNAME, "password": PASSWORD, "domain": "carrier.invalid"}
    account = trunk_account("carrier", name, 0, **options)  # type: ignore[arg-type]
    async with (
        kamailio(tmp_path, port, bind=place) as carrier,
        lone_asterisk(tmp_path / "home", [account], resolv_conf=server.resolv_conf),
    ):
        await carrier.registered()


async def test_second_place_of_a_carrier_is_called_when_the_first_is_silent(
    tmp_path: Path, server: Dnsmasq, port: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haichieu.ari.dialling.SIGN_SECONDS", 1.0)
    with database.session() as session:
        session.add(Trunk(code="carrier", host="carrier.test", outbound=True))
    await CarrierNames(database, server.resolver).look()
    account = trunk_account("carrier", "carrier.test", 0, **PLAIN)  # type: ignore[arg-type]
    with database.session() as session:
        legs = legs_to(session, f"+84{THEIRS[1:]}", OURS)
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((FIRST, port))
    with silent:
        async with (
            waits("carrier-answers", tmp_path, port=port, bind=SECOND) as second,
            lone_asterisk(tmp_path / "home", [account], dialplan=ANSWERS, resolv_conf=server.resolv_conf) as asterisk,
            application(asterisk) as client,
            dial(client, legs, timeout=10),
        ):
            assert second.received("INVITE")
        assert b"@carrier.test SIP/2.0" in silent.recv(2000).partition(b"\r\n")[0]


async def test_calls_from_a_place_that_moved_are_taken_at_its_new_address(
    tmp_path: Path, server: Dnsmasq, database: Database
) -> None:
    with database.session() as session:
        session.add(Trunk(code="carrier", host="carrier.test"))
    home = tmp_path / "home"
    async with (
        lone_asterisk(home, dialplan=ANSWERS, resolv_conf=server.resolv_conf) as asterisk,
        application(asterisk) as client,
    ):
        names = CarrierNames(database, server.resolver)
        accounts = AccountSync(client, database, open_vault(home), AccountFile(home), 0)

        async def answers() -> dict[str, str]:
            keys = {"uri": f"sip:{OURS}@{asterisk.server}", "padding": "x"}
            found = {}
            for address in (FIRST, SECOND, MOVED):
                port = free_port(socket.SOCK_DGRAM)
                _, sipp = await plays("carrier-keeps-alive", tmp_path, asterisk.server, keys, port=port, bind=address)
                (found[address],) = {message.split(" ")[1] for message in sipp.received("SIP/2.0")} - {"100"}
            return found

        await names.look()
        await accounts.push_all()
        assert await answers() == {FIRST: "200", SECOND: "200", MOVED: "401"}

        await server.renew({"second.carrier.test": MOVED, "first.carrier.test": FIRST})
        await names.look()
        await accounts.push_changes()
        assert await answers() == {FIRST: "200", SECOND: "401", MOVED: "200"}
