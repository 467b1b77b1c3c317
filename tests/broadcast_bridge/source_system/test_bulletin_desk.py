"""The handling of a bulletin: its sound, its start times, and its meeting with the commune's own."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.source_system import bulletin_desk, offered
from broadcast_bridge.source_system.errors import StepRefused
from broadcast_bridge.source_system.exchange import Withdrawn
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring, Source
from haichieu import jobs
from haichieu.database import now
from haichieu.jobs import Job
from tests.broadcast_bridge.source_system.link import HOUR, Link, audio, text
from tests.builders.schedules import daily
from tests.builders.sounds import tone

URGENT, FIRST = Priority.EMERGENCY, Priority.PRIORITY
MINUTE = datetime.timedelta(minutes=1)


async def received(link: Link, *items: object) -> None:
    link.province.issue(*items)  # type: ignore[arg-type]
    assert (await link.exchange()).last_problem is None


def sound_at(link: Link, seconds: float = 1.5) -> str:
    """Put a sound at a link of the province, and return the link."""
    link.province.sounds["tin.wav"] = tone(seconds)
    return f"{address(link)}/sounds/tin.wav"


def address(link: Link) -> str:
    return link.look(lambda session: session.get_one(Source, link.source_id)).address


def reason_of(link: Link, external_id: str = "b1") -> str:
    reason = link.bulletin(external_id).reason
    assert reason is not None
    return reason.key


async def test_text_is_spoken_and_aired_as_an_emergency_once(link: Link) -> None:
    await received(link, text("lu", URGENT, text="Lũ về, bà con lên đồi."))
    await link.work()
    assert "lũ về" in " ".join(link.voice.spoken).lower()
    (broadcast,) = link.broadcasts()
    assert (broadcast.priority, broadcast.siren, broadcast.times) == ("emergency", True, 3)
    assert broadcast.asked_by == "source:tinh"
    link.look(lambda session: jobs.renew(session, "source_bulletin", 1, now()))
    await link.work()
    assert len(link.broadcasts()) == 1
    programme = link.look(lambda session: session.scalars(sa.select(Programme)).one())
    assert (programme.state, programme.author) == ("approved", "source:tinh")


async def test_sound_is_fetched_and_judged_like_an_upload(link: Link) -> None:
    await received(link, audio("b1", sound_at(link), FIRST, declared_seconds=1.5))
    await link.work()
    (broadcast,) = link.broadcasts()
    assert broadcast.priority == "priority"
    assert link.look(lambda session: session.get_one(Broadcast, broadcast.id).sounds[0].media.seconds) > 1


@pytest.mark.parametrize(
    ("path", "declared", "reason"),
    [
        ("sounds/none.wav", None, "source.no_sound"),
        ("sounds/huge", None, "source.sound_too_large"),
        ("sounds/tin.wav", 600.0, "source.wrong_length"),
    ],
)
async def test_unusable_sound_is_refused_and_reported(
    link: Link, path: str, declared: float | None, reason: str
) -> None:
    sound_at(link)
    await received(link, audio("b1", f"{address(link)}/{path}", FIRST, declared_seconds=declared))
    await link.work()
    await link.exchange()
    assert (reason_of(link), link.broadcasts()) == (reason, [])
    assert link.alarms() == {"bulletin_refused"}
    assert link.province.book.states("b1") == ["accepted", "refused"]


async def test_sound_that_is_no_sound_is_refused(link: Link) -> None:
    link.province.sounds["tin.wav"] = b"<html>not here</html>" * 100
    await received(link, audio("b1", f"{address(link)}/sounds/tin.wav"))
    await link.work()
    assert link.states() == {"b1": "refused"}


async def test_sound_of_another_host_is_not_fetched(link: Link) -> None:
    await received(link, audio("b1", "http://169.254.169.254/latest/meta-data"))
    await link.work()
    assert reason_of(link) == "source.other_host"


async def test_emergency_with_a_lost_sound_is_spoken_from_its_text(link: Link) -> None:
    gone = f"{address(link)}/sounds/none.wav"
    await received(link, audio("lu", gone, URGENT, text="Lũ về."))
    await link.work()
    assert "lũ về" in " ".join(link.voice.spoken).lower()
    assert len(link.broadcasts()) == 1


async def test_sound_that_cannot_be_fetched_now_is_fetched_later(link: Link) -> None:
    await received(link, audio("b1", sound_at(link)))
    link.look(lambda session: session.execute(sa.text("UPDATE sources SET address = 'http://127.0.0.1:9'")))
    link.look(lambda session: session.execute(sa.text("UPDATE source_bulletins SET link = 'http://127.0.0.1:9/x'")))
    await link.work()
    due = link.job_due()
    assert due is not None
    assert now() < due <= now() + MINUTE
    assert link.states() == {"b1": "offered"}


async def test_start_times_become_broadcasts_a_day_ahead(link: Link) -> None:
    soon, later = now() + HOUR, now() + 72 * HOUR
    await received(link, text("b1", FIRST, starts=[soon, later]))
    link.give_sound("b1")
    await link.work()
    assert [one.due_at for one in link.broadcasts()] == [soon]
    assert link.job_due() == later - 24 * HOUR


async def test_withdrawn_bulletin_is_not_aired_any_more(link: Link) -> None:
    await received(link, text("b1", FIRST, starts=[now() + HOUR]))
    link.give_sound("b1")
    await link.work()
    await received(link, Withdrawn("b1"))
    (broadcast,) = link.broadcasts()
    assert (broadcast.state, broadcast.reason) == ("cancelled", "withdrawn")
    await link.exchange()
    assert link.province.book.states("b1") == ["accepted", "scheduled", "withdrawn"]


async def test_bulletin_that_failed_everywhere_is_reported(link: Link) -> None:
    await received(link, text("b1", FIRST))
    link.give_sound("b1")
    await link.work()
    link.look(
        lambda session: session.execute(
            sa.update(Broadcast).values(state="failed", reason="no_speakers", ended_at=now())
        )
    )
    await link.exchange()
    assert (link.states(), reason_of(link)) == ({"b1": "refused"}, "broadcast.reason.no_speakers")
    assert link.alarms() == {"bulletin_refused"}


async def meeting(link: Link, minutes_ahead: float = 60, length: float = 300.0) -> tuple[datetime.datetime, int]:
    """Let a bulletin of ten minutes meet a priority programme of the commune that begins at the same time."""
    start = (now() + minutes_ahead * MINUTE).replace(microsecond=0)

    def plan(session: Session) -> None:
        schedule = daily(
            session, link.place, title="Tin của xã", priority=FIRST, expected_seconds=length,
        )  # fmt: skip
        occurrence = Occurrence(schedule=schedule, due_at=start, prepare_at=start, local_date=start.date())
        session.add(occurrence)

    link.look(plan)
    await received(link, text("b1", FIRST, starts=[start]))
    link.give_sound("b1", 600.0)
    await link.work()
    return start, link.bulletin("b1").id


@pytest.mark.parametrize(("first", "begins"), [("source", -1.0), ("commune", 300.0)])
async def test_commune_decides_the_order_of_a_meeting(link: Link, first: str, begins: float) -> None:
    start, number = await meeting(link)
    assert (link.broadcasts(), link.job_due()) == ([], start - 10 * MINUTE)
    link.look(lambda session: offered.decide(session, offered.find(session, number), first, "account:a@b", now()))
    await link.work()
    assert [one.due_at for one in link.broadcasts()] == [start + datetime.timedelta(seconds=begins)]
    with pytest.raises(StepRefused):
        link.look(lambda session: offered.decide(session, offered.find(session, number), first, "account:a@b", now()))


async def test_source_is_first_when_nobody_decides(link: Link) -> None:
    start, _ = await meeting(link, minutes_ahead=5)
    (broadcast,) = link.broadcasts()
    assert broadcast.due_at == start - datetime.timedelta(seconds=1)
    airing = link.look(lambda session: session.scalars(sa.select(BulletinAiring)).one())
    assert (airing.rival, airing.first) == ("Tin của xã", "source")


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


async def test_offer_that_nobody_chose_ends_with_its_validity(link: Link) -> None:
    until = now() + HOUR
    await received(link, text("b1", valid_until=until))
    link.give_sound("b1")
    await link.work()
    assert link.job_due() == until
    past = now() - MINUTE
    link.look(lambda session: session.execute(sa.update(Bulletin).values(valid_until=past)))
    link.look(lambda session: session.execute(sa.update(Job).values(due_at=past)))
    await link.work()
    await link.exchange()
    assert link.province.book.states("b1") == ["offered", "declined"]


async def test_worker_killed_after_speaking_airs_the_bulletin_once(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    await received(link, text("lu", URGENT))
    with monkeypatch.context() as patched:
        patched.setattr(bulletin_desk, "_work", lambda session, claim, at: 1 / 0)
        await link.work()
    spoken = list(link.voice.spoken)
    assert (len(spoken) > 0, link.broadcasts()) == (True, [])
    link.look(lambda session: session.execute(sa.update(Job).values(due_at=now())))
    await link.work()
    assert (link.voice.spoken, len(link.broadcasts())) == (spoken, 1)
