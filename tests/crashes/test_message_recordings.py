"""A switchboard killed while a citizen speaks: the message becomes one case."""

import pytest
import sqlalchemy as sa

from feedback.models import Case, Message, VoiceDraft
from haichieu.audio.sound import read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.crashes.processes import child_of, kill
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]


def messages(scene: Scene) -> list[Message]:
    with scene.station.database.session() as session:
        return list(session.scalars(sa.select(Message).options(sa.orm.joinedload(Message.sound))))


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
    incoming = [message for message in messages(scene) if message.direction == "in"]
    assert len(incoming) == 1
    assert incoming[0].sound is not None
    file = MediaStore(scene.station.settings.home / "media", 1).path(incoming[0].sound)
    assert match(read_wav(scene.speeches["demo-congrats"]), read_wav(file)).correlation > SAME
    with scene.station.database.session() as session:
        case = session.scalars(sa.select(Case)).one()
        assert case.citizen_id is not None
        assert case.category_by == "citizen"
        assert session.scalars(sa.select(VoiceDraft)).all() == []


def connected(scene: Scene) -> int:
    """Return how often the switchboard has connected to Asterisk."""
    return scene.station.log.read_text(errors="replace").count("ari.connected")
