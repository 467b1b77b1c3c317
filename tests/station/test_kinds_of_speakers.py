"""Speakers that differ: wideband, trimmed in volume, multicast with a separate emergency group."""

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority
from haichieu.audio.ingest import telephone_forms
from haichieu.audio.sound import Sound, read_wav, write_wav
from haichieu.database import now
from haichieu.demo.audio_matching import match
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.builders.sounds import kept
from tests.station import district
from tests.station.multicast import MulticastReceiver
from tests.station.scene import OTHER, SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]


ITS_OWN_SIGNAL_SECONDS = 1.5
"""How long some devices play a signal of their own before they answer."""


def ask(scene: Scene, source: Path, zone: str, priority: Priority = Priority.NORMAL) -> int:
    """Ask for a sound file on the air, in both telephone forms, and return the broadcast's id."""
    store = MediaStore(scene.station.settings.home / "media", 1)
    folder = scene.folder / "forms"
    folder.mkdir(exist_ok=True)
    forms = telephone_forms(source, folder)
    with scene.station.database.session() as session:
        sound = kept(session, store, forms.narrow, forms.wide)
        return starting.ask(session, Request("test", "t", [sound.id], [zone], priority=priority), now()).id


def hiss(file: Path) -> Path:
    """Two seconds of bursts of noise between 5 and 7 kHz, which no telephone of 8 kHz carries."""
    rate = 16000
    spectrum = np.fft.rfft(np.random.default_rng(3).normal(0, 0.2, 2 * rate))
    frequencies = np.fft.rfftfreq(2 * rate, 1 / rate)
    spectrum[(frequencies < 5000) | (frequencies > 7000)] = 0
    noise = np.fft.irfft(spectrum, 2 * rate) * 2
    noise[(np.arange(2 * rate) // 4000) % 2 == 1] *= 0.05
    write_wav(file, Sound(noise.astype(np.float32), rate))
    return file


def seconds_above(sound: Sound, hertz: float) -> float:
    """How many seconds are loud with nine tenths of their energy above a frequency, to a tenth of a second."""
    width = sound.rate // 10
    tenths = sound.samples[: len(sound.samples) // width * width].reshape(-1, width)
    energy = np.abs(np.fft.rfft(tenths)) ** 2
    high = energy[:, np.fft.rfftfreq(width, 1 / sound.rate) > hertz].sum(axis=1) > 0.9 * energy.sum(axis=1)
    loud = np.sqrt((tenths**2).mean(axis=1)) > 0.05
    return float((high & loud).sum()) / 10


async def device(scene: Scene, code: str, *codecs: str) -> SoftPhone:
    """A device registered as this speaker, that answers with these codecs, in place of the one before."""
    if code in scene.speakers:
        await scene.speaker_off(code)
    phone = SoftPhone(
        server=scene.station.server, id=code, password=district.password(code), record=scene.heard_file(code),
        codecs=codecs,
    )  # fmt: skip
    await scene.stack.enter_async_context(phone)
    await phone.registered()
    await until(lambda: code in scene.reachable(), f"{code} reachable")
    return phone


async def test_wideband_speaker_hears_more_and_a_trim_lowers_volume(scene: Scene) -> None:
    wide = await device(scene, "wide", "g722")
    for code in ("plain", "low"):
        await scene.speaker(code)
    broadcast = ask(scene, hiss(scene.folder / "hiss.wav"), "16")
    await wide.incoming()
    await wide.answer()
    await until(lambda: scene.broadcast(broadcast).state == "ended", "the end", 30)
    await wide.stop()
    heard = read_wav(scene.heard_file("wide"))
    assert heard.rate == 16000
    assert seconds_above(heard, 4500) > 0.5, "of about one, however much of a chime is lost beside it"

    speech = ask(scene, scene.speeches["demo-congrats"], "16")
    await until(lambda: scene.broadcast(speech).state == "ended", "the end", 30)
    aired = scene.broadcast(speech)
    assert aired.deliveries["plain"].state == aired.deliveries["low"].state == "played"
    levels = [match(read_wav(scene.speeches["demo-congrats"]), scene.sound_of(code)) for code in ("plain", "low")]
    assert min(found.correlation for found in levels) > SAME
    assert levels[1].level_db - levels[0].level_db == pytest.approx(-12.0, abs=1.5)
    await scene.quiet()


@pytest.mark.proof
async def test_device_that_answers_late_misses_no_word(scene: Scene) -> None:
    late = await device(scene, "plain", "alaw")
    speech = ask(scene, scene.speeches["demo-congrats"], "16")
    await late.incoming()
    await asyncio.sleep(ITS_OWN_SIGNAL_SECONDS)
    await late.answer()
    await until(lambda: scene.broadcast(speech).state == "ended", "the end", 30)
    await late.stop()
    assert match(read_wav(scene.speeches["demo-congrats"]), read_wav(scene.heard_file("plain"))).correlation > SAME
    await scene.quiet()


@pytest.mark.proof
async def test_emergency_goes_to_the_emergency_multicast_group(scene: Scene) -> None:
    with (
        MulticastReceiver(district.GROUP, district.GROUP_PORT) as usual,
        MulticastReceiver(district.URGENT_GROUP, district.GROUP_PORT) as urgent,
    ):
        for speech, priority in (("demo-congrats", Priority.NORMAL), ("demo-instruct", Priority.EMERGENCY)):
            source = Path(shutil.copy(scene.speeches[speech], scene.folder / f"{speech}-copy.wav"))
            broadcast = ask(scene, source, "14", priority)
            await until(lambda number=broadcast: scene.broadcast(number).state == "ended", "the end", 30)
        congrats, instruct = (read_wav(scene.speeches[name]) for name in ("demo-congrats", "demo-instruct"))
        assert match(congrats, usual.sound()).correlation > SAME
        assert match(instruct, urgent.sound()).correlation > SAME
        assert match(instruct, usual.sound()).correlation < OTHER
    await scene.quiet()
