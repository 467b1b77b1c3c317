import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.decisions import receive
from broadcast_bridge.alerts.emergencies import (
    EmergencyNotAllowed,
    EmergencyOver,
    NextStep,
    NothingToSound,
    NotLocal,
    RepeatPolicy,
    Sounding,
    acknowledge,
    may_command,
    next_step,
    round_ended,
    settle,
    sounding_now,
    speakers_left,
    start,
    stop,
    stop_replaced,
)
from broadcast_bridge.alerts.models import Emergency
from broadcast_bridge.states import Priority
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.people import Account, Role
from tests.broadcast_bridge.alerts.messages import NOW, alert, cancel, minutes, place, reference, source, with_secret
from tests.builders import Commune

FLOOD = Sounding("Lũ về, bà con lên nơi cao.")


def commanding(session: Session, code: str = "11", geocode: str = "1") -> Commune:
    here = place(session, code, geocode)
    here.official.may = ["live", "emergency"]
    return here


def begin(session: Session, *places: Commune, policy: RepeatPolicy | None = None) -> Emergency:
    speakers = [speaker for here in places for speaker in here.speakers]
    return start(session, places[0].official, speakers, FLOOD, policy or RepeatPolicy(), NOW)


def test_an_emergency_is_repeated_until_an_official_on_the_spot_acknowledges_it(database: Database) -> None:
    with database.session() as session:
        here = commanding(session)
        emergency = begin(session, here)
        assert next_step(emergency, NOW) is NextStep.REPEAT
        assert round_ended(session, emergency, minutes(1)) is NextStep.REPEAT
        assert acknowledge(session, emergency, here.official, minutes(2)) == here.speakers
        assert (emergency.state, emergency.acknowledged_by) == ("acknowledged", "official:1011")
        assert round_ended(session, emergency, minutes(2)) is NextStep.STOP
        assert sounding_now(session) == []


def test_who_acknowledges_silences_their_own_speakers_only(database: Database) -> None:
    with database.session() as session:
        here, there = commanding(session), commanding(session, "12", "2")
        emergency = begin(session, here, there)
        acknowledge(session, emergency, here.official, minutes(1))
        assert (emergency.state, speakers_left(emergency)) == ("sounding", there.speakers)
        assert next_step(emergency, minutes(1)) is NextStep.REPEAT
        assert acknowledge(session, emergency, here.official, minutes(2)) == []
        acknowledge(session, emergency, there.official, minutes(3))
        assert emergency.state == "acknowledged"


def test_an_official_from_elsewhere_cannot_acknowledge(database: Database) -> None:
    with database.session() as session:
        here, there = commanding(session), commanding(session, "12", "2")
        emergency = begin(session, here)
        with pytest.raises(NotLocal):
            acknowledge(session, emergency, there.official, NOW)
        assert speakers_left(emergency) == here.speakers


def test_nobody_commands_an_emergency_without_the_right(database: Database) -> None:
    with database.session() as session:
        here = commanding(session)
        emergency = begin(session, here)
        here.official.may = ["live"]
        with pytest.raises(EmergencyNotAllowed):
            begin(session, here)
        with pytest.raises(EmergencyNotAllowed):
            acknowledge(session, emergency, here.official, NOW)
        with pytest.raises(EmergencyNotAllowed):
            stop(session, emergency, here.official, NOW)
        assert len(session.scalars(sa.select(Emergency)).all()) == 1
        roles = {role for role in Role if may_command(Account(role=role, email="a@b.c", name="A"))}
        assert roles == {Role.ADMIN, Role.OPERATOR}
        assert may_command(source(session))
        assert not may_command(source(session, highest_priority=Priority.PRIORITY))


def test_a_stop_ends_it_everywhere_and_only_once(database: Database) -> None:
    with database.session() as session:
        here = commanding(session)
        emergency = begin(session, here)
        stop(session, emergency, here.official, minutes(1))
        assert (emergency.state, emergency.stopped_by, emergency.ended_at) == ("stopped", "official:1011", minutes(1))
        assert next_step(emergency, minutes(1)) is NextStep.STOP
        for again in (stop, acknowledge):
            with pytest.raises(EmergencyOver):
                again(session, emergency, here.official, minutes(2))


def test_it_runs_out_after_its_repeats(database: Database) -> None:
    with database.session() as session:
        emergency = begin(session, commanding(session), policy=RepeatPolicy(repeats=2))
        assert round_ended(session, emergency, minutes(1)) is NextStep.REPEAT
        assert round_ended(session, emergency, minutes(2)) is NextStep.STOP
        assert (emergency.state, emergency.ended_at) == ("exhausted", minutes(2))


def test_it_is_over_by_the_clock_even_when_the_studio_was_down(database: Database) -> None:
    with database.session() as session:
        emergency = begin(session, commanding(session), policy=RepeatPolicy(max_minutes=30))
        assert settle(session, emergency, minutes(29)) is NextStep.REPEAT
        assert settle(session, emergency, minutes(31)) is NextStep.STOP
        assert (emergency.state, emergency.rounds) == ("exhausted", 0)


def test_a_cancelled_alert_takes_its_emergency_with_it(database: Database) -> None:
    with database.session() as session:
        here, who = commanding(session, geocode="01285"), source(session)
        first = receive(session, who, alert(), with_secret(alert()), NOW)
        emergency = start(session, who, first.speakers, FLOOD, RepeatPolicy(), NOW, first.alert)
        other = begin(session, here)
        assert stop_replaced(session, minutes(1)) == []
        document = cancel("CB-2", reference("CB-2026-001"), minutes(1))
        receive(session, who, document, with_secret(document), minutes(1))
        assert stop_replaced(session, minutes(1)) == [emergency]
        assert (emergency.state, other.state) == ("stopped", "sounding")


def test_every_act_is_in_the_audit_trail(database: Database) -> None:
    with database.session() as session:
        here = commanding(session)
        emergency = begin(session, here)
        acknowledge(session, emergency, here.official, NOW)
        stop(session, emergency, here.official, NOW)
        acts = session.scalars(
            sa.select(AuditEntry.action).where(AuditEntry.subject == f"emergency:{emergency.id}").order_by("id")
        ).all()
        assert acts == ["emergency.start", "emergency.acknowledge", "emergency.stop"]


def test_an_emergency_without_speakers_or_sound_does_not_begin(database: Database) -> None:
    with database.session() as session:
        here = commanding(session)
        with pytest.raises(NothingToSound):
            start(session, here.official, [], FLOOD, RepeatPolicy(), NOW)
        with pytest.raises(NothingToSound):
            start(session, here.official, here.speakers, Sounding(" ", siren=False), RepeatPolicy(), NOW)


@pytest.mark.parametrize(
    ("policy", "rounds", "sounding", "at", "step"),
    [
        (RepeatPolicy(), 0, True, 0, NextStep.REPEAT),
        (RepeatPolicy(), 500, True, 29, NextStep.REPEAT),
        (RepeatPolicy(), 1, False, 0, NextStep.STOP),
        (RepeatPolicy(max_minutes=30), 1, True, 30, NextStep.STOP),
        (RepeatPolicy(max_minutes=30, pause_seconds=60), 1, True, 29, NextStep.STOP),
        (RepeatPolicy(repeats=3), 2, True, 1, NextStep.REPEAT),
        (RepeatPolicy(repeats=3), 3, True, 1, NextStep.STOP),
    ],
)
def test_the_policy_says_what_follows(
    policy: RepeatPolicy, rounds: int, sounding: bool, at: int, step: NextStep
) -> None:
    assert policy.next_step(NOW, rounds, sounding, minutes(at)) is step


@pytest.mark.parametrize("wrong", [{"repeats": -1}, {"pause_seconds": -1.0}, {"max_minutes": 0}, {"max_minutes": 1441}])
def test_an_impossible_policy_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(NothingToSound):
        RepeatPolicy(**wrong)
