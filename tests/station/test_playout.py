"""Recorded programmes: heard on time and whole, giving way to what is more urgent, caught up with by who was away."""

import asyncio
import datetime
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import AfterCut, Priority
from broadcast_bridge.models import Broadcast
from haichieu.audio.sound import read_wav
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.station import district
from tests.station.scene import OTHER, SAME, Aired, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"
HAI = f"{district.PINS[district.HAI]}#"


def ask(scene: Scene, speech: str, *zones: str, seconds: float = 0.0, **more: object) -> int:
    """Ask for a speech on the air and return the broadcast's id."""
    copy = Path(shutil.copy(scene.speeches[speech], scene.folder / "upload.wav"))
    at = now() + datetime.timedelta(seconds=seconds)
    with scene.station.database.session() as session:
        sound = MediaStore(scene.station.settings.home / "media", 1).keep(session, copy)
        request = Request("account:test@example", speech, [sound.id], zones, due_at=at, **more)  # type: ignore[arg-type]
        return starting.ask(session, request, now()).id


def hours_from_now(hours: float) -> datetime.datetime:
    return now() + datetime.timedelta(hours=hours)


async def state(scene: Scene, broadcast_id: int, *states: str) -> Aired:
    await until(lambda: scene.broadcast(broadcast_id).state in states, f"broadcast {broadcast_id} {states}", 30)
    return scene.broadcast(broadcast_id)


async def called(scene: Scene) -> set[str]:
    """The speakers that Asterisk has on the line."""
    channels = [channel["id"] for channel in await scene.asterisk("channels")]
    return {code for code in scene.speakers if any(name.startswith(f"speaker-{code}-") for name in channels)}


async def again_of(scene: Scene, broadcast_id: int) -> Aired:
    """The broadcast that makes another one good, when it is over."""

    def found() -> int | None:
        with scene.station.database.session() as session:
            return session.scalar(
                sa.select(Broadcast.id)
                .where(Broadcast.again_of_id == broadcast_id, Broadcast.ended_at.is_not(None))
                .order_by(Broadcast.id.desc())
            )

    await until(lambda: found() is not None, f"broadcast {broadcast_id} made good", 40)
    return scene.broadcast(found() or 0)


async def test_a_programme_begins_at_its_hour_and_is_heard_whole(scene: Scene) -> None:
    scene.forget()
    broadcast_id = ask(scene, "demo-congrats", "11", seconds=1.5)
    aired = await state(scene, broadcast_id, "ended")
    for code in ("cb-1", "cb-2"):
        found = scene.heard(code, "demo-congrats")
        assert found.correlation > SAME
        assert found.fraction > 0.6
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


async def test_an_emergency_takes_the_speakers_and_what_it_cut_off_resumes(scene: Scene) -> None:
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
        urgent, resumed = scene.heard(code, "demo-instruct"), scene.heard(code, "demo-congrats")
        assert urgent.correlation > SAME
        assert resumed.matched_seconds > 4
    await scene.quiet()


async def test_a_live_voice_gets_back_the_speaker_that_an_emergency_took(scene: Scene) -> None:
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
    await phone.stop()
    assert {code: one.state for code, one in aired.deliveries.items()} == {"cb-2": "played", "cp-1": "played"}
    assert scene.heard("cp-1", "demo-congrats").correlation > SAME
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    assert scene.heard("cb-2", "demo-instruct").correlation < OTHER
    await scene.quiet()


async def test_an_official_whose_every_speaker_is_taken_is_told(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    heard = scene.phone_file()
    await scene.go_live(phone, LAN, "1", "12#", "1")
    voice = scene.newest().id
    alarm = ask(scene, "demo-instruct", "12", priority=Priority.EMERGENCY)
    aired = await state(scene, voice, "pre_empted")
    assert aired.reason == "pre_empted"
    await scene.hears(heard, "live-interrupted", reason="nhường cho buổi phát ưu tiên hơn")
    await phone.stop()
    await state(scene, alarm, "ended")
    await scene.quiet()


async def test_an_order_to_stop_ends_an_endless_broadcast_within_a_second(scene: Scene) -> None:
    endless = ask(scene, "demo-instruct", "11", times=0, priority=Priority.EMERGENCY)
    await until(lambda: scene.broadcast(endless).live, "the emergency is heard")
    asked = now()
    with scene.station.database.session() as session:
        starting.ask_to_stop(session, endless, "account:test@example", asked)
    aired = await state(scene, endless, "ended")
    assert aired.reason == "stopped"
    await scene.quiet()


async def test_who_answers_for_a_place_lets_the_emergency_fall_silent_there_and_nowhere_else(scene: Scene) -> None:
    endless = ask(scene, "demo-instruct", "13", times=0, priority=Priority.EMERGENCY)
    await until(lambda: scene.broadcast(endless).live, "the emergency is heard")
    phone = await scene.phone("may-hai")  # of the commune of cb-2, not of that of cp-1
    heard = scene.phone_file()
    await phone.call("1900")
    await phone.digits(HAI)
    await phone.digits("1")
    await scene.hears(heard, "emergency-acknowledged", speakers=1)
    await phone.stop()
    assert (scene.broadcast(endless).state, scene.broadcast(endless).deliveries["cp-1"].state) == ("on_air", "playing")
    deadline = asyncio.get_running_loop().time() + 5
    while (on_the_line := await called(scene)) != {"cp-1"}:
        assert asyncio.get_running_loop().time() < deadline, on_the_line
    with scene.station.database.session() as session:
        starting.ask_to_stop(session, endless, "account:test@example", now())
    aired = await state(scene, endless, "ended")
    assert {code: (one.state, one.reason) for code, one in aired.deliveries.items()} == {
        "cb-2": ("played", "acknowledged"),
        "cp-1": ("played", None),
    }
    await scene.quiet()


async def test_an_emergency_that_everybody_has_acknowledged_is_over(scene: Scene) -> None:
    endless = ask(scene, "demo-instruct", "11", times=0, priority=Priority.EMERGENCY)
    await until(lambda: scene.broadcast(endless).live, "the emergency is heard")
    phone = await scene.phone("may-hai")
    await phone.call("1900")
    await phone.digits(HAI)
    await phone.digits("1")
    aired = await state(scene, endless, "ended")
    assert aired.reason == "acknowledged"
    await phone.stop()
    await scene.quiet()


async def test_a_speaker_that_was_away_plays_what_it_missed_when_it_returns(scene: Scene) -> None:
    await scene.speakers["cp-1"].stop()
    await until(lambda: "cp-1" not in scene.reachable(), "cp-1 is away", 60)
    missed = ask(scene, "demo-congrats", "12", worth_hearing_until=hours_from_now(1))
    aired = await state(scene, missed, "ended")
    assert (aired.deliveries["cp-1"].state, aired.deliveries["cp-1"].reason) == ("missed", "not_registered")
    scene.heard_file("cp-1").unlink()
    await scene.speaker("cp-1")
    scene.forget()
    made_good = await again_of(scene, missed)
    assert made_good.deliveries["cp-1"].state == "played"
    assert scene.broadcast(missed).deliveries["cp-1"].state == "caught_up"
    assert scene.heard("cp-1", "demo-congrats").correlation > SAME
    await scene.quiet()


async def test_a_file_that_is_gone_fails_the_broadcast_with_a_reason(scene: Scene) -> None:
    broadcast_id = ask(scene, "demo-congrats", "11", seconds=1)
    with scene.station.database.session() as session:
        (sound,) = session.get_one(Broadcast, broadcast_id).sounds
        path = MediaStore(scene.station.settings.home / "media", 1).path(sound.media)
    kept = path.rename(path.with_suffix(".gone"))
    aired = await state(scene, broadcast_id, "failed")
    kept.rename(path)
    assert aired.reason == "no_sound"
    await scene.quiet()
