"""Carriers over TLS: Kamailio with a right certificate and with wrong ones."""

import asyncio
import socket
from pathlib import Path

import pytest

from dialplans.accounts import trunk_account
from dialplans.carrier_certificates import authorities_file, why_untrusted
from dialplans.configuration import write_authorities
from dialplans.trunk_watch import TrunkWatch
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.demo.trial_station import free_port, until
from haichieu.sip.models import Trunk, TrunkState
from tests.builders.certificates import DAY, authority, server_certificate
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.peers.called_carrier import application
from tests.peers.kamailio import PASSWORD, USERNAME, Kamailio, kamailio

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio]

HOST = "127.0.0.1"


def account(port: int) -> list[object]:
    options = {"register": True, "username": USERNAME, "password": PASSWORD, "domain": "carrier.invalid"}
    return list(trunk_account("carrier", HOST, port, transport="tls", **options))  # type: ignore[arg-type]


async def refusal(asterisk: LoneAsterisk, carrier: Kamailio) -> str:
    """Wait until Asterisk has given up its registration, and return what it logs about the certificate."""
    await until(lambda: "No response received from" in asterisk.log.read_text(errors="replace"), "a refusal", 20)
    assert "SAVED" not in carrier.log.read_text(errors="replace")
    lines = asterisk.log.read_text(errors="replace").splitlines()
    return " ".join(line for line in lines if "transport_tls" in line or "verify_log_result" in line)


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("name", "days", "is_known", "why"),
    [
        (HOST, 1, True, ""),
        ("sip.other.invalid", 1, True, "name"),
        (HOST, -1, True, "expired"),
        (HOST, 1, False, "authority"),
    ],
    ids=["right", "wrong name", "expired", "unknown authority"],
)
async def test_station_registers_only_with_a_carrier_whose_certificate_is_valid(
    tmp_path: Path, ports: tuple[int, int], database: Database, name: str, days: int, is_known: bool, why: str
) -> None:
    udp, tls = ports
    pem = tmp_path / "carrier.pem"
    pem.write_text(server_certificate(name, valid_until=now() + days * DAY))
    with database.session() as session:
        session.add(
            Trunk(code="carrier", host=HOST, port=tls, transport="tls", register=True, username=USERNAME,
                  domain="carrier.invalid")
        )  # fmt: skip
    home = tmp_path / "home"
    async with kamailio(tmp_path, udp, tls=(tls, pem)) as carrier, lone_asterisk(home) as asterisk:
        write_authorities(asterisk.settings, [authority()] if is_known else [])
        await asterisk.put(account(tls))  # type: ignore[arg-type]
        if why:
            await refusal(asterisk, carrier)
        else:
            await carrier.registered()
        async with application(asterisk) as client:
            watch = TrunkWatch(client, database, frozenset, authorities_file(home))
            state = TrunkState.UNTRUSTED if why else TrunkState.REGISTERED
            async with asyncio.timeout(10):
                while True:
                    await watch.look()
                    with database.session() as session:
                        found = session.get_one(Trunk, 1).state
                        alarms = [alarm.text.key for alarm in open_alarms(session)]
                    if found == state:
                        break
                    await asyncio.sleep(0.2)
        assert alarms == ([f"trunk.alarm.untrusted.{why}"] if why else [])


@pytest.mark.proof
async def test_certificate_is_accepted_once_its_authority_is_entered(tmp_path: Path, ports: tuple[int, int]) -> None:
    udp, tls = ports
    pem = tmp_path / "carrier.pem"
    pem.write_text(server_certificate(HOST))
    async with kamailio(tmp_path, udp, tls=(tls, pem)) as carrier, lone_asterisk(tmp_path / "home") as asterisk:
        file = authorities_file(asterisk.settings.home)
        await asterisk.put(account(tls))  # type: ignore[arg-type]
        await refusal(asterisk, carrier)
        assert await asyncio.to_thread(why_untrusted, HOST, tls, HOST, file) == "authority"

        write_authorities(asterisk.settings, [authority()])
        assert await asyncio.to_thread(why_untrusted, HOST, tls, HOST, file) == ""
        await asterisk.command("pjsip send register carrier")
        await carrier.registered()


async def test_nothing_is_said_of_a_carrier_that_does_not_answer(tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    file.write_text(authority())
    port = free_port(socket.SOCK_STREAM)
    assert await asyncio.to_thread(why_untrusted, HOST, port, HOST, file) == ""
