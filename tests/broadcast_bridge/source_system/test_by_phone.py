"""Bulletins that officials decide by phone: rights, units, order, start times, and reasons."""

import datetime
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system import by_phone
from broadcast_bridge.source_system.by_phone import DeclineReason
from broadcast_bridge.source_system.errors import DecisionNotAllowed, StepRefused
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Level, Official, Right, Unit
from ivr.desks.official_bulletins import OfficialBulletins
from tests.broadcast_bridge.source_system.link import AREA, HOUR, Link, text

MINUTE = datetime.timedelta(minutes=1)


def official_id(link: Link, **changes: object) -> int:
    """Return an official of the commune with the right to schedule."""

    def make(session: Session) -> int:
        official = link.place.official
        row = session.get_one(Official, official.id)
        for name, value in {"may": [Right.SCHEDULE], "unit_id": link.place.commune.id, **changes}.items():
            setattr(row, name, value)
        return row.id

    return link.look(make)


async def offered(link: Link, *names: str, **more: object) -> list[int]:
    """Receive bulletins with a sound, and return their ids."""
    link.province.issue(*(text(name, **more) for name in names))  # type: ignore[arg-type]
    assert (await link.exchange()).last_problem is None
    for name in names:
        link.give_sound(name)
    return [link.bulletin(name).id for name in names]


def desk(link: Link, folder: Path) -> OfficialBulletins:
    return OfficialBulletins(link.database, MediaStore(folder / "media", 1))


async def test_bulletins_wait_for_officials_of_the_unit_or_above(link: Link, tmp_path: Path) -> None:
    ids = await offered(link, "b1", "b2")
    at = desk(link, tmp_path)
    assert await at.waiting(official_id(link)) == ids
    assert await at.count(official_id(link, unit_id=link.place.district.id)) == 2

    def village(session: Session) -> int:
        unit = Unit(code="T9", name="Thôn 9", level=Level.VILLAGE, parent_id=link.place.commune.id)
        session.add(unit)
        session.flush()
        return unit.id

    below = official_id(link, unit_id=link.look(village))
    assert await at.waiting(below) == []
    with pytest.raises(DecisionNotAllowed):
        await at.accept(below, ids[0], called_back=False)


async def test_official_without_the_right_decides_nothing(link: Link, tmp_path: Path) -> None:
    (number,) = await offered(link, "b1")
    other, at = official_id(link, may=[Right.LIVE]), desk(link, tmp_path)
    assert await at.count(other) == 0
    for step in (
        at.waiting(other),
        at.accept(other, number, called_back=False),
        at.schedule(other, number, None, called_back=False),
        at.decline(other, number, DeclineReason.OTHER),
        at.decide(other, number, source_first=True),
    ):
        with pytest.raises(DecisionNotAllowed):
            await step
    assert link.states() == {"b1": "offered"}


async def test_accepted_scheduled_and_declined_bulletins_are_reported(link: Link, tmp_path: Path) -> None:
    first, second, third = await offered(link, "b1", "b2", "b3")
    who, at = official_id(link), desk(link, tmp_path)
    await at.accept(who, first, called_back=False)
    await at.schedule(who, second, None, called_back=False)
    await at.decline(who, third, DeclineReason.HEARD_BEFORE)
    assert await at.waiting(who) == []
    assert await at.open(who, first) is None
    assert link.states() == {"b1": "accepted", "b2": "scheduled", "b3": "declined"}
    await link.exchange()
    (declined,) = [one for one in link.province.book.receipts.values() if one["state"] == "declined"]
    assert declined["reason"] == "Xã đã phát nội dung này."
    assert [one.asked_by for one in link.broadcasts()] == ["source:tinh"]


async def test_time_of_the_clock_is_the_next_one_in_the_zone_of_the_station(link: Link, tmp_path: Path) -> None:
    (number,) = await offered(link, "b1")
    start = await desk(link, tmp_path).schedule(official_id(link), number, datetime.time(5, 30), called_back=False)
    assert (start.hour, start.minute, start.utcoffset()) == (5, 30, datetime.timedelta(hours=7))
    assert now() < start <= now() + 24 * HOUR
    assert [one.due_at for one in link.broadcasts()] == [start]


def test_time_that_has_passed_today_is_tomorrow() -> None:
    here = datetime.datetime(2026, 11, 30, 17, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert by_phone.next_time(datetime.time(17, 1), here).day == 30
    later = by_phone.next_time(datetime.time(17, 0), here)
    assert (later.month, later.day) == (12, 1)


async def test_official_who_is_called_back_airs_nothing_on_the_first_call(link: Link, tmp_path: Path) -> None:
    first, second = await offered(link, "b1", "b2")
    who, at = official_id(link, call_back=True), desk(link, tmp_path)
    for step in (at.accept(who, first, called_back=False), at.schedule(who, first, None, called_back=False)):
        with pytest.raises(StepRefused):
            await step
    await at.decline(who, second, DeclineReason.OTHER)
    await at.schedule(who, first, None, called_back=True)
    assert link.states() == {"b1": "scheduled", "b2": "declined"}


async def test_meeting_comes_first_and_is_decided_once(link: Link, tmp_path: Path) -> None:
    (offer,) = await offered(link, "b1")
    start = now() + 2 * HOUR
    (meeting,) = await offered(link, "b2", priority=Priority.PRIORITY, starts=[start], areas=[AREA])

    def meet(session: Session) -> None:
        session.add(
            BulletinAiring(
                bulletin_id=meeting, starts_at=start, rival="Tin của xã", rival_begins=start,
                rival_ends=start + 5 * MINUTE, decide_by=start - 10 * MINUTE,
            )
        )  # fmt: skip

    link.look(meet)
    who, at = official_id(link), desk(link, tmp_path)
    assert await at.waiting(who) == [meeting, offer]
    seen = await at.open(who, meeting)
    assert seen is not None
    assert seen.rival == "Tin của xã"
    assert seen.decide_by == start - 10 * MINUTE
    await at.decide(who, meeting, source_first=False)
    assert await at.waiting(who) == [offer]
    assert link.look(lambda session: session.get_one(Bulletin, meeting).airings[0].first) == "commune"
    with pytest.raises(StepRefused):
        await at.decide(who, meeting, source_first=True)


async def test_menu_plays_without_the_database(link: Link, tmp_path: Path) -> None:
    class Away:
        async def look(self, work: object) -> None:
            raise sa.exc.OperationalError("SELECT", {}, Exception("away"))

    at = OfficialBulletins(cast(Database, Away()), MediaStore(tmp_path / "media", 1))
    assert await at.count(official_id(link)) == 0
