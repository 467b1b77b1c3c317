"""A switchboard that runs but does nothing: Asterisk alone takes its calls until the supervisor has replaced it."""

import os
import signal

import pytest
import sqlalchemy as sa

from dialplans.left_messages import FOLDER
from feedback.models import Message
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.ari.sign_of_life import VALID_SECONDS, VARIABLE
from haichieu.audio.sound import read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests import asterisk_rest
from tests.crashes.processes import child_of, is_running
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]


def silence(scene: Scene) -> int:
    """Return how long ago Asterisk had the last sign of life of the application."""

    def variable(name: str) -> int:
        return int(asterisk_rest.request(scene.station.settings, "GET", f"/asterisk/variable?variable={name}")["value"])

    return variable("EPOCH") - variable(VARIABLE)


def heard_cases(scene: Scene) -> list[Message]:
    with scene.station.database.session() as session:
        incoming = sa.select(Message).where(Message.direction == "in").options(sa.orm.joinedload(Message.sound))
        return list(session.scalars(incoming))


async def test_callers_of_a_hung_switchboard_are_served(scene: Scene) -> None:
    waiting, citizen = await scene.phone("may-la"), await scene.outside("+84977000222")
    hung = child_of(scene.station, "switchboard")
    os.kill(hung, signal.SIGSTOP)
    await waiting.dial("1022")  # while the application still counts as alive
    await until(lambda: silence(scene) > VALID_SECONDS, "the application counts as hung")
    await citizen.call("1022")
    messages = scene.station.settings.home / FOLDER
    await until(lambda: any(messages.glob("*.wav")), "Asterisk records a message")
    await citizen.play(scene.speeches["demo-congrats"])
    await until(lambda: not is_running(hung), "the supervisor kills the process")
    await citizen.digits("#")
    await citizen.ended(20)

    await scene.hears(waiting, "greeting-hotline")
    await until(lambda: heard_cases(scene) != [], "the case", 20)
    [message] = heard_cases(scene)
    assert message.sound is not None
    file = MediaStore(scene.station.settings.home / "media", 1).path(message.sound)
    assert match(read_wav(scene.speeches["demo-congrats"]), read_wav(file)).correlation > SAME
    with scene.station.database.session() as session:
        alarms = {(alarm.kind, alarm.subject) for alarm in open_alarms(session)}
    assert (AlarmKind.PROCESS_HUNG, "switchboard") in alarms
    await scene.hang_up(waiting)
    await scene.quiet()
