"""A full disk: what cannot be recorded does not begin, and callers hear why."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.models import VoiceDraft
from haichieu.alarms import open_alarms
from tests.station import district
from tests.station.stations import started

pytestmark = [pytest.mark.calls, pytest.mark.proof, pytest.mark.asyncio(loop_scope="session")]

MORE_THAN_ANY_DISK_HAS = 10**9  # megabytes


async def test_nothing_begins_without_room_for_the_recording(speeches: dict[str, Path], tmp_path: Path) -> None:
    async with started(tmp_path, speeches, min_free_megabytes=MORE_THAN_ANY_DISK_HAS) as scene:
        await scene.speaker("cb-1")
        phone = await scene.phone("may-hai")
        await scene.call(phone, "1900", f"{district.PINS[district.HAI]}#", "1", "11#", "1")
        await scene.hears(phone, "disk-full")
        assert scene.broadcasts() == 0
        citizen = await scene.phone("may-la")
        await scene.call(citizen, "1022", "20")
        await scene.hears(citizen, "message-disk-full")
        with scene.station.database.session() as session:
            assert [(alarm.kind, alarm.subject) for alarm in open_alarms(session)] == [("recording_failed", "hotline")]
            assert session.scalars(sa.select(VoiceDraft)).all() == []
