"""Stations that stop by SIGTERM, and stations that cannot start."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from haichieu.demo.trial_station import free_ports, trial_station
from tests.station.district import HAI, PINS
from tests.station.scene import Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]


async def up(home: Path, **settings: str | int) -> tuple[int | None, str]:
    """Run `haichieu up` for a station that cannot start; return its exit status and what it says."""
    given = {"home": home, **settings}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "haichieu", "up"),
        env={**os.environ, **{f"HAICHIEU_{name.upper()}": str(value) for name, value in given.items()}},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, said.decode()


@pytest.mark.proof
async def test_two_stations_run_side_by_side(scene: Scene) -> None:
    async with trial_station(None) as other:
        assert other.settings.home != scene.station.settings.home
        phone = await scene.phone("may-hai")
        await phone.call("1900")
        await scene.hang_up(phone)
    await scene.quiet()


@pytest.mark.proof
@pytest.mark.parametrize("setting", ["ari_port", "sip_port", "web_port"])
async def test_port_in_use_is_named_with_its_setting(scene: Scene, tmp_path: Path, setting: str) -> None:
    taken = getattr(scene.station.settings, setting)
    status, said = await up(tmp_path / "home", **{**free_ports(), setting: taken})
    assert status == 1
    assert str(taken) in said
    assert f"HAICHIEU_{setting.upper()}" in said
    assert "Traceback" not in said


async def test_home_below_a_file_is_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, said = await up(tmp_path / "file" / "home", **free_ports())
    assert status == 1
    assert str(tmp_path / "file" / "home") in said
    assert "HAICHIEU_HOME" in said
    assert "Traceback" not in said


async def test_order_to_stop_ends_the_broadcast_and_the_station(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, PINS[HAI] + "#", "1", "11#", "1")
    await phone.play(scene.speeches["demo-congrats"])
    began = time.monotonic()
    assert await scene.station.stop() == 0
    assert time.monotonic() - began < 15
    ended = scene.newest()
    assert ended.reason == "station_stopped"
    assert ended.state in ("ended", "failed")
    assert ended.recorded
    assert {code: one.state for code, one in ended.deliveries.items()} == {"cb-1": "played", "cb-2": "played"}
    assert min(one.seconds for one in ended.deliveries.values()) > 1
    for code in ("cb-1", "cb-2"):
        await scene.speakers[code].call_ended(5)
    await phone.ended(5)
