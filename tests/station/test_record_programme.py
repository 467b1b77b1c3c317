"""A programme that an official records by phone, and hears again; and what is kept of one who just hangs up."""

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


def left_in_spool(scene: Scene) -> list[Path]:
    return list((scene.station.settings.home / "spool").rglob("programme-*"))


async def test_what_was_recorded_is_heard_again_and_kept_as_a_draft_for_its_zone(scene: Scene) -> None:
    speech = scene.speeches["demo-congrats"]
    phone = await scene.phone("may-lan")
    heard = scene.phone_file()
    await phone.call("1900")
    for keys in (LAN, "2"):
        await phone.digits(keys)
    await scene.hears(heard, "record-instructions")
    await phone.play(speech)
    await phone.digits("#")
    await phone.digits("2")
    await until_heard(heard, read_wav(speech))
    for keys in ("1", "12#"):
        await phone.digits(keys)
    await until(lambda: len(programmes(scene)) == 1, "the programme is kept", 30)
    programme = programmes(scene)[0]
    await scene.hears(heard, "programme-kept", number=programme.id, seconds=round(programme.seconds or 0))
    await phone.hang_up()
    await phone.ended()
    await phone.stop()
    await scene.quiet()
    assert (programme.state, programme.origin, programme.author) == ("draft", "phone", "official:1003")
    assert programme.zone_codes == ["12"]
    assert match(read_wav(speech), read_wav(sound_of(scene, programme))).correlation > SAME
    assert left_in_spool(scene) == []


async def test_who_hangs_up_in_the_middle_of_a_sentence_leaves_a_draft(scene: Scene) -> None:
    before = len(programmes(scene))
    phone = await scene.phone("may-lan")
    await phone.call("1900")
    for keys in (LAN, "2"):
        await phone.digits(keys)
    await scene.hears(scene.phone_file(), "record-instructions")
    await phone.play(scene.speeches["demo-instruct"])
    await phone.hang_up()
    await phone.ended()
    await phone.stop()
    await until(lambda: len(programmes(scene)) == before + 1, "the draft", 30)
    draft = programmes(scene)[-1]
    assert (draft.state, draft.zone_codes) == ("draft", [])
    said = read_wav(scene.speeches["demo-instruct"])
    assert match(said, read_wav(sound_of(scene, draft))).correlation > SAME
    await until(lambda: left_in_spool(scene) == [], "the spool is empty")
