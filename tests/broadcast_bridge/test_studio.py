"""A studio whose database fails: what is on air stays there, and every row is written in the end."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import catch_up, starting
from broadcast_bridge.broadcasts.starting import Request, Taken
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.speakers.reachability import note_all
from broadcast_bridge.studio import broadcast_on_air, speaker_leg
from broadcast_bridge.studio.broadcast_plan import Sounds, StudioRules
from broadcast_bridge.studio.levels import Levels
from broadcast_bridge.studio.live_recordings import Recordings
from broadcast_bridge.studio.studio import Studio
from haichieu import background
from haichieu.alarms import open_alarms
from haichieu.ari.call import Call
from haichieu.ari.errors import Lost
from haichieu.ari.outgoing_lines import Lines
from haichieu.audio.errors import UnreadableSound
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from haichieu.media import Media, MediaStore
from haichieu.spool import Spool
from tests.builders.places import commune
from tests.builders.sounds import stored, tone
from tests.fake_asterisk import FakeAsterisk
from tests.faulty_database import FaultyDatabase
from tests.hashed_outside import refuse_hashing_in_transactions

NODE = "main"


def closes(session: Session) -> bool:
    """Return whether a transaction closes a broadcast."""
    return session.scalar(sa.select(Broadcast.id).where(Broadcast.ended_at.is_not(None))) is not None


def reports(session: Session) -> bool:
    """Return whether a transaction has stored what a speaker did."""
    return session.scalar(sa.select(Delivery.id).where(Delivery.state != "pending")) is not None


@dataclass
class Scene:
    """A studio with two speakers and an official."""

    asterisk: FakeAsterisk
    database: FaultyDatabase
    studio: Studio
    recordings: Recordings
    store: MediaStore
    spool: Path
    official_id: int

    def begin(self, priority: Priority = Priority.NORMAL, synthetic: str = "") -> int:
        """Begin a recorded broadcast, as the playout does; return its id."""
        with self.database.session() as session:
            sound = stored(session, self.store, b"\x10\x20" * 8000)
            sound.synthetic = synthetic
            request = Request("test", "Bulletin", [sound.id], ["11"], priority=priority)
            broadcast_id = starting.ask(session, request, now()).id
            starting.begin(session, broadcast_id, NODE, now())
        return broadcast_id

    def air(self) -> "asyncio.Task[object]":
        return asyncio.create_task(self.studio.air(self.begin(), Taken()))

    async def go_live(self) -> "asyncio.Task[object]":
        """Put a caller on air and wait until the voice is there."""
        self.asterisk.arrive("caller")
        call = Call(self.asterisk.client, "caller", "+84912000011", "1900")
        live = asyncio.create_task(self.studio.go_live(call, self.official_id, "11", Priority.NORMAL))
        await until(lambda: bool(self.studio.on_air), "planned")
        return live

    def broadcast(self) -> Broadcast:
        with self.database.session() as session:
            return session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).one()

    def deliveries(self) -> set[tuple[str, str | None]]:
        with self.database.session() as session:
            return {(one.state, one.reason) for one in session.scalars(sa.select(Delivery))}

    def spoken(self, broadcast_id: int) -> Path:
        """Leave what Asterisk has recorded of a broadcast in the spool."""
        file = self.spool / f"broadcast-{broadcast_id}.wav"
        file.write_bytes(tone(1.0))
        return file


@pytest_asyncio.fixture
async def scene(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    for module, name, value in (
        (background, "RETRY_SECONDS", (0.01,)),
        (broadcast_on_air, "REPORT_SECONDS", 0.01),
        (broadcast_on_air, "CHIME_WAITS_SECONDS", 5.0),
    ):
        monkeypatch.setattr(module, name, value)
    with database.session() as session:
        official_id = commune(session).official.id
    (tmp_path / "spool").mkdir()
    faulty, store = FaultyDatabase(database), MediaStore(tmp_path / "media", 1)
    recordings, asterisk = Recordings(Spool(tmp_path / "spool"), faulty, store), FakeAsterisk()
    sounds, rules = Sounds("opening", "closing", "ready", "siren"), StudioRules(5.0, 30.0, 60, 60, "", NODE)
    studio = Studio(asterisk.client, faulty, sounds, rules, recordings, store, Levels(tmp_path))
    async with studio, asyncio.timeout(30):
        yield Scene(asterisk, faulty, studio, recordings, store, tmp_path / "spool", official_id)
    faulty.close()


async def test_broadcast_is_closed_as_soon_as_the_database_works_again(scene: Scene) -> None:
    scene.asterisk.plays_at_once = False
    airing = scene.air()
    await until(lambda: scene.deliveries() == {("playing", None)}, "on air")
    scene.database.fails_for = closes
    scene.asterisk.plays_at_once = True
    scene.asterisk.finish()
    await until(lambda: scene.database.failures > 3, "closing was tried")
    assert scene.studio.on_air == {scene.broadcast().id}
    scene.database.release()
    await airing
    assert (scene.broadcast().state, scene.studio.on_air) == ("ended", frozenset())
    assert scene.deliveries() == {("played", None)}


async def test_what_a_speaker_reported_is_written_after_the_database_failed(scene: Scene) -> None:
    scene.asterisk.plays_at_once = False
    scene.database.fails_for = reports
    airing = scene.air()
    await until(lambda: scene.database.failures > 0, "a report was refused")
    scene.database.release()
    await until(lambda: scene.deliveries() == {("playing", None)}, "the log says that the speakers play")
    scene.asterisk.plays_at_once = True
    scene.asterisk.finish()
    await airing
    assert scene.deliveries() == {("played", None)}


async def test_speaker_that_returns_while_the_broadcast_is_prepared_is_called(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan still calls it absent, and the broadcast is not yet among those that hear of its return."""
    scene.asterisk.plays_at_once = False
    with scene.database.session() as session:
        session.execute(sa.update(Speaker).where(Speaker.code == "s11-1").values(reachable=False))
    give_up = scene.studio.give_up

    async def meanwhile(taken: Mapping[int, Sequence[int]]) -> None:
        with scene.database.session() as session:
            note_all(session, ["s11-0", "s11-1"], "registration", now())
        scene.studio.speaker_returned("s11-1")
        await give_up(taken)

    monkeypatch.setattr(scene.studio, "give_up", meanwhile)
    airing = scene.air()
    await until(lambda: scene.deliveries() == {("playing", None)}, "both play")
    scene.asterisk.plays_at_once = True
    scene.asterisk.finish()
    await airing


async def test_speaker_whose_call_has_no_media_is_called_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk makes such calls when another program has the RTCP port."""
    monkeypatch.setattr(speaker_leg, "AGAIN_SECONDS", (0.01,))
    scene.asterisk.plays_at_once = False
    airing = scene.air()
    await until(lambda: scene.deliveries() == {("playing", None)}, "on air")
    (mute,) = scene.asterisk.channels_of("speaker-s11-1")
    scene.asterisk.mute = (mute,)
    await until(lambda: mute not in scene.asterisk.channels, "the mute call ends")
    await until(lambda: bool(scene.asterisk.channels_of("speaker-s11-1")), "another call")
    await until(lambda: scene.deliveries() == {("playing", None)}, "both play")
    scene.asterisk.plays_at_once = True
    scene.asterisk.finish()
    await airing


async def test_speaker_that_was_sent_nothing_has_not_played(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_leg, "AGAIN_SECONDS", (0.01,))
    scene.asterisk.plays_at_once = False
    airing = scene.air()
    await until(lambda: scene.deliveries() == {("playing", None)}, "on air")
    scene.asterisk.mute = ("speaker-",)
    called = len(scene.asterisk.dialled)
    await until(lambda: len(scene.asterisk.dialled) > called + 2, "called again")
    scene.asterisk.plays_at_once = True
    scene.asterisk.finish()
    await airing
    assert {state for state, _ in scene.deliveries()} == {"failed"}


async def test_speaker_for_which_no_line_is_free_is_called_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_leg, "AGAIN_SECONDS", (0.01,))
    scene.asterisk.plays_at_once = False
    scene.asterisk.lines = Lines(1)
    airing = scene.air()
    await until(lambda: ("playing", None) in scene.deliveries(), "one plays")
    await until(lambda: any(reason == "no_line" for _, reason in scene.deliveries()), "the other has no line")
    assert len(scene.asterisk.channels_of("speaker-")) == 1
    scene.asterisk.hang_up(scene.asterisk.channels_of("speaker-")[0])
    await until(lambda: len(set(scene.asterisk.dialled)) >= 2, "a line is free again")
    scene.asterisk.plays_at_once = True
    scene.asterisk.finish()
    await airing


async def test_live_voice_stays_on_air_while_nothing_can_be_written(scene: Scene) -> None:
    live = await scene.go_live()
    scene.database.lock()
    await until(lambda: scene.database.failures > 20, "writes were refused")
    assert not live.done()
    scene.database.release()
    await until(lambda: scene.broadcast().live_at is not None, "the voice is in the log")
    scene.asterisk.hang_up("caller")
    await asyncio.wait([live])
    assert (scene.broadcast().state, scene.deliveries()) == ("ended", {("played", None)})


async def test_recording_leaves_the_spool_only_after_the_commit(scene: Scene) -> None:
    live = await scene.go_live()
    await until(lambda: scene.broadcast().live_at is not None, "live")
    broadcast_id = scene.broadcast().id
    recording = scene.spoken(broadcast_id)
    scene.database.fails_for = closes
    scene.asterisk.hang_up("caller")
    await until(lambda: scene.database.failures > 3, "closing was tried")
    assert recording.exists()
    scene.database.release()
    await asyncio.wait([live])
    assert not recording.exists()
    with scene.database.session() as session:
        media = session.get_one(Media, session.get_one(Broadcast, broadcast_id).recording_id)
        assert media.seconds == 1.0


async def test_recording_that_cannot_be_stored_is_taken_in_later(scene: Scene) -> None:
    live = await scene.go_live()
    await until(lambda: scene.broadcast().live_at is not None, "live")
    broadcast_id = scene.broadcast().id
    recording = scene.spoken(broadcast_id)
    whole = recording.read_bytes()
    recording.write_bytes(b"RIFF" + bytes(100))
    assert scene.recordings.left_recordings() == []
    scene.asterisk.hang_up("caller")
    await asyncio.wait([live])
    assert scene.broadcast().state == "ended"
    with pytest.raises(UnreadableSound):
        scene.recordings.take_in(recording.stem)
    recording.write_bytes(whole)
    assert [left.name for left in scene.recordings.left_recordings()] == [f"broadcast-{broadcast_id}"]
    assert scene.recordings.take_in(recording.stem) == f"broadcast {broadcast_id}"
    assert (scene.broadcast().recording_id is not None, recording.exists()) == (True, False)


async def test_broadcast_whose_rows_cannot_be_read_is_closed_as_failed(scene: Scene) -> None:
    broadcast_id = scene.begin()
    scene.database.fail_once()
    with pytest.raises(sa.exc.OperationalError):
        await scene.studio.air(broadcast_id, Taken())
    assert (scene.broadcast().state, scene.studio.on_air) == ("failed", frozenset())


async def test_recorded_broadcast_that_loses_its_announcer_has_failed(scene: Scene) -> None:
    scene.asterisk.plays_at_once = False
    airing = scene.air()
    await until(lambda: scene.asterisk.sounds == ["sound:opening"], "the chime")
    scene.asterisk.finish()
    await until(lambda: len(scene.asterisk.sounds) == 2, "the sound")
    for channel in scene.asterisk.channels_of("player-"):
        scene.asterisk.hang_up(channel)
    with pytest.raises(Lost):
        await airing
    assert scene.broadcast().state == "failed"


def breaks(*_: object) -> None:
    raise ZeroDivisionError


async def test_broadcast_whose_end_cannot_be_computed_takes_no_speaker_for_ever(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "settle", breaks)
    await scene.air()
    assert (scene.broadcast().state, scene.broadcast().reason) == ("failed", "internal_error")
    with scene.database.session() as session:
        assert not session.scalars(sa.select(Delivery).where(Delivery.active)).all()
        assert [alarm.kind for alarm in open_alarms(session)] == ["broadcast_failed"]
    monkeypatch.undo()
    await scene.air()
    assert scene.broadcast().state == "ended"


async def test_broadcast_that_is_not_closed_does_not_count_as_running(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.recordings, "collect", breaks)
    await asyncio.wait([scene.air()])
    assert (scene.broadcast().state, scene.studio.on_air) == ("on_air", frozenset())  # the next connection closes it


async def test_recording_is_hashed_outside_of_transactions(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    live = await scene.go_live()
    await until(lambda: scene.broadcast().live_at is not None, "live")
    scene.spoken(scene.broadcast().id)
    hashed = refuse_hashing_in_transactions(monkeypatch, scene.database)
    scene.asterisk.hang_up("caller")
    await asyncio.wait([live])
    assert (scene.broadcast().recording_id is not None, len(hashed)) == (True, 1)


@pytest.mark.parametrize(
    ("priority", "heard"),
    [
        (Priority.NORMAL, ["opening", "label-all", "sound", "closing"]),
        (Priority.EMERGENCY, ["opening", "sound", "label-all", "closing"]),
    ],
)
async def test_label_of_a_synthetic_voice_delays_no_emergency(
    scene: Scene, priority: Priority, heard: list[str]
) -> None:
    scene.studio = labelled(scene)
    async with scene.studio:
        await scene.studio.air(scene.begin(priority, synthetic="piper voice"), Taken())
    assert kinds(scene) == heard


async def test_recording_and_unlabelled_station_have_no_label(scene: Scene) -> None:
    await scene.studio.air(scene.begin(synthetic="piper voice"), Taken())
    assert kinds(scene) == ["opening", "sound", "closing"]
    scene.asterisk.sounds.clear()
    scene.studio = labelled(scene)
    async with scene.studio:
        await scene.studio.air(scene.begin(), Taken())
    assert kinds(scene) == ["opening", "sound", "closing"]


def labelled(scene: Scene) -> Studio:
    """A studio of a station that announces synthetic voices."""
    rules = StudioRules(
        5.0, 30.0, 60, 60, "", NODE, synthetic_label=lambda share: f"label-{share}" if share else ""
    )  # fmt: skip
    return Studio(
        scene.asterisk.client, scene.database, scene.studio.sounds, rules, scene.recordings, scene.store,
        Levels(scene.spool),
    )  # fmt: skip


def kinds(scene: Scene) -> list[str]:
    """What was played: names of signals and labels, and "sound" for files of the store."""
    played = [sound.removeprefix("sound:") for sound in scene.asterisk.sounds]
    return ["sound" if str(scene.store.folder) in sound else sound for sound in played]
