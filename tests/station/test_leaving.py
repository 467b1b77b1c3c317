"""Officials who hang up at inconvenient moments, and call-backs that are not confirmed."""

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import CallBack
from haichieu.alarms import open_alarms
from haichieu.demo.trial_station import until
from tests.station import district
from tests.station.scene import Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

HAI = f"{district.PINS[district.HAI]}#"
MAI = f"{district.PINS[district.MAI]}#"


def alarms(scene: Scene) -> list[str]:
    with scene.station.database.session() as session:
        return [f"{alarm.kind} {alarm.subject}" for alarm in open_alarms(session)]


def settled(scene: Scene) -> bool:
    with scene.station.database.session() as session:
        return session.scalars(sa.select(CallBack.state).order_by(CallBack.id.desc()).limit(1)).one() == "done"


@pytest.mark.proof
async def test_hanging_up_before_confirming_leaves_no_broadcast(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    before = scene.broadcasts()
    await scene.call(phone, "1900", HAI, "1", "11#")
    await scene.hears(phone, "confirm-live", zone="Cô Ba", reachable=2, total=2)
    await scene.hang_up(phone)
    await scene.quiet()
    assert scene.broadcasts() == before


@pytest.mark.parametrize(
    ("moment", "how"),
    [("calling", {"cancelled", "ended"}), pytest.param("on_air", {"ended"}, marks=pytest.mark.proof)],
)
async def test_hanging_up_during_the_chime_closes_the_broadcast(scene: Scene, moment: str, how: set[str]) -> None:
    before = scene.broadcasts()
    phone = await scene.phone("may-hai")
    await phone.call("1900")
    await phone.digits(f"{HAI}111#")
    await phone.digits("1")
    states = ("calling", "on_air") if moment == "calling" else ("on_air",)
    await until(lambda: scene.broadcasts() > before and scene.newest().state in states, moment)
    await scene.hang_up(phone)
    aired = await scene.ended()
    await scene.quiet()
    assert aired.state in how
    assert aired.reason == "caller_left"
    assert not aired.recorded
    assert alarms(scene) == []


async def test_hanging_up_when_live_raises_no_alarm(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.go_live(phone, f"{HAI}111#", "1")
    await scene.hang_up(phone)
    aired = await scene.ended()
    await scene.quiet()
    assert (aired.state, aired.reason, aired.deliveries["cb-1"].state) == ("ended", None, "played")
    assert alarms(scene) == []


@pytest.mark.proof
async def test_wrong_keys_on_the_call_back_start_no_broadcast(scene: Scene) -> None:
    before = scene.broadcasts()
    carrier = await scene.outside(district.MAI)
    await carrier.call("1900")
    await carrier.digits(f"{MAI}111#1")
    await carrier.ended(25)
    await carrier.incoming(20)
    await carrier.answer()
    for key in "789":
        await carrier.digits(key)
    await scene.hears(carrier, "too-many-wrong-keys")
    await carrier.ended(15)
    await until(lambda: settled(scene), "the call back is settled")
    await scene.quiet()
    assert scene.broadcasts() == before


@pytest.mark.proof
async def test_another_zone_can_be_chosen_on_the_call_back(scene: Scene) -> None:
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
    await scene.hang_up(carrier)
    await until(lambda: settled(scene), "the call back is settled")
    await scene.quiet()
