"""Speakers that are called while the official still confirms, judged by what arrives at the devices."""

import asyncio
import datetime
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import pytest_asyncio
import sqlalchemy as sa

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.models import Broadcast, Delivery, Speaker, Zone
from broadcast_bridge.programmes.models import Programme
from haichieu.database import now
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.people import Official
from tests.station import district, on_air
from tests.station.bare_speaker import BareSpeaker
from tests.station.media_device import MediaDevice
from tests.station.scene import Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

HAI, LAN = f"{district.PINS[district.HAI]}#", f"{district.PINS[district.LAN]}#"
CODES = ("cb-2", "cp-9", "low", "plain")
IN_STEP_SECONDS = 0.04
SAME_PACKETS = 40


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def zone(scene: Scene) -> AsyncIterator[None]:
    """The zone 77, where Hải and Lan may speak: four devices that note every packet."""
    for code in ("cb-1", "cb-2", "cp-1"):
        await scene.speaker_off(code)
    with scene.station.database.session() as session:
        speakers = list(session.scalars(sa.select(Speaker).where(Speaker.code.in_(CODES))))
        officials = list(session.scalars(sa.select(Official).where(Official.code.in_(["1001", "1003"]))))
        session.add(Zone(code="77", name="Bốn loa", speakers=speakers, officials=officials))
    yield
    with scene.station.database.session() as session:
        session.scalars(sa.select(Zone).where(Zone.code == "77")).one().removed_at = now()


@contextmanager
def devices(scene: Scene, *, off: str = "", **answers_after: float) -> Iterator[dict[str, MediaDevice]]:
    """Switch the devices of the zone on, except one, some of which answer late."""
    with ExitStack() as stack:
        yield {
            code: stack.enter_context(
                MediaDevice(
                    scene.station.server,
                    code,
                    district.password(code),
                    reports=(0, 0),
                    answers_after=answers_after.get(code.replace("-", "_"), 0.0),
                )
            )
            for code in CODES
            if code != off
        }


async def confirming(scene: Scene, name: str, pin: str, ready: int = len(CODES)) -> SoftPhone:
    """Call, choose the zone, and stop before the key that goes live."""
    await until(lambda: len(set(CODES) & scene.reachable()) >= ready, "the devices are reachable")
    phone = await scene.phone(name)
    await scene.call(phone, "1900", pin, "1", "77#")
    return phone


def get_silence(*some: MediaDevice) -> bool:
    return all(one.times and not one.voiced for one in some)


async def go_off_air(scene: Scene, phone: SoftPhone) -> None:
    await until(lambda: scene.newest().live, "live")
    await phone.digits("#")
    await scene.ended()
    await scene.hang_up(phone)


async def test_every_speaker_hears_the_whole_chime_in_step(scene: Scene) -> None:
    before = scene.broadcasts()
    with devices(scene) as heard:
        phone = await confirming(scene, "may-hai", HAI)
        await until(lambda: get_silence(*heard.values()), "all get silence")
        silence = SAME_PACKETS
        await until(lambda: all(len(one.times) > silence for one in heard.values()), "some of it")
        assert scene.broadcasts() == before
        await phone.digits("1")
        await until(lambda: all(len(one.voiced) >= SAME_PACKETS for one in heard.values()), "all hear the chime")
        first = [one.voiced[0][0] for one in heard.values()]
        assert max(first) - min(first) <= IN_STEP_SECONDS
        chimes = {tuple(sound for _, sound in heard[code].voiced[:SAME_PACKETS]) for code in ("cb-2", "cp-9", "plain")}
        assert len(chimes) == 1  # to the packet, from the first one on
        await go_off_air(scene, phone)
        assert all(len(one.invites) == 1 for one in heard.values())
    delivered = scene.newest().deliveries
    assert {one.state for one in delivered.values()} == {"played"}
    sent = {code: one.packets for code, one in delivered.items()}
    assert all(
        0 < sent[code] < len(heard[code].times) - silence for code in CODES
    )  # without the silence before the key


@pytest.mark.parametrize("how", ["hangs up", pytest.param("chooses another zone", marks=pytest.mark.proof)])
async def test_speakers_are_released_when_official_does_not_go_live(scene: Scene, how: str) -> None:
    before = scene.broadcasts()
    with devices(scene) as heard:
        phone = await confirming(scene, "may-hai", HAI)
        await until(lambda: get_silence(*heard.values()), "all get silence")
        left = time.time()
        if how == "hangs up":
            await phone.hang_up()
        else:
            left = float((await phone.digits("2"))["at"])
        await until(lambda: all(one.ended for one in heard.values()), "all calls end")
        print(f"official {how}: BYE after", [round(one.ended[0] - left, 3) for one in heard.values()])
        assert get_silence(*heard.values())
        await scene.hang_up(phone)
    assert scene.broadcasts() == before


async def test_of_two_officials_who_confirm_at_once_one_is_live(scene: Scene) -> None:
    before = scene.broadcasts()
    with devices(scene) as heard:
        hai, lan = await asyncio.gather(confirming(scene, "may-hai", HAI), confirming(scene, "may-lan", LAN))
        await until(lambda: get_silence(*heard.values()), "all get silence")
        await asyncio.gather(hai.digits("1"), lan.digits("1"))
        await until(lambda: all(one.voiced for one in heard.values()), "all hear the chime")
        await until(lambda: scene.newest().live, "live")
        with scene.station.database.session() as session:
            live = session.get_one(Broadcast, scene.broadcasts()).official
            speaks, waits = (hai, lan) if live and live.code == "1001" else (lan, hai)
        await scene.hears(waits, "zone-busy", on_air=live.name if live else "")
        await scene.hang_up(waits)
        await go_off_air(scene, speaks)
        assert all(len(one.invites) == 1 for one in heard.values())
    assert scene.broadcasts() == before + 1
    assert {one.state for one in scene.newest().deliveries.values()} == {"played"}


@pytest.mark.proof
async def test_late_refusing_and_vanished_speakers_delay_nobody(scene: Scene) -> None:
    with (
        devices(scene, off="cb-2", cp_9=4.0) as heard,
        BareSpeaker(scene.station.server, "cb-2", district.password("cb-2")) as busy,
    ):
        phone = await confirming(scene, "may-hai", HAI)
        await until(
            lambda: get_silence(heard["plain"], heard["low"]) and bool(busy.invites), "two get silence, one refuses"
        )
        heard["low"].silent.set()  # a power cut
        await phone.digits("1")
        await until(lambda: bool(heard["plain"].voiced), "the chime")
        await until(lambda: scene.newest().live and bool(heard["cp-9"].times), "the late one answers", 20)
        heard["plain"].reports = (0, 160)  # what it measures from now on
        await phone.play(scene.speeches["demo-congrats"])
        await until(lambda: bool(heard["cp-9"].voiced), "the late one hears the rest")
        await go_off_air(scene, phone)
    with scene.station.database.session() as session:
        rows = session.scalars(sa.select(Delivery).where(Delivery.broadcast_id == scene.broadcasts()))
        proof = {row.speaker.code: (row.state, row.heard) for row in rows}
    assert proof == {
        "plain": ("played", True),
        "cp-9": ("played", True),
        "cb-2": ("missed", False),
        "low": ("played", None),
    }


@pytest.mark.proof
async def test_broadcast_takes_the_speakers_of_an_official_who_hesitates(scene: Scene) -> None:
    with devices(scene) as heard:
        phone = await confirming(scene, "may-hai", HAI)
        await until(lambda: get_silence(*heard.values()), "all get silence")
        programme = on_air.programme_named(
            scene.station.database, scene.station.settings.home, scene.speeches["demo-congrats"]
        )
        with scene.station.database.session() as session:
            sound = session.get_one(Programme, programme).sound_id
            assert sound is not None
            starting.ask(session, Request("test", "Bulletin", [sound], ["77"]), now())
        await until(lambda: all(one.voiced for one in heard.values()), "all hear the bulletin")
        await scene.hang_up(phone)
        aired = await scene.ended()
        assert all(len(one.invites) == 1 for one in heard.values())
    assert {one.state for one in aired.deliveries.values()} == {"played"}


@pytest.mark.proof
async def test_scheduled_programme_begins_at_all_speakers_at_its_second(scene: Scene) -> None:
    programme = on_air.programme_named(
        scene.station.database, scene.station.settings.home, scene.speeches["demo-congrats"]
    )
    with devices(scene) as heard:
        await until(lambda: set(CODES) <= scene.reachable(), "the devices are reachable")
        planned = on_air.plan_in(scene.station.database, 6, "77", programme_id=programme)
        await until(lambda: get_silence(*heard.values()), "all get silence before it begins")
        await until(lambda: all(one.voiced for one in heard.values()), "all hear it")
        due = on_air.schedule(scene.station.database, planned).starts.replace(tzinfo=datetime.UTC).timestamp()
        late = [one.voiced[0][0] - due for one in heard.values()]
        print("first sound after the start time:", [round(one, 3) for one in late])
        assert min(late) >= 0
        assert max(late) - min(late) <= IN_STEP_SECONDS
        await until(lambda: on_air.occurrence(scene.station.database, planned)[0] == "aired", "aired", 30)
        assert all(len(one.invites) == 1 for one in heard.values())
