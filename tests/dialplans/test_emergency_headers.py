"""Headers of a call to loudspeakers by the emergency line, while the application is down."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from dialplans.accounts import ha1, phone_account, speaker_account
from dialplans.degraded import ASTERISKS_OWN, DegradedMode
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from tests.lone_asterisk import lone_asterisk
from tests.station.bare_speaker import BareSpeaker

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable"), pytest.mark.asyncio(loop_scope="session")]

SECRET = "a-secret-nobody-guesses"


async def test_each_make_is_called_with_its_headers_and_our_number(tmp_path: Path) -> None:
    accounts = [
        *(speaker_account(name, ha1(name, SECRET), ["alaw"], 0) for name in ("any", "poly-1")),
        phone_account("desk", ha1("desk", SECRET), "101"),
    ]
    mode = DegradedMode(
        "1999", "971357", ("PJSIP/any", "PJSIP/poly-1"), ASTERISKS_OWN,
        makes={"PJSIP/poly-1": "poly"}, shown_number="1900", shown_name="Đài Cô Ba",
    )  # fmt: skip
    async with lone_asterisk(tmp_path, accounts, mode) as asterisk, AsyncExitStack() as stack:
        devices = [stack.enter_context(BareSpeaker(asterisk.server, name, SECRET)) for name in ("any", "poly-1")]
        phone = await stack.enter_async_context(SoftPhone(server=asterisk.server, id="desk", password=SECRET))
        await phone.registered()
        await until(lambda: all(device.registered.is_set() for device in devices), "registered")
        await phone.call("1999")
        await phone.digits("971357#")
        await until(lambda: all(device.invites for device in devices), "both are called")
    alerts = ("Alert-Info: <http://haichieu.invalid>;info=alert-autoanswer;delay=0", "Alert-Info: Ring Answer")
    for device, alert in zip(devices, alerts, strict=True):
        lines = device.invites[0].split("\r\n")
        assert [line for line in lines if line.startswith("Alert-Info")] == [alert]
        assert {"Answer-Mode: Auto", "Priv-Answer-Mode: Auto", "Priority: emergency"} <= set(lines)
        assert [line for line in lines if line.startswith('From: "Đài Cô Ba" <sip:1900@')]
