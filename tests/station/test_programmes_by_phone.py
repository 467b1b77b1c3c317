"""A text programme with a real call: an official hears it as the speakers will play it, and approves it."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.models import Programme
from haichieu.audio.sound import read_wav
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.people import Official, Right, Unit
from haichieu.speech.synthesis import EspeakSynthesiser
from tests.station import district
from tests.station.scene import Scene, until_heard

pytestmark = [
    pytest.mark.calls,
    pytest.mark.proof,
    pytest.mark.xdist_group("callers"),
    pytest.mark.asyncio(loop_scope="session"),
]

LAN = f"{district.PINS[district.LAN]}#"


def submit_text(scene: Scene, text: str) -> tuple[int, Path]:
    """Submit a text programme, give an official the right to approve, and return the programme and its sound."""
    store = MediaStore(scene.station.settings.home / "media", 1)
    placed = intake.put(store, intake.ready_text(text, "vi", EspeakSynthesiser(), scene.folder))
    with scene.station.database.session() as session:
        lan = session.scalars(sa.select(Official).where(Official.code == "1003")).one()
        lan.may = [*lan.may, Right.APPROVE]
        unit_id = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        about = intake.About("Cắt nước", unit_id, "account:editor@x.example", "Hoàng Thị Mai")
        made = intake.add(session, store, about, placed, now())
        approval.submit(session, made, made.author, now())
        assert made.sound is not None
        return made.id, store.path(made.sound)


async def test_official_hears_a_text_programme_and_approves_it(scene: Scene) -> None:
    number, sound = submit_text(scene, "Xã cắt nước từ tám giờ sáng mai để sửa đường ống.")
    phone = await scene.phone("may-lan")
    await scene.call(phone, "1900", LAN, "7")
    await scene.hears(phone, "programmes-to-hear", programmes=1)
    await phone.digits("1")
    await until_heard(scene.recording(phone), read_wav(sound))
    await phone.digits("2")
    await scene.hears(phone, "programme-approved")
    await scene.hears(phone, "no-more-programmes-waiting")
    await scene.hang_up(phone)

    def approved_by() -> str | None:
        with scene.station.database.session() as session:
            ours = AuditEntry.subject == f"programme:{number}"  # and of a programme of another test, before it
            query = sa.select(AuditEntry.actor).where(ours, AuditEntry.action == "programme.approve")
            state = session.get_one(Programme, number).state
            return session.scalars(query.order_by(AuditEntry.id.desc())).first() if state == "approved" else None

    await until(lambda: approved_by() == "official:1003", "the programme is approved", 10)
