"""A station behind a router, with `external_address` set, and SIPp as the phone in front of it."""

import socket
from pathlib import Path

import pytest

from dialplans.accounts import ha1, phone_account, trunk_account
from haichieu.ari.dialling import dial_one
from haichieu.ari.errors import NotAnswered
from tests.lone_asterisk import lone_asterisk
from tests.peers.called_carrier import ANSWERS, PLAIN, application
from tests.peers.house import SECRET
from tests.peers.scripted_device import new_device
from tests.peers.sipp import field

pytestmark = [pytest.mark.calls, pytest.mark.proof, pytest.mark.xdist_group("callers"), pytest.mark.asyncio]

OUTSIDE = "203.0.113.9"


async def test_phone_that_forwards_its_call_reaches_nobody_behind_a_router(tmp_path: Path) -> None:
    """Neither the address that it names, nor the trunk, nor the station's own address outside is called."""
    elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elsewhere.bind(("127.0.0.1", 0))
    elsewhere.setblocking(False)
    address = "{}:{}".format(*elsewhere.getsockname())
    accounts = [
        phone_account("phone", ha1("phone", SECRET), "101"),
        trunk_account("carrier", "127.0.0.1", elsewhere.getsockname()[1], **PLAIN),  # type: ignore[arg-type]
    ]
    home = tmp_path / "home"
    with elsewhere:
        async with (
            lone_asterisk(home, accounts, dialplan=ANSWERS, external_address=OUTSIDE) as asterisk,
            application(asterisk) as client,
        ):
            for target in (f"0988888888@{address}", f"101@{OUTSIDE}", f"1900@{asterisk.server}"):
                phone = new_device(asterisk.server, "phone", SECRET, tmp_path, elsewhere=target)
                await phone.register()
                async with phone.serving("forwards"):
                    with pytest.raises(NotAnswered):
                        async with dial_one(client, "PJSIP/phone", timeout=5):
                            pass
                (invite,) = {field(invite, "Call-ID"): invite for invite in phone.requests("INVITE")}.values()
                assert OUTSIDE not in invite
                await asterisk.calls_over()
                await phone.register(0)
        with pytest.raises(BlockingIOError):
            elsewhere.recv(2000)
