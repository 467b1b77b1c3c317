"""Lock-out of callers who guess PINs: it outlives a restart, affects nobody else, and has a way out by call back."""

import contextlib

import pytest
import sqlalchemy as sa

from haichieu.alarms import AlarmKind, open_alarms
from haichieu.audit import AuditEntry
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.people import official_with_phone
from haichieu.phone_sign_in import TRIES, WRONG, Caller, LockedOut, PhoneSignIn, WrongPin, lift_locks
from tests.station import district
from tests.station.scene import Scene

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"
HAI = f"{district.PINS[district.HAI]}#"
LA = "+84987654321"
NOBODY = ("9001", "9002", "9003", "9004", "9005")
"""Staff codes that nobody has: each counts against the caller alone."""


def wrong_tries(scene: Scene) -> int:
    """Return how many wrong PINs there were."""
    with scene.station.database.session() as session:
        return session.scalars(sa.select(sa.func.count()).where(AuditEntry.action == WRONG)).one()


async def guess(scene: Scene, phone: SoftPhone, code: str) -> None:
    """Key in a code and a PIN, and wait until the station has checked it."""
    before = wrong_tries(scene)
    await phone.digits(f"{code}#0#")
    await until(lambda: wrong_tries(scene) > before, "the try is on record")


@pytest.mark.proof
async def test_three_wrong_guesses_end_the_call_and_five_lock_the_caller(scene: Scene) -> None:
    phone = await scene.phone("may-la")
    await phone.call("1900")
    await guess(scene, phone, NOBODY[0])
    await scene.hears(phone, "wrong-pin")
    await guess(scene, phone, NOBODY[1])
    await guess(scene, phone, NOBODY[2])
    await scene.hears(phone, "sign-in-refused")
    await phone.ended(10)
    await phone.call("1900")
    await guess(scene, phone, NOBODY[3])
    await guess(scene, phone, NOBODY[4])
    await phone.digits(f"1003#{LAN}")  # right, and too late
    await scene.hears(phone, "locked-out")
    await phone.ended(10)
    with scene.station.database.session() as session:
        raised = {(alarm.kind, alarm.subject) for alarm in open_alarms(session)}
    assert (AlarmKind.SIGN_IN_LOCKED, "caller:•••••••••321") in raised
    assert all("987654" not in subject for _, subject in raised)


@pytest.mark.proof
async def test_restart_of_the_station_unlocks_nobody(scene: Scene) -> None:
    sign_in = PhoneSignIn(scene.station.database, scene.station.opened.vault)
    with contextlib.suppress(LockedOut):  # it may be locked already
        for code in NOBODY:
            with pytest.raises(WrongPin):
                sign_in.sign_in(Caller(LA, "PJSIP/carrier"), code, "0")
    assert await scene.station.stop() == 0
    await scene.station.start()
    phone = await scene.phone("may-la")
    await phone.call("1900")
    await phone.digits(f"1003#{district.PINS[district.LAN]}#")
    await scene.hears(phone, "locked-out")
    await phone.ended(10)


async def test_guessed_official_still_signs_in_from_their_phone(scene: Scene) -> None:
    phone = await scene.phone("may-lan")
    await phone.call("1900")
    await phone.digits(LAN)
    await scene.hears(phone, "official-menu")
    await scene.hang_up(phone)


async def test_locked_registered_number_signs_in_when_called_back(scene: Scene) -> None:
    sign_in = PhoneSignIn(scene.station.database, scene.station.opened.vault)
    for _ in range(TRIES):  # as by a stranger who forges the number
        with pytest.raises(WrongPin):
            sign_in.sign_in(Caller(district.HAI, "PJSIP/carrier"), None, "000000")
    phone = await scene.phone("may-hai")
    await scene.call(phone, "1900", HAI)
    await scene.hears(phone, "sign-in-call-back")
    await scene.hang_up(phone)
    await phone.incoming(20)
    await phone.answer()
    await scene.hears(phone, "sign-in-call-greeting")
    await phone.digits(HAI)
    await scene.hears(phone, "official-menu")
    await scene.hang_up(phone)
    with scene.station.database.session() as session:
        official = official_with_phone(session, district.HAI)
        assert official
        lift_locks(session, scene.station.opened.vault, official)
