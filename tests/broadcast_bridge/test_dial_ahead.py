"""Speakers that are called before their broadcast begins: which broadcast gets them, their release, the log."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from broadcast_bridge.broadcasts import expected, starting
from broadcast_bridge.broadcasts.expected import Expected
from broadcast_bridge.broadcasts.starting import Request, Taken, ZoneBusy
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Delivery, Speaker, Zone
from broadcast_bridge.studio import dial_ahead
from broadcast_bridge.studio.broadcast_plan import Sounds, StudioRules
from broadcast_bridge.studio.dial_ahead import DialAhead
from broadcast_bridge.studio.early_call import EarlyCall
from broadcast_bridge.studio.levels import Levels
from broadcast_bridge.studio.live_recordings import Recordings
from broadcast_bridge.studio.studio import Studio
from haichieu.ari.call import Call
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.node_clock import Reading
from haichieu.people import Official
from haichieu.spool import Spool
from tests.builders.places import commune
from tests.builders.sounds import stored
from tests.fake_asterisk import FakeAsterisk

NODE = "main"
FIRST, SECOND = "s11-0", "s11-1"


@dataclass
class Scene:
    """A studio with two speakers and an official."""

    asterisk: FakeAsterisk
    database: Database
    studio: Studio
    store: MediaStore
    official_id: int
    callers: int = 0

    def ahead(
        self, zone: str = "11", due_at: datetime.datetime | None = None, *, called_back: bool = False
    ) -> DialAhead:
        """Let the official be about to go live."""
        return self.studio.expects.live(self.official_id, zone, due_at, called_back=called_back)

    async def waiting(self, speakers: int = 2, **given: Any) -> DialAhead:
        """Let the official be about to go live, and wait until speakers have joined."""
        ahead = self.ahead(**given)
        await until(lambda: len(self.joined()) == speakers, "the speakers wait")
        return ahead

    def joined(self) -> dict[str, str]:
        """Return the channel by speaker that is on a bridge."""
        channels = [one for one in self.asterisk.channels_of("speaker-") if one in self.asterisk.bridge_of]
        return {channel.split("-", 1)[1].rpartition("-")[0]: channel for channel in channels}

    def called(self) -> list[str]:
        """Return every channel to a speaker that was dialled."""
        return [one for one in self.asterisk.dialled if one.startswith("speaker-")]

    def channels(self) -> list[str]:
        return self.asterisk.channels_of("speaker-")

    def go_live(self, ahead: DialAhead | None = None, priority: Priority = Priority.NORMAL) -> "asyncio.Task[object]":
        """Let a caller press the key."""
        self.callers += 1
        caller = f"caller-{self.callers}"
        self.asterisk.arrive(caller)
        call = Call(self.asterisk.client, caller, "+84912000011", "1900")
        return asyncio.create_task(self.studio.go_live(call, self.official_id, "11", priority, ahead=ahead))

    async def end(self, live: "asyncio.Task[object]") -> None:
        for number in range(1, self.callers + 1):
            self.asterisk.hang_up(f"caller-{number}")
        await asyncio.wait([live])
        live.exception()

    def change(self, model: type[Speaker] | type[Zone] | type[Official], **values: object) -> None:
        with self.database.session() as session:
            session.execute(sa.update(model).values(**values))

    def rows(self) -> int:
        """Return how many broadcasts and deliveries there are."""
        with self.database.session() as session:
            counts = (sa.select(sa.func.count()).select_from(model) for model in (Broadcast, Delivery))
            return sum(session.scalars(count).one() for count in counts)

    def deliveries(self) -> dict[str, Delivery]:
        with self.database.session() as session:
            return {one.speaker.code: one for one in session.scalars(sa.select(Delivery))}

    def request(self, seconds: float) -> int:
        """Request a recorded broadcast some seconds from now."""
        with self.database.session() as session:
            sound = stored(session, self.store, b"\x10\x20" * 8000)
            due_at = self.studio.clock.now() + datetime.timedelta(seconds=seconds)
            return starting.ask(session, Request("test", "Bulletin", [sound.id], ["11"], due_at=due_at), now()).id

    def soon(self) -> list[Expected]:
        with self.database.session() as session:
            return expected.soon(session, self.studio.clock.now())

    def begin(self, broadcast_id: int) -> "asyncio.Task[object]":
        """Begin a recorded broadcast, as the playout does at its time."""
        with self.database.session() as session:
            taken = starting.begin(session, broadcast_id, NODE, now())
        return asyncio.create_task(self.studio.air(broadcast_id, taken or Taken()))


@pytest_asyncio.fixture
async def scene(database: Database, tmp_path: Path) -> AsyncIterator[Scene]:
    with database.session() as session:
        official_id = commune(session).official.id
    (tmp_path / "spool").mkdir()
    store, asterisk = MediaStore(tmp_path / "media", 1), FakeAsterisk()
    recordings = Recordings(Spool(tmp_path / "spool"), database, store)
    sounds, rules = Sounds("opening", "closing", "ready", "siren"), StudioRules(5.0, 30.0, 60, 60, "", NODE)
    studio = Studio(asterisk.client, database, sounds, rules, recordings, store, Levels(tmp_path))
    async with studio, asyncio.timeout(30):
        yield Scene(asterisk, database, studio, store, official_id)
    assert asterisk.channels_of("speaker-") == []


async def test_key_finds_the_speakers_on_the_bridge_of_the_chime(scene: Scene) -> None:
    ahead = await scene.waiting()
    assert scene.rows() == 0
    waiting = scene.joined()
    live = scene.go_live(ahead)
    await until(lambda: "sound:opening" in scene.asterisk.sounds, "the chime")
    assert scene.joined() == waiting
    bridges = {scene.asterisk.bridge_of[channel] for channel in waiting.values()}
    assert len(bridges) == 1
    await until(lambda: {one.state for one in scene.deliveries().values()} == {"playing"}, "playing")
    await scene.end(live)
    assert scene.called() == list(waiting.values())
    assert {(one.state, one.attempts) for one in scene.deliveries().values()} == {("played", 1)}


async def test_speakers_are_released_when_called_off(scene: Scene) -> None:
    ahead = await scene.waiting()
    ahead.call_off()
    await until(lambda: scene.channels() == [], "no call is left")
    assert scene.rows() == 0


async def test_speaker_that_still_rings_is_released_when_called_off(scene: Scene) -> None:
    scene.asterisk.answers_at_once = False
    ahead = scene.ahead()
    await until(lambda: len(scene.channels()) == 2, "they ring")
    ahead.call_off()
    await until(lambda: scene.channels() == [], "no call is left")


async def test_speaker_that_answers_after_the_key_is_called_once(scene: Scene) -> None:
    scene.asterisk.answers_at_once = False
    ahead = scene.ahead()
    await until(lambda: len(scene.channels()) == 2, "they ring")
    early, late = scene.channels()
    scene.asterisk.answer(early)
    await until(lambda: len(scene.joined()) == 1, "one waits")
    live = scene.go_live(ahead)
    await until(lambda: "sound:opening" in scene.asterisk.sounds, "the chime")
    scene.asterisk.answer(late)
    await until(lambda: {one.state for one in scene.deliveries().values()} == {"playing"}, "both play")
    assert scene.called() == [early, late]
    await scene.end(live)


@pytest.mark.parametrize("leaves", [True, False])
async def test_speaker_that_refuses_or_vanishes_is_called_at_the_key(scene: Scene, *, leaves: bool) -> None:
    scene.asterisk.answers_at_once = leaves
    ahead = scene.ahead()
    await until(lambda: len(scene.joined() if leaves else scene.channels()) == 2, "called")
    for channel in scene.channels():
        scene.asterisk.hang_up(channel)
    scene.asterisk.answers_at_once = True
    live = scene.go_live(ahead)
    await until(lambda: len(scene.deliveries()) == 2, "begun")
    await until(lambda: {one.state for one in scene.deliveries().values()} == {"playing"}, "playing")
    await scene.end(live)
    assert {one.state for one in scene.deliveries().values()} == {"played"}


async def test_broadcast_takes_speakers_that_another_official_has_called(scene: Scene) -> None:
    theirs = await scene.waiting()
    waiting = scene.joined()
    ours = scene.ahead()
    await ours.stage
    live = scene.go_live(ours)
    await until(lambda: {one.state for one in scene.deliveries().values()} == {"playing"}, "playing")
    assert scene.joined() == waiting
    with pytest.raises(ZoneBusy):
        await scene.go_live(theirs)
    theirs.call_off()
    await theirs.stage
    assert scene.joined() == waiting
    await scene.end(live)
    assert {one.state for one in scene.deliveries().values()} == {"played"}


async def test_emergency_ends_the_calls_of_others_and_calls_with_its_own_headers(scene: Scene) -> None:
    scene.change(Official, may=["live", "emergency"])
    ahead = await scene.waiting()
    waiting = scene.joined()
    live = scene.go_live(None, Priority.EMERGENCY)
    await until(lambda: {one.state for one in scene.deliveries().values()} == {"playing"}, "playing")
    assert not set(scene.joined().values()) & set(waiting.values())
    ahead.call_off()
    await scene.end(live)
    assert {one.state for one in scene.deliveries().values()} == {"played"}


async def test_speaker_of_a_broadcast_is_not_called_ahead(scene: Scene) -> None:
    live = scene.go_live()
    await until(lambda: {one.state for one in scene.deliveries().values()} == {"playing"}, "playing")
    before = scene.called()
    ahead = scene.ahead()
    await ahead.stage
    ahead.call_off()
    await until(lambda: ahead.is_over, "called off")
    assert scene.called() == before
    await scene.end(live)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Zone, {"silenced_until": datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)}),
        (Zone, {"quiet_hours": "00:00-00:00"}),
        (Speaker, {"dial_ahead": False}),
        (Speaker, {"reachable": False}),
        (Speaker, {"node": "another"}),
        (Official, {"may": ["record"]}),
        (Official, {"call_back": True}),
    ],
)
async def test_nobody_is_called_who_may_not_be(scene: Scene, model: Any, values: dict[str, object]) -> None:
    scene.change(model, **values)
    ahead = scene.ahead()
    assert await ahead.stage is None
    assert scene.asterisk.dialled == []


async def test_official_who_was_called_back_has_the_speakers_called(scene: Scene) -> None:
    scene.change(Official, call_back=True)
    (await scene.waiting(called_back=True)).call_off()


async def test_speaker_that_was_removed_meanwhile_hears_nothing(scene: Scene) -> None:
    ahead = await scene.waiting()
    gone = scene.joined()[SECOND]
    with scene.database.session() as session:
        session.execute(sa.update(Speaker).where(Speaker.code == SECOND).values(removed_at=now()))
    scene.asterisk.plays_at_once = False
    live = scene.go_live(ahead)
    await until(lambda: "sound:opening" in scene.asterisk.sounds, "the chime")
    assert gone not in scene.asterisk.channels
    assert list(scene.joined()) == [FIRST]
    scene.asterisk.plays_at_once = True
    scene.asterisk.finish()
    await scene.end(live)
    assert list(scene.deliveries()) == [FIRST]


async def test_speaker_that_moved_is_called_at_its_new_address(scene: Scene) -> None:
    ahead = await scene.waiting()
    old = scene.joined()[FIRST]
    scene.studio.speaker_returned(FIRST)
    await until(lambda: FIRST not in scene.joined(), "released")
    live = scene.go_live(ahead)
    await until(lambda: len(scene.joined()) == 2, "called")
    assert scene.joined()[FIRST] != old
    await scene.end(live)


async def test_nobody_waits_longer_than_a_minute(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial_ahead, "LONGEST_WAIT_SECONDS", 0.1)
    ahead = scene.ahead()
    await until(lambda: ahead.is_over, "released")
    assert scene.channels() == []


async def test_slow_speaker_is_called_earlier_next_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadcast_bridge.studio.early_call.NOTICED_SECONDS", 0.0)
    scene.asterisk.answers_at_once = False
    ahead = scene.ahead()
    await until(lambda: len(scene.channels()) == 2, "they ring")
    await asyncio.sleep(0.12)  # it is the time that is measured
    for channel in scene.channels():
        scene.asterisk.answer(channel)
    await until(lambda: len(scene.joined()) == 2, "they wait")
    ahead.call_off()

    def seconds() -> set[float | None]:
        with scene.database.session() as session:
            return set(session.scalars(sa.select(Speaker.answered_in)))

    await until(lambda: None not in seconds(), "stored")
    assert all(0.1 <= (one or 0.0) < 5 for one in seconds())


async def test_booked_call_calls_each_speaker_as_early_as_it_needs(scene: Scene) -> None:
    with scene.database.session() as session:
        session.execute(sa.update(Speaker).where(Speaker.code == SECOND).values(answered_in=9.0))
    due_at = now() + datetime.timedelta(seconds=8)
    ahead = await scene.waiting(1, due_at=due_at)
    assert list(scene.joined()) == [SECOND]
    ahead.call_off()


async def test_recorded_broadcast_finds_its_speakers_ready(scene: Scene) -> None:
    broadcast_id = scene.request(1.5)
    scene.studio.expects.recorded(scene.soon())
    await until(lambda: len(scene.joined()) == 2, "they wait")
    scene.studio.expects.recorded(scene.soon())  # the playout looks again and again
    waiting = scene.joined()
    with scene.database.session() as session:
        session.execute(sa.update(Broadcast).values(due_at=now()))
    airing = scene.begin(broadcast_id)
    await asyncio.wait([airing])
    assert scene.called() == list(waiting.values())
    assert {one.state for one in scene.deliveries().values()} == {"played"}


async def test_recorded_broadcast_that_is_stopped_before_its_time_releases_them(scene: Scene) -> None:
    broadcast_id = scene.request(1.8)
    scene.studio.expects.recorded(scene.soon())
    await until(lambda: len(scene.joined()) == 2, "they wait")
    with scene.database.session() as session:
        session.get_one(Broadcast, broadcast_id).stop_asked_at = now()
    scene.studio.expects.recorded(scene.soon())
    await until(lambda: scene.channels() == [], "released")


async def test_broadcast_that_begins_as_its_speakers_are_released_is_heard(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial_ahead, "AFTER_START_SECONDS", 0.0)
    broadcast_id = scene.request(1.0)
    scene.studio.expects.recorded(scene.soon())
    await until(lambda: len(scene.joined()) == 2, "they wait")
    end, are_released, may_end = EarlyCall.end, asyncio.Event(), asyncio.Event()

    async def end_later(early: EarlyCall) -> None:
        are_released.set()
        await may_end.wait()
        await end(early)

    monkeypatch.setattr(EarlyCall, "end", end_later)
    await are_released.wait()
    airing = scene.begin(broadcast_id)
    may_end.set()
    await asyncio.wait([airing])
    assert {one.state for one in scene.deliveries().values()} == {"played"}


async def test_speakers_are_called_ahead_by_the_clock_that_nodes_share(scene: Scene) -> None:
    behind = now() + datetime.timedelta(minutes=1)
    scene.studio.clock.take([Reading(now(), behind, now())])
    scene.request(1.5)
    scene.studio.expects.recorded(scene.soon())
    await until(lambda: len(scene.joined()) == 2, "they wait")


async def test_packets_before_the_broadcast_are_not_in_its_proof(scene: Scene) -> None:
    ahead = await scene.waiting()
    scene.asterisk.packets = 5000
    live = scene.go_live(ahead)
    await until(lambda: {one.state for one in scene.deliveries().values()} == {"playing"}, "playing")
    await until(lambda: scene.asterisk.packets == 5200, "both have been asked")
    await scene.end(live)
    assert all(0 < one.packets_sent < 500 for one in scene.deliveries().values())


async def test_report_from_before_the_broadcast_confirms_nothing(scene: Scene) -> None:
    ahead = await scene.waiting()
    live = scene.go_live(ahead)
    await until(lambda: scene.asterisk.packets == 200, "both have been asked")
    await scene.end(live)
    assert {one.packets_lost for one in scene.deliveries().values()} == {None}
