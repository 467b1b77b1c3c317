"""Numbers of the called and the calling person in every spelling of carriers."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dialplans.accounts import ha1, phone_account, trunk_account
from dialplans.degraded import ASTERISKS_OWN, DegradedMode
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import free_port
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.peers.sipp import plays

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="module")]

SECRET = "a-secret-nobody-guesses"
CONTACT = "baolac-206"
HOTLINE, PILOT = "02063888222", "02063888000"
CALLER = "0912345678"
AT = "STATION"
"""Replaced by the address of the station, which is known at run time only."""
FROM = f'"Người gọi" <sip:{CALLER}@carrier.invalid>'


@dataclass
class House:
    """An Asterisk without the application, whose dialplan logs what it has understood."""

    asterisk: LoneAsterisk
    folder: Path

    async def understood(
        self, uri: str, to: str = "", caller: str = FROM, more: str = "", transport: str = "u1"
    ) -> str:
        """Return what a carrier's call leads to: NUMBER from CALLER."""
        before = len(self._log())
        port = free_port(socket.SOCK_DGRAM if transport == "u1" else socket.SOCK_STREAM)
        given = {"uri": uri, "to": to or f"<{uri}>", "from": caller, "more": more or "X-Kind: any"}
        keys = {name: value.replace(AT, self.asterisk.server) for name, value in given.items()}
        status, sipp = await plays(
            "carrier-calls", self.folder, self.asterisk.server, keys, port=port, transport=transport
        )
        assert status == 0 or transport == "t1", sipp.received("SIP/2.0")  # SIPp may miss the end of a connection
        [line] = self._log()[before:]
        return line

    def _log(self) -> list[str]:
        lines = self.asterisk.log.read_text().splitlines()
        return [line.partition("UNDERSTOOD ")[2].strip() for line in lines if "UNDERSTOOD " in line]


LOGGED = "exten => {number},1,Log(WARNING,UNDERSTOOD ${{EXTEN}} from ${{CALLERID(num)}})\n same => n,Answer()\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    home = tmp_path_factory.mktemp("carriers")
    accounts = [
        trunk_account("carrier", "127.0.0.1", 9, register=True, username=CONTACT, password="x", caller_number=PILOT),
        phone_account("desk", ha1("desk", SECRET), "101"),
    ]
    mode = DegradedMode("1999", "971357", (), ASTERISKS_OWN, (HOTLINE, PILOT))
    async with lone_asterisk(home, accounts, mode) as asterisk:
        # What the station would do with the number is another matter: here it is only said.
        written = home / "etc/degraded.conf"
        head, _, rest = written.read_text().partition("[degraded]")
        _, _, rest = rest.partition("[leave-message]")
        routes = "".join(LOGGED.format(number=number) for number in (HOTLINE, PILOT, "_[0-9+*#]!"))
        written.write_text(f"{head}[degraded]\n{routes}[leave-message]{rest}")
        await asterisk.command("dialplan reload")
        yield House(asterisk, home)


def most_for_proof(cases: list[Any], *quick: int) -> list[Any]:
    """Leave all but these to `make proof`: each is a call."""
    marked = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=() if at in quick else pytest.mark.proof) for at, case in enumerate(marked)]


@pytest.mark.parametrize(
    "uri",
    most_for_proof(
        [
            f"sip:{HOTLINE}@{AT}",
            f"sip:+842063888222@{AT}",
            f"sip:842063888222@{AT}",
            f"sip:00842063888222@{AT};user=phone",
            f"sip:2063888222@{AT}",
            f"sip:%2B842063888222@{AT}",
            f"sip:{HOTLINE};phone-context=+84@{AT};user=phone",
            f"sip:3888222;phone-context=+84206@{AT};user=phone",
            f"sip:+84-206-388-8222@{AT}",
            "tel:+842063888222",
            "tel:02063888222;phone-context=+84",
        ],
        6,
        9,
    ),
)
async def test_our_number_is_understood_in_every_spelling(house: House, uri: str) -> None:
    assert await house.understood(uri) == f"{HOTLINE} from {CALLER}"


@pytest.mark.parametrize(
    ("uri", "to", "more", "number"),
    most_for_proof(
        [
            (f"sip:{CONTACT}@{AT}", f"<sip:+842063888222@{AT}>", "", HOTLINE),
            (f"sip:s@{AT}", f'"Đài <sip:113@x>" <sip:{HOTLINE}@x>', "", HOTLINE),
            (f"sip:{AT}", "<tel:+842063888222>", "", HOTLINE),
            (f"sip:{CONTACT}@{AT}", f"<sip:{CONTACT}@x>", "P-Called-Party-ID: <sip:+842063888222@x>", HOTLINE),
            (
                f"sip:{CONTACT}@{AT}",
                f"<sip:{CONTACT}@x>",
                f"Diversion: <sip:{HOTLINE}@x>;reason=unconditional",
                HOTLINE,
            ),
            (
                f"sip:{CONTACT}@{AT}",
                f"<sip:{CONTACT}@x>",
                f"History-Info: <sip:{HOTLINE}@x?Reason=SIP>;index=1",
                HOTLINE,
            ),
            (f"sip:{CONTACT}@{AT}", f"<sip:{CONTACT}@x>", "", PILOT),
            (f"sip:0999@{AT}", "<sip:0999@x>", "", "0999"),
            (f"sip:0999@{AT}", f"<sip:{HOTLINE}@x>", "", HOTLINE),
        ],
        0,
        6,
    ),
)
async def test_number_is_found_where_the_carrier_names_it(
    house: House, uri: str, to: str, more: str, number: str
) -> None:
    assert await house.understood(uri, to, more=more) == f"{number} from {CALLER}"


@pytest.mark.parametrize(
    ("caller", "more", "number"),
    most_for_proof(
        [
            ("<sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:+84912345678@x>", "+84912345678"),
            ("<sip:1900@x>", "P-Asserted-Identity: <tel:+84912345678>", "+84912345678"),
            ("<sip:1900@x>", 'P-Asserted-Identity: "a, b" <sip:+84912345678@x>, <tel:+84912345678>', "+84912345678"),
            ("<sip:1900@x>", "Remote-Party-ID: <sip:0912345678@x>;party=calling;privacy=off", "0912345678"),
            ("<sip:1900@x>", "Remote-Party-ID: <sip:0912345678@x>;party=calling;privacy=full", ""),
            ("<sip:1900@x>", "P-Asserted-Identity: <sip:+84912345678@x>\r\nPrivacy: id", ""),
            ("<sip:0912345678@x>", "Privacy: critical; ID", ""),
            ("<sip:0912345678@x>", "Privacy: none", "0912345678"),
            ("<tel:+84912345678>", "", "+84912345678"),
        ],
        2,
        6,
    ),
)
async def test_caller_is_whom_the_carrier_vouches_for(house: House, caller: str, more: str, number: str) -> None:
    assert await house.understood(f"sip:{HOTLINE}@{AT}", caller=caller, more=more) == f"{HOTLINE} from {number}".strip()


@pytest.mark.proof
async def test_carrier_may_use_tcp(house: House) -> None:
    assert await house.understood(f"sip:{HOTLINE}@{AT}", transport="t1") == f"{HOTLINE} from {CALLER}"


async def test_identity_that_a_phone_asserts_counts_for_nothing(house: House) -> None:
    claim = {"P-Asserted-Identity": "<sip:0912345678@x>", "Remote-Party-ID": "<sip:0912345678@x>", "Privacy": "none"}
    async with SoftPhone(server=house.asterisk.server, id="desk", password=SECRET) as desk:
        await desk.registered()
        await desk.call("+842063888222", headers=claim)
    assert house._log()[-1] == f"{HOTLINE} from 101"
