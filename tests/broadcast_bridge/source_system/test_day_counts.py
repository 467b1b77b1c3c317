"""Daily counts for a province: each day once, for each unit that it knows, also after an outage."""

import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import time_machine

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system.models import Source
from haichieu.database import now
from tests.broadcast_bridge.source_system.link import AREA, DAY, Link, text

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=HERE)


async def test_day_is_counted_for_each_unit_after_its_end(link: Link) -> None:
    with time_machine.travel(NOON, tick=False):
        link.province.issue(text(priority=Priority.PRIORITY), text("b2"), text("b3", areas=["?"]))
        await link.exchange()
        link.give_sound("b1")
        await link.work()
        link.end_broadcast(link.broadcasts()[0].id, 90.0)
        await link.exchange()
    assert link.province.book.counts == {}
    with time_machine.travel(NOON + datetime.timedelta(hours=14), tick=False):
        for _ in range(2):
            assert (await link.exchange()).last_problem is None
    (report,) = link.province.book.counts.values()
    assert report["day"] == "2026-11-20"
    (unit,) = report["units"]
    assert unit == {
        "unit": AREA, "name": "Cô Ba", "speakers": 2, "reachable": 2, "broadcasts": 1, "seconds": 90.0, "played": 1,
        "missed": 1, "received": 3, "chosen": 1, "declined": 0, "refused": 1,
    }  # fmt: skip
    assert link.province.book.repeated == 0


async def test_days_without_contact_are_counted_afterwards(link: Link) -> None:
    with time_machine.travel(NOON, tick=False):
        await link.exchange()
    with time_machine.travel(NOON + 7 * DAY, tick=False):
        await link.exchange()
        await link.exchange()
    assert [one["day"] for one in link.province.book.counts.values()] == [f"2026-11-{day}" for day in range(20, 27)]


async def test_new_source_gets_no_days_before_it(link: Link) -> None:
    await link.exchange()
    counted = link.look(lambda session: session.scalar(sa.select(Source.counted_until)))
    assert counted is not None
    assert counted < now().astimezone(HERE).date()
    assert link.province.book.counts == {}
