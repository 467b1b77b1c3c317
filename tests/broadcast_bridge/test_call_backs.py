import datetime

import pytest

from broadcast_bridge.broadcasts import call_backs
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import CallBack
from haichieu.database import Database
from tests.builders.places import commune

pytestmark = pytest.mark.both_databases

NOW = datetime.datetime(2026, 11, 24, 5, 30, tzinfo=datetime.UTC)


def after(seconds: float) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def requested(database: Database) -> int:
    with database.session() as session:
        call = call_backs.request(session, commune(session).official, "11", Priority.EMERGENCY, "official-line", NOW)
        call_backs.make_due(session, call.id, after(2))
        return call.id


def state(database: Database, call_back_id: int) -> tuple[str, str]:
    with database.session() as session:
        call = session.get_one(CallBack, call_back_id)
        return call.state, call.outcome


def test_a_call_is_claimed_once_and_not_before_it_is_due(database: Database) -> None:
    requested(database)
    with database.session() as session:
        assert call_backs.claim(session, after(1)) == []
        assert call_backs.next_due(session) is not None
        (owed,) = call_backs.claim(session, after(2))
        assert (owed.zone_keys, owed.flow, owed.numbers) == ("11", "official-line", ("+84912000011",))
        assert owed.priority is Priority.EMERGENCY
    with database.session() as session:
        assert call_backs.claim(session, after(2)) == []
        assert call_backs.next_due(session) is None


def test_the_call_waits_for_the_official_to_hang_up_but_not_for_ever(database: Database) -> None:
    with database.session() as session:
        call_backs.request(session, commune(session).official, "11", Priority.NORMAL, "official-line", NOW)
        assert call_backs.claim(session, after(10)) == []
        assert len(call_backs.claim(session, after(30))) == 1


def test_a_call_that_comes_too_late_is_not_made(database: Database) -> None:
    call = requested(database)
    with database.session() as session:
        assert call_backs.claim(session, after(121)) == []
    assert state(database, call) == ("expired", "too late")


def test_a_newer_request_replaces_the_older(database: Database) -> None:
    with database.session() as session:
        who = commune(session).official
        old = call_backs.request(session, who, "11", Priority.NORMAL, "official-line", NOW)
        session.flush()
        call_backs.request(session, who, "12", Priority.NORMAL, "official-line", NOW)
        session.flush()
        session.refresh(old)
        assert old.state == "expired"
        assert [owed.zone_keys for owed in call_backs.claim(session, after(30))] == ["12"]


def test_a_call_that_a_dead_switchboard_was_making_is_given_up(database: Database) -> None:
    call = requested(database)
    with database.session() as session:
        call_backs.claim(session, after(3))
    with database.session() as session:
        assert call_backs.expire_interrupted(session) == 1
    assert state(database, call)[0] == "expired"


def test_the_result_of_a_call_is_recorded(database: Database) -> None:
    call = requested(database)
    with database.session() as session:
        call_backs.settle(session, call, "answered at •••001")
    assert state(database, call) == ("done", "answered at •••001")


def test_sign_in_call_is_made_at_most_every_two_minutes(database: Database) -> None:
    with database.session() as session:
        official_id = commune(session).official.id
        first = call_backs.request_sign_in_call(session, official_id, "official-line", NOW)
        assert first is not None
        call_backs.make_due(session, first, after(2))
        assert call_backs.request_sign_in_call(session, official_id, "official-line", after(1)) is None
    with database.session() as session:
        (owed,) = call_backs.claim(session, after(3))
        assert (owed.signs_in, owed.zone_keys, owed.numbers) == (True, "", ("+84912000011",))
        assert call_backs.request_sign_in_call(session, official_id, "official-line", after(4)) is None
        call_backs.settle(session, first, "not answered")
        assert call_backs.request_sign_in_call(session, official_id, "official-line", after(60)) is None
        assert call_backs.request_sign_in_call(session, official_id, "official-line", after(123)) is not None


def test_sign_in_call_replaces_no_pending_call(database: Database) -> None:
    pending = requested(database)
    with database.session() as session:
        official_id = session.get_one(CallBack, pending).official_id
        assert call_backs.request_sign_in_call(session, official_id, "official-line", after(1)) is None
    assert state(database, pending) == ("owed", "")
