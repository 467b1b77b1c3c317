"""The handling of a bulletin: its sound, its start times, and its end."""

import datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system import bulletin_desk, offered
from broadcast_bridge.source_system.errors import StepRefused
from broadcast_bridge.source_system.exchange import Withdrawn
from broadcast_bridge.source_system.models import Bulletin, Source
from haichieu import jobs
from haichieu.database import now
from haichieu.jobs import Job
from haichieu.station import Station
from tests.broadcast_bridge.source_system.link import HOUR, Link, audio, make_jobs_due, received, text
from tests.builders.sounds import tone

URGENT, FIRST = Priority.EMERGENCY, Priority.PRIORITY
MINUTE = datetime.timedelta(minutes=1)


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
    link.look(lambda session: session.execute(sa.update(Broadcast).values(state="ended", ended_at=now())))
    make_jobs_due(link)
    await link.work()
    assert link.job_due() == later - 24 * HOUR


async def test_start_times_after_the_end_of_validity_are_left_out(link: Link) -> None:
    soon = now() + HOUR
    await received(link, text("b1", FIRST, starts=[soon, soon + 5 * HOUR], valid_until=soon + 2 * HOUR))
    link.give_sound("b1")
    await link.work()
    assert ([one.due_at for one in link.broadcasts()], link.states()) == ([soon], {"b1": "scheduled"})
    await received(link, text("b2", FIRST, starts=[soon], valid_until=soon - MINUTE))
    assert reason_of(link, "b2") == "source.over_before_start"


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
    await received(link, Withdrawn("b1"))
    assert link.alarms() == set()


async def chosen(link: Link, start: datetime.datetime, **more: object) -> int:
    """Receive a normal bulletin, choose its start time, and return its id."""
    await received(link, text("b1", **more))
    link.give_sound("b1")
    number = link.bulletin("b1").id
    link.look(lambda session: offered.schedule(session, offered.find(session, number), start, "account:a@b", now()))
    return number


def quiet_at(link: Link, start: datetime.datetime) -> None:
    """Let the quiet hours of the station begin at a time and last an hour."""
    local = [(start + more).astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%H:%M") for more in (0 * HOUR, HOUR)]
    link.look(lambda session: session.add(Station(id=1, quiet_hours="-".join(local))))


async def test_time_within_quiet_hours_is_refused_except_for_emergencies(link: Link) -> None:
    start = now() + 3 * HOUR
    quiet_at(link, start)
    with pytest.raises(StepRefused) as refused:
        await chosen(link, start)
    assert refused.value.message.key == "source.quiet_then"
    number = link.bulletin("b1").id

    def choose(session: Session, begins: datetime.datetime) -> int:
        return offered.schedule(session, offered.find(session, number), begins, "account:a@b", now())

    link.look(lambda session: session.execute(sa.update(Bulletin).values(priority=URGENT)))
    assert link.look(lambda session: choose(session, start)) > 0


async def test_bulletin_that_was_not_aired_is_returned_and_scheduled_again(link: Link) -> None:
    number = await chosen(link, now() + HOUR)
    link.look(
        lambda session: session.execute(
            sa.update(Broadcast).values(state="cancelled", reason="quiet_hours", ended_at=now())
        )
    )
    await link.exchange()
    assert (link.states(), reason_of(link), link.alarms()) == (
        {"b1": "accepted"},
        "source.returned",
        {"bulletin_refused"},
    )
    await link.exchange()
    assert link.province.book.states("b1") == ["offered", "accepted", "scheduled", "accepted"]

    def again(session: Session) -> None:
        offered.schedule(session, offered.find(session, number), now() + 2 * HOUR, "account:a@b", now())

    link.look(again)
    await link.exchange()
    assert (link.states(), link.bulletin("b1").reason, link.alarms()) == ({"b1": "scheduled"}, None, set())
    assert link.province.book.states("b1")[-1] == "scheduled"


async def test_bulletin_that_is_no_longer_valid_is_not_returned(link: Link) -> None:
    await chosen(link, now() + HOUR, valid_until=now() + 2 * HOUR)
    link.look(
        lambda session: session.execute(
            sa.update(Broadcast).values(state="failed", reason="no_speakers", ended_at=now())
        )
    )
    link.look(lambda session: session.execute(sa.update(Bulletin).values(valid_until=now())))
    await link.exchange()
    assert (link.states(), link.alarms()) == ({"b1": "refused"}, {"bulletin_refused"})


@pytest.mark.parametrize(
    ("field", "category"),
    [
        ("4", "Chỉ đạo, điều hành"), ("17", "Lĩnh vực số 17"), ("Chăn nuôi", "Chăn nuôi"), ("", ""),
    ],
)  # fmt: skip
async def test_field_of_a_bulletin_is_the_named_category_of_its_programme(
    link: Link, field: str, category: str
) -> None:
    await received(link, text("b1", FIRST, field=field))
    await link.work()
    assert link.look(lambda session: session.scalars(sa.select(Programme.category)).one()) == category


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
    make_jobs_due(link)
    await link.work()
    assert (link.voice.spoken, len(link.broadcasts())) == (spoken, 1)
