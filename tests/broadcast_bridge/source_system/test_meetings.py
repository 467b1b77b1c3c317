"""Bulletins that meet priority programmes of the commune: who gets the question, who answers, what plays first."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.source_system import offered
from broadcast_bridge.source_system.errors import StepRefused
from broadcast_bridge.source_system.models import BulletinAiring
from haichieu.database import now
from tests.broadcast_bridge.source_system.link import HOUR, Link, make_jobs_due, received, text
from tests.builders.schedules import daily

FIRST = Priority.PRIORITY
MINUTE = datetime.timedelta(minutes=1)


def add_programme(link: Link, start: datetime.datetime, title: str = "Tin của xã", length: float = 300.0) -> None:
    """Schedule a priority programme of the commune."""

    def plan(session: Session) -> None:
        schedule = daily(session, link.place, title=title, priority=FIRST, expected_seconds=length)
        session.add(Occurrence(schedule=schedule, due_at=start, prepare_at=start, local_date=start.date()))

    link.look(plan)


async def planned(link: Link, start: datetime.datetime, **more: object) -> int:
    """Receive and plan a priority bulletin of ten minutes, and return its id."""
    await received(link, text("b1", FIRST, starts=[start], **more))
    link.give_sound("b1", 600.0)
    await link.work()
    return link.bulletin("b1").id


async def meeting(link: Link, minutes_ahead: float = 60, **more: object) -> tuple[datetime.datetime, int]:
    """Let a bulletin of ten minutes meet a priority programme of the commune that begins at the same time."""
    start = in_minutes(minutes_ahead)
    add_programme(link, start)
    return start, await planned(link, start, **more)


def in_minutes(count: float) -> datetime.datetime:
    return (now() + count * MINUTE).replace(microsecond=0)


def airing_of(link: Link) -> BulletinAiring:
    return link.look(lambda session: session.scalars(sa.select(BulletinAiring)).one())


def decide(link: Link, number: int, first: str) -> None:
    link.look(lambda session: offered.decide(session, offered.find(session, number), first, "account:a@b", now()))


def starts_of(link: Link) -> list[datetime.datetime | None]:
    return [one.due_at for one in link.broadcasts()]


@pytest.mark.parametrize(("first", "begins"), [("source", -1.0), ("commune", 300.0)])
async def test_commune_decides_the_order_of_a_meeting(link: Link, first: str, begins: float) -> None:
    start, number = await meeting(link)
    assert starts_of(link) == [start]
    assert airing_of(link).decide_by == start - 10 * MINUTE
    decide(link, number, first)
    make_jobs_due(link)
    await link.work()
    assert starts_of(link) == [start + datetime.timedelta(seconds=begins)]
    assert (airing_of(link).first, airing_of(link).decided_by) == (first, "account:a@b")
    with pytest.raises(StepRefused):
        decide(link, number, first)


async def test_programme_added_after_the_bulletin_was_planned_is_asked_about(link: Link) -> None:
    start = in_minutes(60)
    number = await planned(link, start)
    assert (airing_of(link).rival, starts_of(link)) == ("", [start])
    add_programme(link, start + 5 * MINUTE)
    due = link.job_due()
    assert due is not None
    assert due <= now() + MINUTE
    make_jobs_due(link)
    await link.work()
    airing = airing_of(link)
    assert (airing.rival, airing.first, airing.decide_by) == ("Tin của xã", "", start - 10 * MINUTE)
    assert link.look(lambda session: [one.id for one in offered.meeting(session, {1, 2, 3}, now(), 9)]) == [airing.id]
    decide(link, number, "commune")
    assert starts_of(link) == [start + 10 * MINUTE]


async def test_another_programme_opens_the_question_and_a_removed_one_drops_it(link: Link) -> None:
    start, number = await meeting(link)
    decide(link, number, "commune")
    add_programme(link, start + 5 * MINUTE, "Tin thứ hai")
    make_jobs_due(link)
    await link.work()
    airing = airing_of(link)
    assert (airing.rival, airing.first, airing.decided_by) == ("Tin của xã, Tin thứ hai", "", "")
    decide(link, number, "commune")
    assert starts_of(link) == [start + 10 * MINUTE]
    link.look(lambda session: session.execute(sa.update(Occurrence).values(state="skipped", reason="by_hand")))
    make_jobs_due(link)
    await link.work()
    assert (airing_of(link).rival, airing_of(link).decide_by, starts_of(link)) == ("", None, [start])


async def test_programme_added_in_the_last_minutes_leaves_the_source_first(link: Link) -> None:
    start = in_minutes(8)
    await planned(link, start)
    add_programme(link, start - 2 * MINUTE)
    make_jobs_due(link)
    await link.work()
    assert (airing_of(link).first, airing_of(link).decided_by) == ("source", "")
    assert starts_of(link) == [start - 2 * MINUTE - datetime.timedelta(seconds=1)]


async def test_bulletin_that_would_expire_meanwhile_cannot_be_second(link: Link) -> None:
    start, number = await meeting(link, valid_until=in_minutes(63))
    with pytest.raises(StepRefused) as refused:
        decide(link, number, "commune")
    assert refused.value.message.key == "source.over_by_then"
    assert starts_of(link) == [start]


async def test_source_is_first_when_nobody_decides(link: Link) -> None:
    start, _ = await meeting(link, minutes_ahead=5)
    (broadcast,) = link.broadcasts()
    assert broadcast.due_at == start - datetime.timedelta(seconds=1)
    assert (airing_of(link).rival, airing_of(link).first) == ("Tin của xã", "source")


async def test_normal_programmes_and_other_times_are_no_rivals(link: Link) -> None:
    start = now() + 3 * HOUR

    def plan(session: Session) -> None:
        for title, priority, at in (("Tin thường", Priority.NORMAL, start), ("Tin sớm", FIRST, start - HOUR)):
            wanted = Request("account:a@b", title, [], zone_codes=[link.place.zone.code], priority=priority, due_at=at)
            starting.ask(session, wanted, now())

    link.look(plan)
    await received(link, text("b1", FIRST, starts=[start]))
    link.give_sound("b1")
    await link.work()
    assert link.broadcasts()[-1].due_at == start
