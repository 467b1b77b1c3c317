"""Menu 7 of the officials' line: programmes heard before they are aired, and approved."""

import dataclasses
import datetime

from broadcast_bridge.programmes.approval import ApprovalRefused
from ivr.desks.programme_protocols import ProgrammeSeen
from ivr.simulator.programme_desk import SimulatedProgrammes
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import desk, place_call, said

WATER = ProgrammeSeen(7, "Cắt nước", "Hoàng Thị Lan", 95, "♫ water", datetime.datetime(2026, 11, 21), True)
FAIR = dataclasses.replace(WATER, id=8, title="Hội chợ", seconds=60, sound="♫ fair")
HEADING = said("programme-heading", title="Cắt nước", author="Hoàng Thị Lan", minutes=1, seconds=35)


def programmes(**changes: object) -> SimulatedProgrammes:
    return SimulatedProgrammes(**{"programmes": {7: WATER, 8: FAIR}} | changes)  # type: ignore[arg-type]


async def hear(*keys: str, at: SimulatedProgrammes) -> SimulatedCall:
    call, _ = await place_call("2468#", "7", *keys, at_desk=desk(programmes=at))
    return call


async def test_programme_is_heard_and_approved_and_the_next_one_follows() -> None:
    at = programmes()
    call = await hear("1", "2", "*", at=at)
    begin = call.transcript.index(said("programmes-to-hear", programmes=2))
    menu = said("programme-approval-menu")
    assert call.transcript[begin + 1 : begin + 8] == [
        HEADING, menu, "⌨ 1", "♫ water", menu, "⌨ 2", said("programme-approved"),
    ]  # fmt: skip
    assert said("programme-heading", title="Hội chợ", author="Hoàng Thị Lan", minutes=1, seconds=0) in call.heard
    assert at.approved == [7]


async def test_programme_that_is_passed_over_keeps_waiting() -> None:
    at = programmes()
    call = await hear("5", "5", at=at)
    assert at.approved == []
    assert said("no-more-programmes-waiting") in call.heard
    assert call.heard[-1] != said("programme-approved")


async def test_programme_that_may_only_be_heard_offers_no_approval() -> None:
    at = programmes(programmes={7: dataclasses.replace(WATER, may_approve=False)})
    call = await hear("1", "2", "5", at=at)
    assert "♫ water" in call.heard
    assert said("wrong-key") in call.heard
    assert said("programme-approval-menu") not in call.heard
    assert at.approved == []


async def test_refused_approval_is_said_and_the_programme_is_offered_again() -> None:
    call = await hear("2", "5", "5", at=programmes(refusal=ApprovalRefused("programme.approval.changed")))
    refused = next(line for line in call.heard if line.startswith("Chưa duyệt được."))
    assert call.heard[call.heard.index(refused) + 1] == said("programme-approval-menu")


async def test_official_without_the_rights_hears_so() -> None:
    call = await hear(at=programmes(may_hear=False))
    assert call.heard[2:5] == [said("official-menu"), said("programmes-not-allowed"), said("official-menu")]


async def test_official_hears_that_no_programme_waits() -> None:
    call = await hear(at=programmes(programmes={}))
    assert said("no-programmes-waiting") in call.heard


async def test_programme_that_was_approved_meanwhile_is_left_out() -> None:
    call = await hear("*", at=programmes(programmes={7: None, 8: FAIR}))
    assert HEADING not in call.heard


async def test_silence_at_a_programme_ends_the_call_and_approves_nothing() -> None:
    at = programmes()
    call = await hear(at=at)
    assert at.approved == []
    assert said("nothing-heard-goodbye") in call.heard
