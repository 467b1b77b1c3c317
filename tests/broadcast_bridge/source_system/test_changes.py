"""A bulletin that its source changes under the same id: before, while and after it is aired."""

import datetime

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system import bulletin_desk, offered
from broadcast_bridge.source_system.exchange import Withdrawn
from broadcast_bridge.source_system.models import BulletinAiring
from haichieu.database import now
from tests.broadcast_bridge.source_system.link import HOUR, Link, make_jobs_due, received, text

URGENT, FIRST = Priority.EMERGENCY, Priority.PRIORITY
MINUTE = datetime.timedelta(minutes=1)


async def prepared(link: Link, external_id: str = "b1") -> None:
    """Give a bulletin its sound, and do its job."""
    link.give_sound(external_id)
    make_jobs_due(link)
    await link.work()


def on_air(link: Link, number: int) -> None:
    link.look(
        lambda session: session.execute(
            sa.update(Broadcast).where(Broadcast.id == number).values(state="on_air", on_air_at=now())
        )
    )


async def test_other_text_before_airing_replaces_the_first_one(link: Link) -> None:
    await received(link, text("b1", FIRST, starts=[now() + HOUR]))
    await prepared(link)
    await received(link, text("b1", FIRST, text="Nội dung mới.", starts=[now() + HOUR]))
    old = link.broadcasts()[0]
    assert (old.state, old.reason) == ("cancelled", "withdrawn")
    assert (link.states(), link.bulletin("b1").version, link.bulletin("b1").text) == (
        {"b1": "accepted"}, 2, "Nội dung mới.",
    )  # fmt: skip
    await prepared(link)
    assert [one.state for one in link.broadcasts()] == ["cancelled", "planned"]
    await link.exchange()
    assert link.province.book.states("b1") == ["accepted", "scheduled", "accepted", "scheduled"]
    assert (link.province.book.repeated, link.province.book.wrong) == (0, [])


async def test_other_text_on_air_stops_the_first_one_and_reports_both(link: Link) -> None:
    await received(link, text("lu", URGENT))
    await prepared(link, "lu")
    (first,) = link.broadcasts()
    on_air(link, first.id)
    await received(link, text("lu", URGENT, text="Lũ đã rút."))
    assert link.broadcasts()[0].stop_asked_at is not None
    await prepared(link, "lu")
    second = link.broadcasts()[1]
    assert (second.priority, second.state) == ("emergency", "planned")
    link.end_broadcast(first.id, 7.0)
    link.end_broadcast(second.id)
    await link.exchange()
    seconds = sorted(float(one["seconds"]) for one in link.province.book.logs.values())
    assert seconds == [0.0, 0.0, 7.0, 60.0]
    assert link.states() == {"lu": "aired"}


async def test_other_text_after_airing_is_aired_again(link: Link) -> None:
    await received(link, text("b1", FIRST))
    await prepared(link)
    link.end_broadcast(link.broadcasts()[0].id)
    await link.exchange()
    assert link.states() == {"b1": "aired"}
    await received(link, text("b1", FIRST, text="Đính chính."))
    assert link.states() == {"b1": "accepted"}
    await prepared(link)
    assert [one.state for one in link.broadcasts()] == ["ended", "planned"]
    states = link.look(lambda session: session.scalars(sa.select(Programme.state).order_by(Programme.id)).all())
    assert states == ["withdrawn", "approved"]


async def test_accepted_offer_with_another_text_is_offered_again(link: Link) -> None:
    await received(link, text("b1"))
    link.give_sound("b1")
    link.look(lambda session: offered.accept(session, offered.find(session, 1), "account:a@b", now()))
    await received(link, text("b1", text="Nội dung mới."))
    assert link.states() == {"b1": "offered"}
    assert (link.bulletin("b1").sound_id, link.bulletin("b1").programme_id) == (None, None)
    await link.exchange()
    assert link.province.book.states("b1") == ["offered", "accepted", "offered"]


async def test_other_validity_leaves_what_is_planned(link: Link) -> None:
    start, until = now() + HOUR, now() + 5 * HOUR
    await received(link, text("b1", FIRST, starts=[start], valid_until=until))
    await prepared(link)
    await received(link, text("b1", FIRST, starts=[start], valid_until=until + HOUR, title="Tin mới"))
    assert [one.state for one in link.broadcasts()] == ["planned"]
    programme = link.look(lambda session: session.scalars(sa.select(Programme)).one())
    assert (programme.title, programme.valid_until, programme.state) == ("Tin mới", until + HOUR, "approved")
    await link.exchange()
    assert link.province.book.states("b1") == ["accepted", "scheduled", "scheduled"]


async def test_validity_that_ends_now_takes_it_off_the_air(link: Link) -> None:
    await received(link, text("b1", FIRST))
    await prepared(link)
    on_air(link, link.broadcasts()[0].id)
    await received(link, text("b1", FIRST, valid_until=now()))
    programme = link.look(lambda session: session.scalars(sa.select(Programme)).one())
    assert programme.valid_until is not None
    assert programme.valid_until <= now()  # the switchboard asks for clearance while it is on air


async def test_other_start_times_move_only_what_has_not_begun(link: Link) -> None:
    first, second, third = now() + HOUR, now() + 2 * HOUR, now() + 3 * HOUR
    await received(link, text("b1", FIRST, starts=[first, second]))
    await prepared(link)
    on_air(link, link.broadcasts()[0].id)
    await received(link, text("b1", FIRST, starts=[first, third]))
    make_jobs_due(link)
    await link.work()
    assert [(one.state, one.due_at) for one in link.broadcasts()] == [
        ("on_air", first), ("cancelled", second), ("planned", third),
    ]  # fmt: skip
    starts = link.look(lambda session: session.scalars(sa.select(BulletinAiring.starts_at)).all())
    assert sorted(starts) == [first, third]


@pytest.mark.parametrize("state", ["refused", "declined"])
async def test_corrected_bulletin_is_offered_again(link: Link, state: str) -> None:
    await received(link, text("b1", text=" " if state == "refused" else "Một."))
    if state == "declined":
        reason = offered.reason_in_words("không hợp")
        link.look(lambda session: offered.decline(session, offered.find(session, 1), reason, "account:a@b", now()))
    assert link.states() == {"b1": state}
    await received(link, text("b1", text="Hai."))
    assert link.states() == {"b1": "offered"}


async def test_bulletin_that_was_not_understood_is_taken_when_corrected(link: Link) -> None:
    await received(link, {"type": "bulletin", "id": "b1", "title": "Lạ", "kind": "text", "priority": "?"})
    assert link.states() == {"b1": "refused"}
    await received(link, text("b1"))
    assert link.states() == {"b1": "offered"}


async def test_withdrawn_bulletin_stays_withdrawn(link: Link) -> None:
    await received(link, text("b1"), Withdrawn("b1"), text("b1", text="Mới."))
    assert link.states() == {"b1": "withdrawn"}


async def test_change_that_is_not_understood_leaves_the_bulletin(link: Link) -> None:
    await received(link, text("b1"), {"type": "bulletin", "id": "b1", "title": "x"})
    assert (link.states(), link.alarms()) == ({"b1": "offered"}, {"source_defective"})


async def test_old_content_that_arrives_late_changes_nothing(link: Link) -> None:
    await received(link, text("b1", text="Một."), text("b1", text="Hai."), text("b1", text="Một."))
    assert (link.bulletin("b1").text, link.bulletin("b1").version) == ("Hai.", 2)


async def test_lower_revision_changes_nothing_and_a_higher_one_does(link: Link) -> None:
    await received(link, text("b1", text="Ba.", revision=3), text("b1", text="Hai.", revision=2))
    assert link.bulletin("b1").text == "Ba."
    await received(link, text("b1", text="Một lần nữa.", revision=4))
    assert link.bulletin("b1").version == 2


async def test_sound_of_an_earlier_content_is_not_kept(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    await received(link, text("lu", URGENT, text="Một."))
    sound_of = bulletin_desk.sound_of
    changed = [text("lu", URGENT, text="Hai.")]

    async def changes_meanwhile(*args: object) -> object:
        if changed:
            await received(link, changed.pop())
        return await sound_of(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(bulletin_desk, "sound_of", changes_meanwhile)
    await link.work()
    assert "hai" in link.voice.spoken[-1].lower()
    assert len(link.broadcasts()) == 1
