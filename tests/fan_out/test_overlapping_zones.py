"""A file, a live voice and an emergency at once in overlapping zones: each speaker hears the most urgent one."""

import asyncio
import time

import pytest
import sqlalchemy as sa

from haichieu.audio.sound import read_wav, write_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import Media, MediaStore
from tests.fan_out.devices import devices
from tests.fan_out.recording_device import Heard, RecordingDevice
from tests.fan_out.scene import ALL, BACK, FRONT, MORE, PLAIN, STEP_OF, URGENT_CODES, ZONES, FanOutScene

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("station"),
    pytest.mark.asyncio(loop_scope="session"),
]

FILE, VOICE, URGENT = "file", "voice", "emergency"
SPEAKERS = (*PLAIN, *MORE)
SAME, LEAST_SECONDS = 0.9, 3.0


def source(packet: Heard) -> str:
    """Return from which broadcast a packet is; empty for silence."""
    if packet.code in STEP_OF:
        return FILE
    if packet.code in URGENT_CODES:
        return URGENT
    return VOICE if packet.is_voiced else ""


def hears(speakers: dict[str, RecordingDevice], since: float) -> dict[str, set[str]]:
    """Return what each speaker has heard since a moment, apart from silence."""
    return {code: {source(one) for one in speaker.since(since)} - {""} for code, speaker in speakers.items()}


async def test_each_speaker_hears_the_most_urgent_of_three_broadcasts(scene: FanOutScene) -> None:
    noise = scene.folder / "voice.wav"
    write_wav(noise, scene.noise(90))
    expected = {code: {FILE} for code in SPEAKERS} | {code: {VOICE} for code in ZONES[BACK]}
    expected |= {code: {URGENT} for code in ZONES[FRONT]}
    with devices(scene, *SPEAKERS) as speakers:
        await scene.registered(*SPEAKERS)
        file = scene.begin(ALL)
        await until(lambda: all(FILE in heard for heard in hears(speakers, 0).values()), "the file", 40)
        async with scene.confirming(zone=BACK) as phone:
            await phone.digits("1")
            await until(lambda: all(VOICE in hears(speakers, 0)[code] for code in ZONES[BACK]), "the chime", 20)
            speaking = asyncio.create_task(phone.play(noise))
            urgent = await asyncio.to_thread(scene.begin, FRONT, urgent=True)  # takes one from the voice
            await until(lambda: all(expected[code] <= hears(speakers, 0)[code] for code in SPEAKERS), "all three", 40)
            settled = time.monotonic()
            await until(lambda: time.monotonic() - settled > 2.0, "sound for two seconds")
            shares = hears(speakers, settled + 1.0)
            assert shares == expected
            assert (await scene.stop(urgent))["three"].state == "played"
            stopped = time.monotonic()
            await until(lambda: FILE in hears(speakers, stopped)["three"], "the file again", 40)
            await until(lambda: VOICE in hears(speakers, stopped)["five"], "the voice again", 40)
            live = scene.newest_live()
            await phone.digits("#")
            await until(lambda: scene.state(live) == "ended", "the end of the voice", 30)
            speaking.cancel()
        returned = time.monotonic()
        await until(lambda: all(FILE in heard for heard in hears(speakers, returned).values()), "the file for all", 40)
        deliveries = {name: scene.deliveries(one) for name, one in ((URGENT, urgent), (VOICE, live))}
        deliveries[FILE] = await scene.stop(file)
    for name, zone in ((FILE, PLAIN[:2]), (VOICE, ZONES[BACK][1:]), (URGENT, ZONES[FRONT])):
        assert {code: deliveries[name][code].state for code in zone} == dict.fromkeys(zone, "played"), name
    assert {deliveries[FILE][code].reason for code in {*ZONES[FRONT], *ZONES[BACK]}} == {"heard_in_part"}
    with scene.station.database.session() as session:
        recording = session.scalars(sa.select(Media).order_by(Media.id.desc()).limit(1)).one()
        stored = MediaStore(scene.station.settings.home / "media", 1).path(recording)
    recorded = match(read_wav(stored), read_wav(noise))
    assert recorded.matched_seconds > LEAST_SECONDS
    assert recorded.correlation > SAME, "the recording has the voice, without a word of the others"
