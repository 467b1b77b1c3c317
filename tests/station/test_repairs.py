"""Faults and repairs with real calls: a citizen called back reports a speaker, a technician closes its repair."""

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.pole_codes import pole_code
from broadcast_bridge.repairs.states import Fault
from haichieu.audio.sound import read_wav
from haichieu.audio.tones import level_tone
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.builders.repairs import repair
from tests.station import district
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

CITIZEN = "+84977000555"
LAN = f"{district.PINS[district.LAN]}#"


def speaker_id(scene: Scene, code: str) -> int:
    with scene.station.database.session() as session:
        return session.scalars(sa.select(Speaker.id).where(Speaker.code == code)).one()


def the_report(scene: Scene) -> FaultReport | None:
    with scene.station.database.session() as session:
        options = [sa.orm.joinedload(FaultReport.repair), sa.orm.joinedload(FaultReport.sound)]
        return session.scalars(sa.select(FaultReport).options(*options)).one_or_none()


@pytest.mark.proof
async def test_citizen_called_back_reports_a_speaker_and_hangs_up(scene: Scene) -> None:
    citizen = await scene.outside(CITIZEN)
    await citizen.dial("1024")
    await citizen.ringing()
    await scene.hang_up(citizen)
    await citizen.incoming(30)
    await citizen.answer()
    await scene.hears(citizen, "hotline-call-back")
    await citizen.digits("120344#")  # a digit is wrong
    await scene.hears(citizen, "pole-mistyped")
    await citizen.digits(f"{pole_code(speaker_id(scene, 'cp-1'))}#")
    await scene.hears(citizen, "pole-elsewhere-call", unit="Cốc Pàng", number="1023")
    await citizen.digits(f"{pole_code(speaker_id(scene, 'cb-2'))}#")
    await scene.hears(citizen, "fault-menu", speaker="Loa cb-2")
    await citizen.digits("5")
    await until(lambda: scene.spool("fault") != [], "the recording", 30)
    found = the_report(scene)
    assert found is not None
    assert (found.fault, found.origin, found.repair.speaker_id) == ("other", "fault_line", speaker_id(scene, "cb-2"))
    await citizen.play(scene.speeches["demo-instruct"])
    await scene.hang_up(citizen)
    await until(lambda: (one := the_report(scene)) is not None and one.sound is not None, "the words", 30)
    found = the_report(scene)
    assert found is not None
    assert found.sound is not None
    said = read_wav(MediaStore(scene.station.settings.home / "media", 1).path(found.sound))
    assert match(read_wav(scene.speeches["demo-instruct"]), said).correlation > SAME
    assert scene.spool("fault") == []


@pytest.mark.proof
async def test_technician_closes_a_repair_when_the_speaker_plays_the_tone(scene: Scene) -> None:
    with scene.station.database.session() as session:
        number = repair(session, speaker_id(scene, "cb-1"), Fault.SILENT).id
    scene.forget()
    phone = await scene.phone("may-lan")
    await scene.call(phone, "1900", LAN, "6", "1")
    await scene.hears(phone, "repair-menu")
    await phone.digits("*")
    await scene.hears(phone, "repairs-menu")
    await phone.digits("2")
    await phone.digits(f"{pole_code(speaker_id(scene, 'cb-1'))}#")
    await scene.hears(phone, "tone-menu")
    await phone.digits("1")
    await scene.hears(phone, "tone-heard")
    await phone.digits("1")
    await scene.hears(phone, "repair-closed")
    await scene.hang_up(phone)
    assert match(level_tone(), scene.sound_of("cb-1")).correlation > SAME
    with scene.station.database.session() as session:
        closed = session.get_one(Repair, number)
    assert (closed.state, closed.outcome, closed.closed_by) == ("closed", "tested", "official:1003")
    assert closed.test_id == scene.broadcasts()
    assert {code: one.state for code, one in scene.newest().deliveries.items()} == {"cb-1": "played"}
    await scene.quiet()
