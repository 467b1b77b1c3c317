"""Speakers that are off, late, busy, or gone between the choice of a zone and its confirmation."""

import asyncio
import zoneinfo

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast, Delivery
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.station import the_station
from ivr.prompts.spoken_time import spoken_moment
from tests.station import district
from tests.station.bare_speaker import BareSpeaker
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

HAI = f"{district.PINS[district.HAI]}#"
LAN = f"{district.PINS[district.LAN]}#"


async def hang_up(scene: Scene, phone: SoftPhone) -> None:
    await phone.hang_up()
    await phone.ended()
    await phone.stop()
    await scene.quiet()


def spoken_start(scene: Scene) -> str:
    """When the newest broadcast went on air, as the report says it."""
    with scene.station.database.session() as session:
        broadcast = session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).one()
        assert broadcast.on_air_at is not None
        moment = broadcast.on_air_at.astimezone(zoneinfo.ZoneInfo(the_station(session).timezone))
    return spoken_moment(moment, "vi")


def late_by(scene: Scene, late: str, early: str) -> float:
    """Seconds between the first audio at two speakers of the newest broadcast."""
    with scene.station.database.session() as session:
        newest = session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).one()
        first = {one.speaker.code: one.first_audio_at for one in newest.deliveries}
    begins = first[late], first[early]
    assert begins[0]
    assert begins[1]
    return (begins[0] - begins[1]).total_seconds()


async def test_who_has_not_spoken_yet_has_no_report(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    heard = scene.phone_file()
    await phone.call("1900")
    await phone.digits(f"{LAN}3")
    await scene.hears(heard, "no-report")
    await hang_up(scene, phone)


async def test_a_busy_speaker_is_called_with_auto_answer_headers_and_named_in_the_report(scene: Scene) -> None:
    scene.forget()
    with BareSpeaker(scene.station.server, "cb-2", district.password("cb-2")) as busy:
        await until(lambda: "cb-2" in scene.reachable(), "cb-2 reachable")
        phone = await scene.phone("may-hai")
        heard = scene.phone_file()
        await scene.go_live(phone, HAI, "1", "11#", "1")
        await phone.play(scene.speeches["demo-congrats"])
        await phone.digits("#")
        aired = await scene.ended()
        await scene.hears(heard, "live-result", heard=1, total=2)
        await phone.digits("3")
        await scene.hears(heard, "last-report", zone="Cô Ba", when=spoken_start(scene), heard=1, total=2)
        await scene.hears(heard, "report-missed", names="Loa cb-2")
        await hang_up(scene, phone)
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


async def test_a_speaker_that_comes_in_the_middle_hears_the_rest(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    heard = scene.phone_file()
    await scene.go_live(phone, HAI, "1", "11#", "1")
    await phone.play(scene.speeches["demo-congrats"])
    late = await scene.speaker("cb-2")
    await late.call_started(30)
    await phone.play(scene.speeches["demo-instruct"])
    await phone.digits("#")
    aired = await scene.ended()
    await scene.hears(heard, "live-result", heard=2, total=2)
    await hang_up(scene, phone)
    assert {code: one.state for code, one in aired.deliveries.items()} == {"cb-1": "played", "cb-2": "played"}
    assert scene.heard("cb-2", "demo-instruct").correlation > SAME
    assert late_by(scene, "cb-2", "cb-1") > 6
    assert 6 < aired.deliveries["cb-2"].seconds < aired.deliveries["cb-1"].seconds - 6


async def test_a_zone_whose_speakers_left_since_it_was_chosen_is_refused(scene: Scene) -> None:
    before = scene.broadcasts()
    speaker = await scene.speaker("cp-1")
    phone = await scene.phone("may-lan")
    heard = scene.phone_file()
    await phone.call("1900")
    for keys in (LAN, "1", "12#"):
        await phone.digits(keys)
    asking = asyncio.create_task(scene.hears(heard, "confirm-live", zone="Cốc Pàng", reachable=1, total=1))
    await speaker.stop()
    await until(lambda: "cp-1" not in scene.reachable(), "cp-1 is off")
    await asking
    await phone.digits("1")
    await scene.hears(heard, "zone-unreachable", zone="Cốc Pàng")
    await hang_up(scene, phone)
    assert scene.broadcasts() == before


async def test_nothing_keeps_a_speaker_after_all_this(scene: Scene) -> None:
    with scene.station.database.session() as session:
        assert not session.scalars(sa.select(Delivery.id).where(Delivery.active)).all()
