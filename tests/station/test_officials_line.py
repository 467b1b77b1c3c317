"""The officials' line with real calls: refusals, sign-in, overlapping zones, and hanging up at any step."""

import pytest
import sqlalchemy as sa

from haichieu.alarms import Alarm, AlarmKind
from haichieu.audio.sound import read_wav
from haichieu.sign_in_counters import SignInCounter
from tests.station import district
from tests.station.scene import OTHER, SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

HAI = f"{district.PINS[district.HAI]}#"
LAN = f"{district.PINS[district.LAN]}#"


async def test_caller_hears_the_prompt_that_the_station_plays(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.call(phone, "1900", HAI, "8")
    await until_heard(scene.recording(phone), read_wav(f"{scene.prompt('wrong-key')}.wav"))
    await scene.hang_up(phone)


async def test_refusals_are_spoken_and_start_no_broadcast(scene: Scene) -> None:
    phone = await scene.phone("may-hai")
    await scene.call(phone, "1900", HAI, "2")
    await scene.hears(phone, "record-not-allowed")
    await phone.digits("1")
    for code, prompt, values in (
        ("77", "unknown-zone", {"code": "77"}),
        ("12", "zone-not-allowed", {"code": "12"}),
        ("15", "zone-unreachable", {"zone": "Im lặng"}),
    ):
        await phone.digits(f"{code}#")
        await scene.hears(phone, prompt, **values)
    assert scene.broadcasts() == 0
    await scene.hang_up(phone)
    await scene.quiet()


async def test_unknown_number_is_announced_as_not_in_use(scene: Scene) -> None:
    phone = await scene.phone("may-la")
    await phone.call("4711")
    await scene.hears(phone, "number-not-in-use")
    await phone.ended(10)


@pytest.mark.parametrize("keys", [(), pytest.param((HAI, "1"), marks=pytest.mark.proof), (HAI, "1", "11#", "1")])
async def test_hanging_up_at_any_step_leaves_no_call(scene: Scene, keys: tuple[str, ...]) -> None:
    phone = await scene.phone("may-hai")
    await scene.call(phone, "1900", *keys)
    await scene.hang_up(phone)
    await scene.quiet()
    if scene.broadcasts():
        assert (await scene.ended()).state in ("ended", "cancelled")


async def test_official_signs_in_from_any_phone_with_staff_code(scene: Scene) -> None:
    phone = await scene.phone("may-la")
    await scene.call(phone, "1900", "1003#", LAN)
    await scene.hears(phone, "official-menu")
    await scene.hang_up(phone)


@pytest.mark.proof
async def test_two_officials_speak_at_once_unless_their_zones_overlap(scene: Scene) -> None:
    scene.forget()
    hai, lan = await scene.phone("may-hai"), await scene.phone("may-lan")
    await scene.go_live(hai, HAI, "1", "11#", "1")
    await scene.call(lan, "1900", LAN, "1", "13#", "1")
    await scene.hears(lan, "zone-busy", on_air="Nông Văn Hải")
    await scene.hang_up(lan)
    await scene.go_live(lan, LAN, "1", "12#", "1")
    await hai.begin_playing(scene.speeches["demo-congrats"])
    await lan.play(scene.speeches["demo-instruct"])
    await scene.hang_up(hai, lan)
    await scene.quiet()
    for code in ("cb-1", "cb-2"):
        assert scene.heard(code, "demo-congrats").correlation > SAME
        assert scene.heard(code, "demo-instruct").correlation < OTHER
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    assert scene.heard("cp-1", "demo-congrats").correlation < OTHER


@pytest.mark.proof
async def test_five_wrong_pins_lock_official_and_caller(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    await scene.call(phone, "1900", *["000000#"] * 3)
    await scene.hears(phone, "sign-in-refused")
    await phone.ended(10)
    await scene.call(phone, "1900", *["000000#"] * 2, LAN)  # the right one, too late
    await scene.hears(phone, "sign-in-call-back")
    await phone.ended(20)
    with scene.station.database.session() as session:
        locks = session.scalars(sa.select(Alarm.subject).where(Alarm.kind == AlarmKind.SIGN_IN_LOCKED)).all()
        assert sorted(locks) == ["caller:•••••••••003", "official:1003"]
        session.execute(sa.delete(SignInCounter))
