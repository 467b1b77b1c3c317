"""A switchboard killed while a citizen speaks: the message becomes one case."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.models import Case, Message, VoiceDraft
from haichieu.audio.sound import Sound, read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.crashes.processes import child_of, kill
from tests.station.scene import OTHER, SAME, Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]


LOST_SECONDS = 2.05 + 0.5
"""Asterisk's buffer of 32 kB, and what was under way to it when the phone had played its last sound."""
WHOLE = 0.9


def messages(scene: Scene, after: int = 0) -> list[Message]:
    """Return what citizens have said, after the message with this number."""
    said = sa.select(Message).where(Message.direction == "in", Message.id > after)
    with scene.station.database.session() as session:
        return list(session.scalars(said.options(sa.orm.joinedload(Message.sound))))


async def test_message_outlives_the_switchboard_and_becomes_one_case(scene: Scene) -> None:
    citizen = await scene.outside("+84977000111")
    await citizen.call("1022")
    await citizen.digits("21")
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    kill(child_of(scene.station, "switchboard"))
    await until(lambda: len(messages(scene)) >= 1, "the case", 40)
    await citizen.ended(20)  # after an apology
    await scene.quiet()
    connections = connected(scene)
    kill(child_of(scene.station, "switchboard"))
    await until(lambda: connected(scene) > connections, "the switchboard", 30)
    await until(lambda: scene.spool("message") == [], "the spool is empty", 30)
    incoming = messages(scene)
    assert len(incoming) == 1
    assert incoming[0].sound is not None
    file = MediaStore(scene.station.settings.home / "media", 1).path(incoming[0].sound)
    assert match(read_wav(scene.speeches["demo-congrats"]), read_wav(file)).correlation > SAME
    with scene.station.database.session() as session:
        case = session.scalars(sa.select(Case)).one()
        assert case.citizen_id is not None
        assert case.category_by == "citizen"
        assert session.scalars(sa.select(VoiceDraft)).all() == []


@pytest.mark.proof
async def test_message_survives_a_killed_asterisk_but_for_its_last_seconds(scene: Scene) -> None:
    """The promise of docs/decisions/recordings-as-wav.md, measured by what is in the case."""
    first, second = (read_wav(scene.speeches[name]) for name in ("demo-instruct", "demo-congrats"))
    before = max((one.id for one in messages(scene)), default=0)
    citizen = await scene.outside("+84977000112")
    await citizen.call("1022")
    await citizen.digits("21")
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await scene.hears(citizen, "message-instructions")
    for name in ("demo-instruct", "demo-congrats", "demo-instruct"):
        await citizen.play(scene.speeches[name])
    kill(child_of(scene.station, "asterisk"))
    await until(lambda: messages(scene, before) != [], "the case", 60)

    (message,) = messages(scene, before)
    assert message.sound is not None
    stored = read_wav(MediaStore(scene.station.settings.home / "media", 1).path(message.sound))
    # The third speech, and of the second what is lost beyond it, are not in the case.
    lost = LOST_SECONDS - len(first.samples) / first.rate
    sure = Sound(second.samples[: -int(lost * second.rate)], second.rate)
    for speech in (first, sure):
        kept = match(speech, stored)
        assert (kept.correlation > SAME, kept.fraction > WHOLE) == (True, True), kept

    # The end of the message is lost, so the caller must not believe that it was kept.
    heard = read_wav(scene.recording(citizen))
    assert match(read_wav(Path(f"{scene.prompt('message-kept')}.wav")), heard).correlation < OTHER
    assert scene.spool("message") == []
    await citizen.stop()


def connected(scene: Scene) -> int:
    """Return how often the switchboard has connected to Asterisk."""
    return scene.station.log.read_text(errors="replace").count("ari.connected")
