"""A bulletin of the province with a real call: an official hears it, and has it broadcast by key."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.source_system import bulletin_intake
from broadcast_bridge.source_system.exchange import Issued
from broadcast_bridge.source_system.models import Bulletin, Source
from broadcast_bridge.source_system.states import ContentKind
from haichieu.audio.sound import read_wav
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.people import Official, Right, Unit
from tests.builders.sounds import kept
from tests.station import district
from tests.station.scene import SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"


def offer(scene: Scene, speech: str) -> None:
    """Offer a bulletin with a speech, of a source that is not asked for others."""
    copy = Path(shutil.copy(scene.speeches[speech], scene.folder / "bulletin.wav"))
    with scene.station.database.session() as session:
        lan = session.scalars(sa.select(Official).where(Official.code == "1003")).one()
        lan.may = [*lan.may, Right.SCHEDULE]
        unit_id = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        source = Source(
            code="tinh", name="Tỉnh Cao Bằng", dialect="neutral", address="http://127.0.0.1:9", username="cb",
            password_locked="", external_id="H24", unit_id=unit_id, removed_at=now(),
        )  # fmt: skip
        session.add(source)
        session.flush()
        issued = Issued("b1", "Chúc mừng", ContentKind.TEXT, Priority.NORMAL, text="Chúc mừng bà con.")
        bulletin = bulletin_intake.take(session, source, issued, now())
        assert bulletin is not None
        bulletin.sound = kept(session, MediaStore(scene.station.settings.home / "media", 1), copy)


async def test_official_hears_a_bulletin_and_has_it_broadcast(scene: Scene) -> None:
    offer(scene, "demo-congrats")
    scene.forget()
    speech = read_wav(scene.speeches["demo-congrats"])
    lan = await scene.phone("may-lan")
    await scene.call(lan, "1900", LAN)
    await scene.hears(lan, "bulletins-waiting", bulletins=1)
    await lan.digits("5")
    await scene.hears(lan, "bulletins-to-hear", bulletins=1)
    await lan.digits("1")
    await until_heard(scene.recording(lan), speech)
    await lan.digits("3")
    await scene.hears(lan, "ask-air-time")
    await lan.digits("0#")
    await scene.hears(lan, "offered-on-air-soon")
    await scene.hears(lan, "no-more-bulletins-waiting")
    await scene.hang_up(lan)
    await until(lambda: scene.broadcasts() > 0 and scene.newest().state == "ended", "the bulletin was on air", 60)
    for code in ("cb-1", "cb-2"):
        assert scene.heard(code, "demo-congrats").correlation > SAME
    with scene.station.database.session() as session:
        assert session.scalars(sa.select(Bulletin.state)).one() == "scheduled"
        assert session.scalars(sa.select(Broadcast.asked_by)).one() == "source:tinh"
