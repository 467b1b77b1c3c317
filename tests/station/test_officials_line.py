"""What an official hears when something is not right, and that nothing stays behind."""

import pytest
import sqlalchemy as sa

from haichieu.alarms import Alarm, AlarmKind
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.sign_in import SignInAttempt
from tests.station import district
from tests.station.listening import OTHER, SAME, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="module")]

HAI = f"{district.PINS[district.HAI]}#"
LAN = f"{district.PINS[district.LAN]}#"


async def hang_up(scene: Scene, phone: SoftPhone) -> None:
    await phone.hang_up()
    await phone.ended()
    await phone.stop()
    await scene.quiet()


@pytest.mark.parametrize(
    ("keys", "prompt", "values"),
    [
        (("1", "77#"), "unknown-zone", {"code": "77"}),
        (("1", "12#"), "zone-not-allowed", {"code": "12"}),
        (("1", "15#"), "zone-unreachable", {"zone": "Im lặng"}),
        (("5",), "wrong-key", {}),
        (("2",), "record-not-allowed", {}),
    ],
)
async def test_a_refusal_is_said_and_nothing_is_on_air(
    scene: Scene, keys: tuple[str, ...], prompt: str, values: dict[str, str]
) -> None:
    before = scene.broadcasts()
    phone = await scene.phone("may-hai")
    await phone.call("1900")
    for part in (HAI, *keys):
        await phone.digits(part)
    await scene.hears(scene.phone_file(), prompt, **values)
    assert scene.broadcasts() == before
    await hang_up(scene, phone)


async def test_a_number_that_leads_nowhere_says_so(scene: Scene) -> None:
    phone = await scene.phone("may-la")
    await phone.call("4711")
    await scene.hears(scene.phone_file(), "number-not-in-use")
    await phone.ended(10)
    await phone.stop()


@pytest.mark.parametrize("keys", [(), (HAI,), (HAI, "1"), (HAI, "1", "11#"), (HAI, "1", "11#", "1")])
async def test_hanging_up_at_any_step_leaves_nothing_behind(scene: Scene, keys: tuple[str, ...]) -> None:
    phone = await scene.phone("may-hai")
    await phone.call("1900")
    for part in keys:
        await phone.digits(part)
    await hang_up(scene, phone)
    if scene.broadcasts():
        assert (await scene.ended()).state in ("ended", "cancelled")


async def test_a_stranger_signs_in_with_staff_code_and_pin(scene: Scene) -> None:
    phone = await scene.phone("may-la")
    await phone.call("1900")
    await phone.digits("1003#")
    await phone.digits(LAN)
    await scene.hears(scene.phone_file(), "official-menu")
    await hang_up(scene, phone)


async def test_two_officials_in_different_zones_are_heard_each_in_their_own(scene: Scene) -> None:
    scene.forget()
    hai, lan = await scene.phone("may-hai"), await scene.phone("may-lan")
    await scene.go_live(hai, HAI, "1", "11#", "1")
    await scene.go_live(lan, LAN, "1", "12#", "1")
    await hai.begin_playing(scene.speeches["demo-congrats"])
    await lan.play(scene.speeches["demo-instruct"])
    await hang_up_both(hai, lan)
    await scene.quiet()
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    assert scene.heard("cb-1", "demo-instruct").correlation < OTHER
    assert scene.heard("cp-1", "demo-congrats").correlation < OTHER


async def test_the_second_in_an_overlapping_zone_is_told_who_is_on_air(scene: Scene) -> None:
    scene.forget()
    hai, lan = await scene.phone("may-hai"), await scene.phone("may-lan")
    await scene.go_live(hai, HAI, "1", "11#", "1")
    await lan.call("1900")
    for part in (LAN, "1", "13#", "1"):
        await lan.digits(part)
    await scene.hears(scene.phone_file(), "zone-busy", on_air="Nông Văn Hải")
    await hai.play(scene.speeches["demo-congrats"])
    await hang_up_both(hai, lan)
    await scene.quiet()
    for code in ("cb-1", "cb-2"):
        assert scene.heard(code, "demo-congrats").correlation > SAME


async def hang_up_both(*phones: SoftPhone) -> None:
    for phone in phones:
        await phone.hang_up()
        await phone.ended()
        await phone.stop()


async def test_three_wrong_pins_end_the_call_and_five_lock_the_official(scene: Scene) -> None:
    first = await scene.phone("may-lan")
    await first.call("1900")
    for _ in range(3):
        await first.digits("000000#")
    await scene.hears(scene.phone_file(), "sign-in-refused")
    await first.ended(10)
    await first.stop()
    second = await scene.phone("may-lan")
    await second.call("1900")
    for _ in range(2):
        await second.digits("000000#")
    await second.digits(LAN)  # the right one, too late
    await scene.hears(scene.phone_file(), "locked-out")
    await second.ended(10)
    await second.stop()
    with scene.station.database.session() as session:
        locks = session.scalars(sa.select(Alarm.subject).where(Alarm.kind == AlarmKind.SIGN_IN_LOCKED)).all()
        assert sorted(locks) == ["caller:•••••••••003", "official:1003"]
        session.execute(sa.delete(SignInAttempt))
