"""An official speaks, and the right loudspeakers play it."""

import asyncio

import pytest
import sqlalchemy as sa

from haichieu.audio.sound import SILENCE_DBFS, read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import Media, MediaStore
from tests.station import district
from tests.station.multicast import MulticastReceiver
from tests.station.scene import NO_METER, OTHER, SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

SPEECH_DBFS = -40.0
PIN = f"{district.PINS[district.HAI]}#"
LAN = f"{district.PINS[district.LAN]}#"


async def test_live_voice_is_heard_in_its_zone_only_and_stored(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, PIN, "1", "11#", "1")
    await until(lambda: NO_METER < scene.level() < SILENCE_DBFS, "silence on the meter")
    speaking = asyncio.create_task(phone.play(scene.speeches["demo-congrats"]))
    await until(lambda: scene.level() > SPEECH_DBFS, "a voice on the meter")
    await speaking
    await until(lambda: NO_METER < scene.level() < SILENCE_DBFS, "silence on the meter again")
    await phone.digits("#")
    aired = await scene.ended()
    await until(lambda: scene.level() == NO_METER, "no meter after the end")
    await scene.hears(phone, "live-result", heard=2, total=2)
    assert (aired.state, aired.reason, aired.recorded) == ("ended", None, True)
    for code in ("cb-1", "cb-2"):
        found = scene.heard(code, "demo-congrats")
        assert found.correlation > SAME
        assert found.level_db > -40
        delivered = aired.deliveries[code]
        assert (delivered.state, delivered.reason, delivered.first_audio, delivered.loss) == ("played", None, True, 0.0)
        assert delivered.seconds > 2
        assert delivered.packets > 100
    assert scene.heard("cp-1", "demo-congrats").correlation < OTHER
    with scene.station.database.session() as session:
        recording = session.scalars(sa.select(Media).order_by(Media.id.desc()).limit(1)).one()
        stored = MediaStore(scene.station.settings.home / "media", 1).path(recording)
    assert match(read_wav(scene.speeches["demo-congrats"]), read_wav(stored)).correlation > SAME
    await phone.digits("3")
    await scene.hears(phone, "last-report", zone="Cô Ba", when=scene.spoken_start(), heard=2, total=2)
    await scene.hang_up(phone)
    await scene.quiet()


async def test_live_voice_reaches_a_multicast_group(scene: Scene) -> None:
    with MulticastReceiver(district.GROUP, district.GROUP_PORT) as receiver:
        phone = await scene.phone("may-hai")
        await scene.go_live(phone, PIN, "1", "14#", "1")
        await phone.play(scene.speeches["demo-congrats"])
        await phone.digits("#")
        aired = await scene.ended()
        heard = receiver.sound()
    assert aired.deliveries["group"].state == "played"
    assert match(read_wav(scene.speeches["demo-congrats"]), heard).correlation > SAME


async def test_speaker_that_drops_out_is_called_again_in_all_zones(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    await scene.go_live(phone, LAN, "1", "*#", "1")  # all zones of the official
    scene.speakers["cp-1"].kill()
    scene.heard_file("cp-1").unlink()
    speaker = await scene.speaker("cp-1")
    await speaker.call_started(20)
    scene.forget()
    await phone.play(scene.speeches["demo-instruct"])
    await phone.digits("#")
    aired = await scene.ended()
    assert {code: one.state for code, one in aired.deliveries.items()} == {"cb-2": "played", "cp-1": "played"}
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    assert scene.heard("cb-2", "demo-instruct").correlation > SAME
