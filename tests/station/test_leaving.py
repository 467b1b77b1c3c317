"""Officials who hang up at the worst moments, and a call back that is not taken up."""

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import CallBack
from haichieu.alarms import open_alarms
from haichieu.demo.trial_station import until
from tests.station import district
from tests.station.scene import Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

HAI = f"{district.PINS[district.HAI]}#"
MAI = f"{district.PINS[district.MAI]}#"


def alarms(scene: Scene) -> list[str]:
    with scene.station.database.session() as session:
        return [f"{alarm.kind} {alarm.subject}" for alarm in open_alarms(session)]


def settled(scene: Scene) -> bool:
    with scene.station.database.session() as session:
        return session.scalars(sa.select(CallBack.state).order_by(CallBack.id.desc()).limit(1)).one() == "done"


async def test_who_hangs_up_before_confirming_leaves_no_broadcast(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await phone.call("1900")
    for keys in (HAI, "1", "11#"):
        await phone.digits(keys)
    await scene.hears(scene.phone_file(), "confirm-live", zone="Cô Ba", reachable=1, total=2)
    await phone.hang_up()
    await phone.ended()
    await phone.stop()
    await scene.quiet()
    assert scene.broadcasts() == 0


@pytest.mark.parametrize(("moment", "how"), [("calling", {"cancelled", "ended"}), ("on_air", {"ended"})])
async def test_who_hangs_up_during_the_chime_leaves_a_closed_broadcast_and_no_alarm(
    scene: Scene, moment: str, how: set[str]
) -> None:
    before = scene.broadcasts()
    phone = await scene.phone("may-hai")
    await phone.call("1900")
    await phone.digits(f"{HAI}111#")
    await phone.digits("1")
    states = ("calling", "on_air") if moment == "calling" else ("on_air",)
    await until(lambda: scene.broadcasts() > before and scene.newest().state in states, moment)
    await phone.hang_up()
    await phone.ended()
    aired = await scene.ended()
    await phone.stop()
    await scene.quiet()
    assert aired.state in how
    assert aired.reason == "caller_left"
    assert not aired.recorded
    assert alarms(scene) == []


async def test_who_hangs_up_the_moment_they_are_live_leaves_no_alarm_either(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, f"{HAI}111#", "1")
    await phone.hang_up()
    aired = await scene.ended()
    await phone.stop()
    await scene.quiet()
    assert (aired.state, aired.reason, aired.deliveries["cb-1"].state) == ("ended", None, "played")
    assert alarms(scene) == []


async def test_other_keys_on_the_call_back_put_nothing_on_a_speaker(scene: Scene) -> None:
    before = scene.broadcasts()
    carrier = await scene.outside(district.MAI)
    heard = scene.phone_file()
    await carrier.call("1900")
    await carrier.digits(f"{MAI}111#1")
    await carrier.ended(25)
    await carrier.incoming(20)
    await carrier.answer()
    for key in "789":
        await carrier.digits(key)
    await scene.hears(heard, "too-many-wrong-keys")
    await carrier.ended(15)
    await until(lambda: settled(scene), "the call back is settled")
    await carrier.stop()
    await scene.quiet()
    assert scene.broadcasts() == before


async def test_on_the_call_back_another_zone_may_be_chosen(scene: Scene) -> None:
    carrier = await scene.outside(district.MAI)
    await carrier.call("1900")
    await carrier.digits(f"{MAI}111#1")
    await carrier.ended(25)
    before = scene.broadcasts()
    await carrier.incoming(20)
    await carrier.answer()
    await carrier.digits("211#1")
    await until(lambda: scene.broadcasts() > before and scene.newest().live, "live", 20)
    await carrier.digits("#")
    assert (await scene.ended()).deliveries["cb-1"].state == "played"
    await carrier.hang_up()
    await carrier.ended()
    await carrier.stop()
    await until(lambda: settled(scene), "the call back is settled")
    await scene.quiet()
