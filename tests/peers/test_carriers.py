"""Carriers that register us, keep calls alive, fail, and show our number."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from dialplans.accounts import DynamicObject, trunk_account
from dialplans.trunk_watch import registrations
from haichieu.ari.client import AriClient
from haichieu.ari.dialling import Leg, dial
from haichieu.ari.errors import NotAnswered
from haichieu.demo.trial_station import free_port
from tests.lone_asterisk import lone_asterisk
from tests.peers.called_carrier import ANSWERS, OURS, PLAIN, THEIRS, application
from tests.peers.kamailio import PASSWORD, USERNAME, kamailio
from tests.peers.sipp import field, plays, waits

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio]


def udp_port() -> int:
    return free_port(socket.SOCK_DGRAM)


async def test_carrier_reaches_the_contact_that_we_register(tmp_path: Path) -> None:
    port = udp_port()
    account = trunk_account(
        "carrier", "127.0.0.1", port, register=True, username=USERNAME, password=PASSWORD, domain="carrier.invalid"
    )
    async with kamailio(tmp_path, port) as carrier, lone_asterisk(tmp_path / "home", [account], dialplan=ANSWERS):
        await carrier.registered()
        assert f"sip:{USERNAME}@" in carrier.log.read_text(errors="replace")
        keys = {"uri": f"sip:{OURS}@carrier.invalid", "padding": "x" * 3000}
        status, sipp = await plays("carrier-keeps-alive", tmp_path, carrier.server, keys, port=udp_port())
        assert status == 0, sipp.received("SIP/2.0")[-1:]


@pytest.mark.parametrize(
    ("password", "state"), [pytest.param(PASSWORD, 1, marks=pytest.mark.proof), ("not-the-password", 2)]
)
async def test_state_of_a_registration_is_known(tmp_path: Path, password: str, state: int) -> None:
    port = udp_port()
    options = {"register": True, "username": USERNAME, "password": password, "domain": "carrier.invalid"}
    account = trunk_account("carrier", "127.0.0.1", port, **options)  # type: ignore[arg-type]
    async with (
        kamailio(tmp_path, port),
        lone_asterisk(tmp_path / "home", [account], dialplan=ANSWERS) as asterisk,
        application(asterisk) as client,
    ):
        async with asyncio.timeout(20):
            while not (found := registrations(await client.metrics())):  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(0.1)
        assert found == {f"sip:{USERNAME}@carrier.invalid": state}


async def test_call_outlives_what_border_controllers_ask(tmp_path: Path) -> None:
    account = trunk_account("carrier", "127.0.0.1", 9, **PLAIN)  # type: ignore[arg-type]
    async with lone_asterisk(tmp_path, [account], dialplan=ANSWERS) as asterisk:
        keys = {"uri": f"sip:{OURS}@{asterisk.server}", "padding": "x"}
        status, sipp = await plays("carrier-keeps-alive", tmp_path, asterisk.server, keys, port=udp_port())
        assert status == 0, sipp.received("SIP/2.0")[-1:]


@pytest.mark.proof
@pytest.mark.parametrize(
    ("direction", "connection", "answer"),
    [
        ("sendonly", "127.0.0.1", "recvonly"),
        ("inactive", "127.0.0.1", "inactive"),
        ("sendrecv", "0.0.0.0", "recvonly|inactive|sendrecv"),
        ("inactive", "0.0.0.0", "inactive"),
        ("recvonly", "127.0.0.1", "sendonly|sendrecv"),
    ],
)
async def test_call_that_is_put_on_hold_is_taken_up_again(
    tmp_path: Path, direction: str, connection: str, answer: str
) -> None:
    """By RFC 3264 §8.4, and by the address 0.0.0.0 of RFC 2543, which old exchanges still send."""
    account = trunk_account("carrier", "127.0.0.1", 9, **PLAIN)  # type: ignore[arg-type]
    async with lone_asterisk(tmp_path, [account], dialplan=ANSWERS) as asterisk:
        keys = {"uri": f"sip:{OURS}@{asterisk.server}", "direction": direction}
        keys |= {"connection": connection, "answer": answer}
        status, sipp = await plays("carrier-holds", tmp_path, asterisk.server, keys, port=udp_port())
        assert status == 0, sipp.received("SIP/2.0")[-1:]


@pytest.mark.proof
async def test_second_address_of_a_carrier_is_taken_and_a_third_is_not(tmp_path: Path) -> None:
    account = trunk_account(
        "carrier", "192.0.2.1", 0, hosts=["127.0.0.2:5080", "127.0.1.0/24"], **PLAIN  # type: ignore[arg-type]
    )  # fmt: skip
    async with lone_asterisk(tmp_path, [account], dialplan=ANSWERS) as asterisk:
        keys = {"uri": f"sip:{OURS}@{asterisk.server}", "padding": "x"}
        answers = {}
        for address in ("127.0.0.2", "127.0.1.7", "127.0.0.3"):
            _, sipp = await plays("carrier-keeps-alive", tmp_path, asterisk.server, keys, port=udp_port(), bind=address)
            answers[address] = {message.split(" ")[1] for message in sipp.received("SIP/2.0")} - {"100"}
        assert answers == {"127.0.0.2": {"200"}, "127.0.1.7": {"200"}, "127.0.0.3": {"401"}}


@pytest.fixture
def shown() -> dict[str, tuple[dict[str, object], str, str, str]]:
    """What each kind of trunk makes of our number: From, P-Asserted-Identity, Privacy."""
    return {
        "plain": ({**PLAIN}, f"<sip:{OURS}@127.0.0.1>", f"<sip:{OURS}@127.0.0.1>", ""),
        "account": (
            {**PLAIN, "username": "baolac", "domain": "ims.invalid"},
            "<sip:baolac@ims.invalid>", f"<sip:{OURS}@ims.invalid>", "",
        ),
        "fixed": (
            {**PLAIN, "username": "baolac", "caller_number": "842063888000"},
            "<sip:842063888000@127.0.0.1>", "<sip:842063888000@127.0.0.1>", "",
        ),
        "withheld": (
            {**PLAIN, "withhold_number": True},
            '"Anonymous" <sip:anonymous@127.0.0.1>', f"<sip:{OURS}@127.0.0.1>", "id",
        ),
    }  # fmt: skip


async def test_our_number_is_shown_as_the_carrier_wants(
    tmp_path: Path, shown: dict[str, tuple[dict[str, object], str, str, str]]
) -> None:
    port = udp_port()
    accounts = [
        trunk_account(name, "127.0.0.1", port, **options)  # type: ignore[arg-type]
        for name, (options, *_) in shown.items()
    ]
    seen = {}
    async with lone_asterisk(tmp_path, accounts, dialplan=ANSWERS) as asterisk, application(asterisk) as client:
        for name, (options, *_) in shown.items():
            leg = Leg(
                f"PJSIP/{name}/sip:{THEIRS}@127.0.0.1:{port}", f"+84{OURS[1:]}", str(options.get("caller_number", "")),
                [["+84", "0"]], name == "withheld",
            )  # fmt: skip
            async with waits("carrier-answers", tmp_path, port=port) as carrier, dial(client, [leg], timeout=5):
                invite = await carrier.one_received("INVITE")
            sender = field(invite, "From").partition(";tag")[0]
            seen[name] = (sender, field(invite, "P-Asserted-Identity"), field(invite, "Privacy"))
    assert seen == {name: tuple(rest) for name, (_, *rest) in shown.items()}


@pytest.mark.parametrize(
    "status",
    [
        "503 Service Unavailable",
        pytest.param("500 Server Error", marks=pytest.mark.proof),
        pytest.param("408 Request Timeout", marks=pytest.mark.proof),
    ],
)
async def test_next_carrier_is_called_when_one_fails(tmp_path: Path, status: str) -> None:
    async with two_carriers(tmp_path) as (client, legs, ports), AsyncExitStack() as stack:
        await stack.enter_async_context(waits("carrier-fails", tmp_path, port=ports[0], keys={"status": status}))
        second = await stack.enter_async_context(waits("carrier-answers", tmp_path, port=ports[1]))
        async with dial(client, legs, timeout=5):
            assert second.received("INVITE")


async def test_next_carrier_is_called_when_one_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haichieu.ari.dialling.SIGN_SECONDS", 1.0)
    async with (
        two_carriers(tmp_path) as (client, legs, ports),
        waits("carrier-answers", tmp_path, port=ports[1]) as second,
        dial(client, legs, timeout=5),
    ):
        assert second.received("INVITE")


@pytest.mark.proof
async def test_carrier_that_sends_early_media_is_not_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haichieu.ari.dialling.SIGN_SECONDS", 1.0)
    async with (
        two_carriers(tmp_path) as (client, legs, ports),
        waits("carrier-early-media", tmp_path, port=ports[0]),
        waits("carrier-answers", tmp_path, port=ports[1]) as second,
        dial(client, legs, timeout=5),
    ):
        assert not second.received("INVITE")


@pytest.mark.proof
async def test_no_other_carrier_is_called_when_the_number_is_busy(tmp_path: Path) -> None:
    async with two_carriers(tmp_path) as (client, legs, ports), AsyncExitStack() as stack:
        await stack.enter_async_context(waits("carrier-fails", tmp_path, port=ports[0], keys={"status": "486 Busy"}))
        second = await stack.enter_async_context(waits("carrier-answers", tmp_path, port=ports[1]))
        with pytest.raises(NotAnswered) as refusal:
            async with dial(client, legs, timeout=5):
                pass
        assert refusal.value.cause == NotAnswered.BUSY
        assert not second.received("INVITE")


@asynccontextmanager
async def two_carriers(folder: Path) -> AsyncIterator[tuple[AriClient, list[Leg], list[int]]]:
    """An application with two trunks, and the ports at which their carriers are expected."""
    ports = [udp_port(), udp_port()]
    accounts: list[tuple[DynamicObject, ...]] = [
        trunk_account(f"carrier-{port}", "127.0.0.1", port, **PLAIN)  # type: ignore[arg-type]
        for port in ports
    ]
    legs = [Leg(f"PJSIP/carrier-{port}/sip:{THEIRS}@127.0.0.1:{port}", OURS) for port in ports]
    async with lone_asterisk(folder, accounts, dialplan=ANSWERS) as asterisk, application(asterisk) as client:
        yield client, legs, ports
