"""Officials' desk: sign-in with and without a staff code, by calls of the station, and booked broadcasts."""

import dataclasses
import datetime
import uuid
from typing import Any, cast

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts import call_backs
from broadcast_bridge.broadcasts.broadcast_lifecycle import Outcome
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import CallBack
from broadcast_bridge.studio.dial_ahead import DialAhead
from broadcast_bridge.studio.studio import Studio, WhenPlanned
from haichieu import background, pins
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.database import Database, now
from haichieu.people import Official
from haichieu.phone_sign_in import TRIES, CallBackNeeded, WrongPin
from haichieu.vault import Vault, secret_matches
from ivr.calls.caller_limits import CallerLimits, Limits
from ivr.desks.official import OfficialsLine, PhoneDesk
from ivr.flows.session import ZoneSeen
from tests.builders.accounts import PIN
from tests.builders.airings import begun, on_air
from tests.builders.places import commune
from tests.faulty_database import FaultyDatabase

KNOWN, STRANGER = "+84912000011", "+84987654321"
CLIENT = AriClient("127.0.0.1", 1, "", unclaimed=lambda event: None)


@pytest.fixture
def line(database: Database) -> OfficialsLine:
    with database.session() as session:
        commune(session)
    nothing = cast(Any, None)  # the studio and recordings are for later steps of a call
    vault = Vault(b"sQ4Nq0CV3zqv0jTqV2p3bq2GZcyVqI0o3s1bOq7m5rk=")
    return OfficialsLine(
        database, vault, nothing, nothing, CallerLimits(Limits(unfinished_sign_ins=3)), 2.0, nothing, nothing
    )


def desk(line: OfficialsLine, number: str | None) -> PhoneDesk:
    call = Call(CLIENT, uuid.uuid4().hex, number, "1900")
    call.line = "PJSIP/carrier"
    return PhoneDesk(line, call, "official-line", cast(Any, None), cast(Any, None))


async def test_registered_numbers_are_known(line: OfficialsLine) -> None:
    for number, known in ((KNOWN, True), (STRANGER, False), (None, False)):
        assert await desk(line, number).knows_caller(number, called_back=False) is known


async def test_tried_numbers_do_not_show_which_belong_to_officials(line: OfficialsLine) -> None:
    for _ in range(3):
        await desk(line, STRANGER).knows_caller(STRANGER, called_back=False)
    forged = desk(line, KNOWN)
    assert not await forged.knows_caller(KNOWN, called_back=False)
    assert await desk(line, KNOWN).knows_caller(KNOWN, called_back=True)
    assert (await forged.sign_in(KNOWN, "1011", PIN, called_back=False)).id


async def test_officials_who_sign_in_leave_the_question_as_it_is(line: OfficialsLine) -> None:
    for _ in range(10):
        caller = desk(line, KNOWN)
        assert await caller.knows_caller(KNOWN, called_back=False)
        await caller.sign_in(KNOWN, None, PIN, called_back=False)


async def test_call_back_is_due_when_the_locked_caller_hangs_up(line: OfficialsLine, database: Database) -> None:
    caller = desk(line, KNOWN)
    for _ in range(TRIES):
        with pytest.raises(WrongPin):
            await caller.sign_in(KNOWN, None, "000000", called_back=False)
    with pytest.raises(CallBackNeeded):
        await caller.sign_in(KNOWN, None, PIN, called_back=False)
    await caller.call_over()
    with database.session() as session:
        assert call_backs.claim(session, now()) == []
        (owed,) = call_backs.claim(session, now() + datetime.timedelta(seconds=3))
    assert (owed.signs_in, owed.flow, owed.numbers) == (True, "official-line", (KNOWN,))
    assert (await desk(line, KNOWN).sign_in(KNOWN, None, PIN, called_back=True)).id == owed.official_id


async def test_unknown_caller_gets_no_call_back(line: OfficialsLine, database: Database) -> None:
    for _ in range(TRIES):
        with pytest.raises(WrongPin):
            await desk(line, STRANGER).sign_in(STRANGER, "1011", "000000", called_back=False)
    await desk(line, STRANGER).call_over()
    with database.session() as session:
        assert session.scalars(sa.select(CallBack)).all() == []


async def test_chosen_pin_is_hashed_outside_of_transactions(
    line: OfficialsLine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = pins.hash_secret

    def hash_secret(pin: str) -> str:
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        return hashes(pin)

    monkeypatch.setattr(pins, "hash_secret", hash_secret)
    with database.session() as session:
        official_id = session.scalars(sa.select(Official.id)).one()
    await desk(line, KNOWN).choose_pin(official_id, "735193")
    with database.session() as session:
        assert secret_matches(session.get_one(Official, official_id).pin_hash, "735193")


async def test_acknowledgement_is_recorded_once_the_database_works_again(
    line: OfficialsLine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", (0.01,))
    with database.session() as session:
        official_id = session.scalars(sa.select(Official.id)).one()
        sirens, _ = begun(session, commune(session, code="12"), priority=Priority.EMERGENCY, zone_codes=["11"], times=0)
        on_air(session, sirens)
    faulty = FaultyDatabase(database)
    faulty.fail_once()
    assert await desk(dataclasses.replace(line, database=faulty), KNOWN).acknowledge(official_id) == 2
    faulty.close()


CO_BA = ZoneSeen("11", "Cô Ba", reachable=1, total=1)


class NotedStudio:
    """A studio that notes what is called when each broadcast is planned."""

    def __init__(self) -> None:
        self.told: list[WhenPlanned | None] = []

    async def go_live(self, *_: object, ahead: DialAhead | None, when_planned: WhenPlanned | None) -> Outcome:
        assert ahead is None
        self.told.append(when_planned)
        return Outcome(1, 1, ())


async def test_only_the_first_broadcast_of_a_booked_call_is_the_booked_one() -> None:
    studio, rest = NotedStudio(), cast(Any, None)
    line = OfficialsLine(rest, rest, cast(Studio, studio), rest, CallerLimits(), 0.0, rest, rest)
    desk = PhoneDesk(line, rest, "booked-live", rest, rest)

    def booked(*_: object) -> None:
        raise AssertionError

    desk.when_planned = booked
    for _ in range(2):
        await desk.go_live(1, CO_BA, Priority.NORMAL, called_back=True)
    assert studio.told == [booked, None]
