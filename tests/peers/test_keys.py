"""Keys that callers press, however the carrier passes them on."""

import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialplans.accounts import trunk_account
from haichieu.demo.trial_station import free_port, until
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.peers.sipp import plays

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio]

ASKS = (
    "[degraded]\nexten => _[0-9+*#]!,1,Answer()\n same => n,Read(KEYS,,2,,1,8)\n"
    " same => n,Log(WARNING,KEYS ${KEYS})\n same => n,Hangup()\n"
)
ROW, COLUMN = {"2": 697, "5": 770}, 1336
"""Frequencies of the tones (ITU-T Q.23)."""


def tones(folder: Path) -> Path:
    """Write the tones of 2 and 5 as A-law, after a moment of silence."""
    inputs = [part for key in "25" for part in _tone(ROW[key])]
    joined = "".join(f"[{at}:a]" for at in range(1, 5))
    made = folder / "keys.alaw"
    subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-f", "lavfi", "-t", "0.5", "-i", "anullsrc=r=8000:cl=mono", *inputs),
            *("-filter_complex", f"[0:a]{joined}concat=n=5:v=0:a=1", "-ar", "8000", "-f", "alaw", made),
        ],
        check=True,
    )
    return made


def _tone(row: int) -> list[str]:
    wave = f"aevalsrc=0.3*sin(2*PI*{row}*t)+0.3*sin(2*PI*{COLUMN}*t):s=8000:d=0.2"
    return ["-f", "lavfi", "-i", wave, "-f", "lavfi", "-t", "0.2", "-i", "anullsrc=r=8000:cl=mono"]


@pytest.fixture
async def asterisk(tmp_path: Path) -> AsyncIterator[LoneAsterisk]:
    account = trunk_account("carrier", "127.0.0.1", 9, register=False, username="", password="")
    async with lone_asterisk(tmp_path / "home", [account], dialplan=ASKS) as asterisk:
        yield asterisk


async def heard(asterisk: LoneAsterisk, folder: Path, scenario: str, **keys: str) -> None:
    """Wait until Asterisk has heard the keys 2 and 5 from a scenario."""
    uri = f"sip:02063888222@{asterisk.server}"
    await plays(scenario, folder, asterisk.server, {"uri": uri, **keys}, port=free_port(socket.SOCK_DGRAM))
    await until(lambda: "KEYS 25" in asterisk.log.read_text(errors="replace"), "the keys 2 and 5", 5)


async def test_keys_are_heard_from_their_tones_alone(asterisk: LoneAsterisk, tmp_path: Path) -> None:
    assert shutil.which("ffmpeg")
    await heard(asterisk, tmp_path, "carrier-sends-tones", keys=str(tones(tmp_path)))


@pytest.mark.proof
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/dtmf-relay", "Signal={key}\n      Duration=160"),
        ("application/dtmf-relay", "Signal= {key}\n      Duration= 160"),
        ("application/dtmf-relay", "Signal={key}"),
        ("application/dtmf", "{key}"),
    ],
    ids=["relay", "spaces", "without duration", "plain"],
)
async def test_keys_in_info_are_heard_in_every_form(
    asterisk: LoneAsterisk, tmp_path: Path, kind: str, body: str
) -> None:
    sound = tmp_path / "silence.alaw"
    sound.write_bytes(b"\xd5" * 8000)
    keys = {"first": body.format(key=2), "second": body.format(key=5)}
    await heard(asterisk, tmp_path, "carrier-sends-info", type=kind, sound=str(sound), **keys)
