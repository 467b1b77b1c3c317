"""More calls at once than there are RTP ports: the station refuses some of them and still works."""

import asyncio
from pathlib import Path

import pytest

from haichieu.demo.trial_station import LOOPBACK, free_port, trial_station
from tests.station import district

pytestmark = [pytest.mark.calls, pytest.mark.proof, pytest.mark.asyncio]

CALLS = 150


async def test_calls_beyond_the_rtp_ports_are_refused_and_asterisk_runs_on(tmp_path: Path) -> None:
    port = free_port()
    file = district.write_district(tmp_path / "district.toml", port)
    quick = {"transcriber": "none", "check_direct_calls": False, "rtp_ports": "20000-20199"}
    async with trial_station(file, **quick) as station:
        command = ["sipp", "-sn", "uac", "-s", "1022", "-i", LOOPBACK, "-p", str(port), "-timeout", "30"]
        flood = await asyncio.create_subprocess_exec(
            *command, "-m", str(CALLS), "-r", "300", "-d", "3000", station.server,
            cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await asyncio.wait_for(flood.wait(), 60)
        said = station.log.read_text("utf-8", "replace")
    assert 0 < said.count('"call.arrived"') < CALLS
    assert said.count('"process.ended"') == 0
    assert said.count("couldn't allocate a port") == 0
