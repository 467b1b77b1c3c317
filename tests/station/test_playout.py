"""Recorded programmes: played on time and whole, pre-empted by emergencies, repeated for speakers that were away."""

import datetime
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import AfterCut, Priority
from broadcast_bridge.models import Broadcast
from haichieu.audio.sound import read_wav
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.builders.sounds import kept
from tests.station import district
from tests.station.scene import OTHER, SAME, Aired, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"
HAI = f"{district.PINS[district.HAI]}#"


def ask(scene: Scene, speech: str, *zones: str, seconds: float = 0.0, **more: object) -> int:
    """Ask for a speech on air and return the broadcast's id."""
    copy = Path(shutil.copy(scene.speeches[speech], scene.folder / "upload.wav"))
    at = now() + datetime.timedelta(seconds=seconds)
    with scene.station.database.session() as session:
        sound = kept(session, MediaStore(scene.station.settings.home / "media", 1), copy)
        request = Request("test", speech, [sound.id], zones, due_at=at, **more)  # type: ignore[arg-type]
        return starting.ask(session, request, now()).id


def stop(scene: Scene, broadcast_id: int) -> None:
    with scene.station.database.session() as session:
        calling_off.stop(session, broadcast_id, "account:test@example", now())


def hours_from_now(hours: float) -> datetime.datetime:
    return now() + datetime.timedelta(hours=hours)


async def state(scene: Scene, broadcast_id: int, *states: str) -> Aired:
    await until(lambda: scene.broadcast(broadcast_id).state in states, f"broadcast {broadcast_id} {states}", 30)
    return scene.broadcast(broadcast_id)


def called(scene: Scene) -> set[str]:
    """Return the speakers that Asterisk has on the line."""
    channels = [channel["id"] for channel in scene.asterisk("channels")]
    return {code for code in scene.speakers if any(name.startswith(f"speaker-{code}-") for name in channels)}


async def again_of(scene: Scene, broadcast_id: int) -> Aired:
    """Return the broadcast that repeats another one, when it is over."""

    def found() -> int | None:
        with scene.station.database.session() as session:
            return session.scalar(
                sa.select(Broadcast.id)
                .where(Broadcast.again_of_id == broadcast_id, Broadcast.ended_at.is_not(None))
                .order_by(Broadcast.id.desc())
            )

    await until(lambda: found() is not None, f"broadcast {broadcast_id} is repeated", 40)
    return scene.broadcast(found() or 0)


async def test_programme_begins_on_time_and_is_heard_whole(scene: Scene) -> None:
    scene.forget()
    broadcast_id = ask(scene, "demo-congrats", "11", seconds=1.5)
    aired = await state(scene, broadcast_id, "ended")
    for code in ("cb-1", "cb-2"):
        assert scene.heard(code, "demo-congrats").correlation > SAME
        delivery = aired.deliveries[code]
        assert (delivery.state, delivery.reason) == ("played", None)
        assert delivery.seconds > read_wav(scene.speeches["demo-congrats"]).seconds
    assert scene.heard("cp-1", "demo-congrats").correlation < OTHER
    with scene.station.database.session() as session:
        broadcast = session.get_one(Broadcast, broadcast_id)
        assert broadcast.on_air_at is not None
        assert broadcast.due_at is not None
        assert 0 <= (broadcast.on_air_at - broadcast.due_at).total_seconds() < 5
    await scene.quiet()


async def test_emergency_pre_empts_a_programme_which_then_resumes(scene: Scene) -> None:
    scene.forget()
    bulletin = ask(scene, "demo-congrats", "11", after_cut=AfterCut.RESUME, worth_hearing_until=hours_from_now(1))
    await until(lambda: scene.broadcast(bulletin).live, "the bulletin is heard")
    alarm = ask(scene, "demo-instruct", "11", priority=Priority.EMERGENCY, siren=True)
    cut = await state(scene, bulletin, "pre_empted")
    assert {one.state for one in cut.deliveries.values()} == {"pre_empted"}
    emergency = await state(scene, alarm, "ended")
    assert {one.state for one in emergency.deliveries.values()} == {"played"}
    rest = await again_of(scene, bulletin)
    assert {one.state for one in rest.deliveries.values()} == {"played"}
    assert {one.state for one in scene.broadcast(bulletin).deliveries.values()} == {"caught_up"}
    for code in ("cb-1", "cb-2"):
        assert scene.heard(code, "demo-instruct").correlation > SAME
        assert scene.heard(code, "demo-congrats").matched_seconds > 0.5
    await scene.quiet()


@pytest.mark.proof
async def test_live_voice_gets_back_the_speaker_of_an_emergency(scene: Scene) -> None:
    scene.forget()
    phone = await scene.phone("may-lan")
    await scene.go_live(phone, LAN, "1", "13#", "1")
    voice = scene.newest().id
    alarm = ask(scene, "demo-instruct", "12", priority=Priority.EMERGENCY)
    await state(scene, alarm, "ended")
    assert scene.broadcast(voice).state == "on_air"
    await until(lambda: scene.broadcast(voice).deliveries["cp-1"].state == "playing", "cp-1 is back")
    await phone.play(scene.speeches["demo-congrats"])
    await phone.digits("#")
    aired = await state(scene, voice, "ended")
    assert {code: one.state for code, one in aired.deliveries.items()} == {"cb-2": "played", "cp-1": "played"}
    assert scene.heard("cp-1", "demo-congrats").correlation > SAME
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    assert scene.heard("cb-2", "demo-instruct").correlation < OTHER


async def test_official_hears_when_an_emergency_takes_every_speaker(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    await scene.go_live(phone, LAN, "1", "12#", "1")
    voice = scene.newest().id
    alarm = ask(scene, "demo-instruct", "12", priority=Priority.EMERGENCY)
    aired = await state(scene, voice, "pre_empted")
    assert aired.reason == "pre_empted"
    await scene.hears(phone, "live-interrupted", reason="nhường cho buổi phát ưu tiên hơn")
    stop(scene, alarm)


async def test_endless_broadcast_is_acknowledged_then_stopped(scene: Scene) -> None:
    endless = ask(scene, "demo-instruct", "13", times=0, priority=Priority.EMERGENCY)
    await until(lambda: scene.broadcast(endless).live, "the emergency is heard")
    phone = await scene.phone("may-hai")  # of the commune of cb-2, not of that of cp-1
    await scene.call(phone, "1900", HAI, "1")
    await scene.hears(phone, "emergency-acknowledged", speakers=1)
    assert (scene.broadcast(endless).state, scene.broadcast(endless).deliveries["cp-1"].state) == ("on_air", "playing")
    await until(lambda: called(scene) == {"cp-1"}, "only cp-1 is on the line", 5)
    asked = now()
    stop(scene, endless)
    aired = await state(scene, endless, "ended")
    with scene.station.database.session() as session:
        ended_at = session.get_one(Broadcast, endless).ended_at
    assert ended_at is not None
    assert (ended_at - asked).total_seconds() < 5
    assert aired.reason == "stopped"
    assert {code: (one.state, one.reason) for code, one in aired.deliveries.items()} == {
        "cb-2": ("played", "acknowledged"),
        "cp-1": ("played", None),
    }


async def test_emergency_ends_when_every_speaker_is_acknowledged(scene: Scene) -> None:
    endless = ask(scene, "demo-instruct", "11", times=0, priority=Priority.EMERGENCY)
    await until(lambda: scene.broadcast(endless).live, "the emergency is heard")
    phone = await scene.phone("may-hai")
    await scene.call(phone, "1900", HAI, "1")
    aired = await state(scene, endless, "ended")
    assert aired.reason == "acknowledged"


async def test_speaker_that_was_away_plays_what_it_missed(scene: Scene) -> None:
    await scene.speaker_off("cp-1")
    missed = ask(scene, "demo-congrats", "12", worth_hearing_until=hours_from_now(1))
    aired = await state(scene, missed, "ended")
    assert (aired.deliveries["cp-1"].state, aired.deliveries["cp-1"].reason) == ("missed", "not_registered")
    await scene.speaker("cp-1")
    repeated = await again_of(scene, missed)
    assert repeated.deliveries["cp-1"].state == "played"
    assert scene.broadcast(missed).deliveries["cp-1"].state == "caught_up"
    assert scene.heard("cp-1", "demo-congrats").correlation > SAME


async def test_missing_sound_file_fails_the_broadcast_with_a_reason(scene: Scene) -> None:
    broadcast_id = ask(scene, "demo-congrats", "11", seconds=1)
    with scene.station.database.session() as session:
        (sound,) = session.get_one(Broadcast, broadcast_id).sounds
        path = MediaStore(scene.station.settings.home / "media", 1).path(sound.media)
    moved = path.rename(path.with_suffix(".gone"))
    aired = await state(scene, broadcast_id, "failed")
    moved.rename(path)
    assert aired.reason == "no_sound"
    await scene.quiet()
