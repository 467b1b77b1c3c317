"""An official speaks, and the right loudspeakers play it."""

import asyncio

import pytest

from haichieu.audio.sound import SILENCE_DBFS, read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import Media, MediaStore
from tests.station import district
from tests.station.listening import NO_METER, OTHER, SAME, Scene
from tests.station.multicast import MulticastReceiver

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="module")]

SPEECH_DBFS = -40.0
PIN = f"{district.PINS[district.HAI]}#"


async def test_an_official_is_heard_on_every_speaker_of_the_zone_and_nowhere_else(scene: Scene) -> None:
    scene.forget()
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
    await scene.hears(scene.phone_file(), "live-result", heard=2, total=2)
    await phone.stop()
    assert (aired.state, aired.reason, aired.recorded) == ("ended", None, True)
    for code in ("cb-1", "cb-2"):
        found = scene.heard(code, "demo-congrats")
        assert found.correlation > SAME
        assert found.fraction > 0.6
        assert found.level_db > -40
        delivered = aired.deliveries[code]
        assert (delivered.state, delivered.reason, delivered.first_audio, delivered.loss) == ("played", None, True, 0.0)
        assert delivered.seconds > 7
        assert delivered.packets > 350
    assert scene.heard("cp-1", "demo-congrats").correlation < OTHER
    await scene.quiet()


async def test_what_was_spoken_is_kept_as_a_recording(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, PIN, "1", "11#", "1")
    await phone.play(scene.speeches["demo-instruct"])
    await phone.hang_up()
    aired = await scene.ended()
    await phone.stop()
    with scene.station.database.session() as session:
        newest = session.query(Media).order_by(Media.id.desc()).first()
        assert newest is not None
        kept = MediaStore(scene.station.settings.home / "media", 1).path(newest)
    assert (aired.state, aired.reason) == ("ended", None)  # hanging up is one of the two ways to end
    assert match(read_wav(scene.speeches["demo-instruct"]), read_wav(kept)).correlation > SAME


async def test_a_multicast_group_is_sent_the_voice(scene: Scene) -> None:
    with MulticastReceiver(district.GROUP, district.GROUP_PORT) as receiver:
        phone = await scene.phone("may-hai")
        await scene.go_live(phone, PIN, "1", "14#", "1")
        await phone.play(scene.speeches["demo-congrats"])
        await phone.digits("#")
        aired = await scene.ended()
        await phone.stop()
        heard = receiver.sound()
    assert aired.deliveries["group"].state == "played"
    found = match(read_wav(scene.speeches["demo-congrats"]), heard)
    assert found.correlation > SAME
    assert found.fraction > 0.6


async def test_a_speaker_that_drops_out_is_called_again_and_hears_the_rest(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    await scene.go_live(phone, f"{district.PINS[district.LAN]}#", "1", "13#", "1")
    scene.speakers["cp-1"].kill()
    scene.heard_file("cp-1").unlink()
    speaker = await scene.speaker("cp-1")
    await speaker.call_started(20)
    scene.forget()
    await phone.play(scene.speeches["demo-instruct"])
    await phone.digits("#")
    aired = await scene.ended()
    await phone.stop()
    assert {code: one.state for code, one in aired.deliveries.items()} == {"cb-2": "played", "cp-1": "played"}
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    assert scene.heard("cb-2", "demo-instruct").correlation > SAME


async def test_the_report_tells_how_the_last_broadcast_went(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    await phone.call("1900")
    await phone.digits(f"{district.PINS[district.LAN]}#")
    await phone.digits("3")
    await until(lambda: read_wav(scene.phone_file()).seconds > 10, "a report of some seconds", 30)
    await phone.hang_up()
    await phone.ended()
    await phone.stop()
    await scene.quiet()


async def test_all_my_zones_at_once(scene: Scene) -> None:
    scene.forget()
    phone = await scene.phone("may-lan")
    await scene.go_live(phone, f"{district.PINS[district.LAN]}#", "1", "*#", "1")
    await phone.play(scene.speeches["demo-congrats"])
    await phone.digits("#")
    aired = await scene.ended()
    await phone.stop()
    assert {code: one.state for code, one in aired.deliveries.items()} == {"cb-2": "played", "cp-1": "played"}
    assert scene.heard("cp-1", "demo-congrats").correlation > SAME
