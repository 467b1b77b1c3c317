"""Speakers that are off, late, busy, or gone between the choice of a zone and its confirmation."""

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast, Delivery
from haichieu.demo.trial_station import until
from tests.station import district
from tests.station.bare_speaker import BareSpeaker
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

HAI = f"{district.PINS[district.HAI]}#"
LAN = f"{district.PINS[district.LAN]}#"


def late_by(scene: Scene, late: str, early: str) -> float:
    """Seconds between the first audio at two speakers of the newest broadcast."""
    with scene.station.database.session() as session:
        newest = session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).one()
        first = {one.speaker.code: one.first_audio_at for one in newest.deliveries}
    begins = first[late], first[early]
    assert begins[0]
    assert begins[1]
    return (begins[0] - begins[1]).total_seconds()


@pytest.mark.proof
async def test_official_without_a_broadcast_has_no_report(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    await scene.call(phone, "1900", f"{LAN}3")
    await scene.hears(phone, "no-report")
    await scene.hang_up(phone)


@pytest.mark.proof
async def test_busy_speaker_gets_auto_answer_headers_and_is_reported(scene: Scene) -> None:
    await scene.speaker_off("cb-2")
    with BareSpeaker(scene.station.server, "cb-2", district.password("cb-2")) as busy:
        await until(lambda: "cb-2" in scene.reachable(), "cb-2 reachable")
        phone = await scene.phone("may-hai")
        await scene.go_live(phone, HAI, "1", "11#", "1")
        await phone.play(scene.speeches["demo-congrats"])
        await phone.digits("#")
        aired = await scene.ended()
        await scene.hears(phone, "live-result", heard=1, total=2)
        await phone.digits("3")
        await scene.hears(phone, "last-report", zone="Cô Ba", when=scene.spoken_start(), heard=1, total=2)
        await scene.hears(phone, "report-missed", names="Loa cb-2")
        await scene.hang_up(phone)
    assert (aired.deliveries["cb-2"].state, aired.deliveries["cb-2"].reason) == ("missed", "busy")
    assert aired.deliveries["cb-1"].state == "played"
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    assert len(busy.invites) > 1  # it might have become free
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in busy.invites[0].split("\r\n"))
    }
    assert headers["call-info"].endswith(";answer-after=0")
    assert "info=alert-autoanswer" in headers["alert-info"]
    assert headers["answer-mode"] == "Auto"
    await until(lambda: "cb-2" not in scene.reachable(), "cb-2 is off")


@pytest.mark.proof
async def test_speaker_that_arrives_late_hears_the_rest(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, HAI, "1", "11#", "1")
    await phone.play(scene.speeches["demo-congrats"])
    late = await scene.speaker("cb-2")
    await late.call_started(30)
    await phone.play(scene.speeches["demo-instruct"])
    await phone.digits("#")
    aired = await scene.ended()
    await scene.hears(phone, "live-result", heard=2, total=2)
    await scene.hang_up(phone)
    assert {code: one.state for code, one in aired.deliveries.items()} == {"cb-1": "played", "cb-2": "played"}
    assert scene.heard("cb-2", "demo-instruct").correlation > SAME
    assert late_by(scene, "cb-2", "cb-1") > 2
    assert 2 < aired.deliveries["cb-2"].seconds < aired.deliveries["cb-1"].seconds - 2


async def test_zone_whose_speakers_left_after_the_choice_is_refused(scene: Scene) -> None:
    before = scene.broadcasts()
    phone = await scene.phone("may-lan")
    await scene.call(phone, "1900", LAN, "1", "12#")
    await scene.hears(phone, "confirm-live", zone="Cốc Pàng", reachable=1, total=1)
    await scene.speaker_off("cp-1")
    await phone.digits("1")
    await scene.hears(phone, "zone-unreachable", zone="Cốc Pàng")
    await scene.hang_up(phone)
    assert scene.broadcasts() == before


async def test_no_delivery_is_left_active(scene: Scene) -> None:
    with scene.station.database.session() as session:
        assert not session.scalars(sa.select(Delivery.id).where(Delivery.active)).all()
