"""Programmes that officials record by phone."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes.models import Programme
from haichieu.audio.sound import read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.station import district
from tests.station.scene import SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"


def programmes(scene: Scene) -> list[Programme]:
    with scene.station.database.session() as session:
        return list(session.scalars(sa.select(Programme).options(sa.orm.joinedload(Programme.sound))))


def sound_of(scene: Scene, programme: Programme) -> Path:
    assert programme.sound is not None
    return MediaStore(scene.station.settings.home / "media", 1).path(programme.sound)


async def test_recording_is_played_back_and_stored_as_a_draft(scene: Scene) -> None:
    speech = scene.speeches["demo-congrats"]
    phone = await scene.phone("may-lan")
    await scene.call(phone, "1900", LAN, "2")
    await until(lambda: scene.spool("programme") != [], "the recording begins", 30)
    await phone.play(speech)
    await phone.digits("#")
    await phone.digits("2")
    await until_heard(scene.recording(phone), read_wav(speech))
    for keys in ("1", "12#"):
        await phone.digits(keys)
    await until(lambda: len(programmes(scene)) == 1, "the programme is stored", 30)
    programme = programmes(scene)[0]
    await scene.hears(phone, "programme-kept", number=programme.id, seconds=round(programme.seconds or 0))
    await scene.hang_up(phone)
    assert (programme.state, programme.origin, programme.author) == ("draft", "phone", "official:1003")
    assert programme.zone_codes == ["12"]
    assert match(read_wav(speech), read_wav(sound_of(scene, programme))).correlation > SAME
    assert scene.spool("programme") == []


@pytest.mark.proof
async def test_hanging_up_in_mid_sentence_leaves_a_draft(scene: Scene) -> None:
    before = len(programmes(scene))
    phone = await scene.phone("may-lan")
    await scene.call(phone, "1900", LAN, "2")
    await until(lambda: scene.spool("programme") != [], "the recording begins", 30)
    await phone.play(scene.speeches["demo-instruct"])
    await scene.hang_up(phone)
    await until(lambda: len(programmes(scene)) == before + 1, "the draft", 30)
    draft = programmes(scene)[-1]
    assert (draft.state, draft.zone_codes) == ("draft", [])
    said = read_wav(scene.speeches["demo-instruct"])
    assert match(said, read_wav(sound_of(scene, draft))).correlation > SAME
    await until(lambda: scene.spool("programme") == [], "the spool is empty")
