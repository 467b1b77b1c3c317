"""What could not be recorded does not begin, and official and citizen hear why."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.models import VoiceDraft
from haichieu.alarms import open_alarms
from haichieu.demo.trial_station import trial_station
from tests.station import district
from tests.station.scene import Scene

pytestmark = [pytest.mark.calls]

MORE_THAN_ANY_DISK_HAS = 10**9  # megabytes


async def test_without_room_for_the_recording_nothing_begins(tmp_path: Path) -> None:
    file = district.write_district(tmp_path / "district.toml", carrier_port=5999)
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(
            trial_station(file, min_free_megabytes=MORE_THAN_ANY_DISK_HAS, transcriber="none")
        )
        scene = Scene(station, tmp_path, stack, {}, 5999)
        await scene.speaker("cb-1")
        phone = await scene.phone("may-hai")
        await phone.call("1900")
        for keys in (f"{district.PINS[district.HAI]}#", "1", "11#", "1"):
            await phone.digits(keys)
        await scene.hears(scene.phone_file(), "disk-full")
        assert scene.broadcasts() == 0
        citizen = await scene.phone("may-la")
        await citizen.call("1022")
        await citizen.digits("20")
        await scene.hears(scene.phone_file(), "message-disk-full")
        with station.database.session() as session:
            assert [(alarm.kind, alarm.subject) for alarm in open_alarms(session)] == [("recording_failed", "hotline")]
            assert session.scalars(sa.select(VoiceDraft)).all() == []
