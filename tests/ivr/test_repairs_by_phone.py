"""Repairs by phone: a technician hears them, and closes one at the pole with the test tone as proof."""

from typing import Any

import pytest

from broadcast_bridge.repairs.errors import RepairNotAllowed
from broadcast_bridge.repairs.pole_codes import pole_code
from broadcast_bridge.repairs.states import Fault
from ivr.desks.repair_protocols import ToneOutcome
from ivr.prompts.spoken_time import spoken_moment
from ivr.simulator.repair_desks import CODE, CODE_OF_BROKEN, SimulatedRepairs
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import desk, place_call, said

BROKEN = "Ngã ba Cô Ba"


async def repair_call(*keys: str, hang_up_at: int | None = None, **more: Any) -> tuple[SimulatedCall, SimulatedRepairs]:
    """A call of an official who signs in and presses 5."""
    at_desk = desk(repairs=SimulatedRepairs(**more))
    call, _ = await place_call("2468#", "6", *keys, at_desk=at_desk, hang_up_at=hang_up_at)
    return call, at_desk.repairs


def heading() -> str:
    seen = SimulatedRepairs().waiting[7]
    assert seen is not None
    return said("repair-heading", speaker=BROKEN, when=spoken_moment(seen.opened_at, "vi"), reports=2)


async def test_technician_hears_open_repairs_with_the_words_of_citizens() -> None:
    call, _ = await repair_call("1", "2")
    begin = call.heard.index(said("open-repairs", repairs=1))
    assert call.heard[begin + 1 : begin + 4] == [heading(), said("fault-is-silent"), "♫ report"]
    assert said("no-more-repairs") in call.heard


async def test_repair_is_played_again_and_star_goes_back() -> None:
    call, _ = await repair_call("1", "3", "*")
    assert call.heard.count(heading()) == 2
    assert said("no-more-repairs") not in call.heard
    assert call.heard.count(said("repairs-menu")) >= 2


async def test_repair_closed_meanwhile_is_left_out() -> None:
    call, _ = await repair_call("1", waiting={7: None})
    assert heading() not in call.heard
    assert said("no-more-repairs") in call.heard


async def test_no_open_repairs_are_said_to_be_none() -> None:
    assert said("no-repairs") in (await repair_call("1", waiting={}))[0].heard


@pytest.mark.parametrize("keys", [("1",), ("2", f"{CODE}#")])
async def test_official_without_the_right_is_refused(keys: tuple[str, ...]) -> None:
    call, repairs = await repair_call(*keys, refusal=RepairNotAllowed("1001"))
    assert said("repair-not-allowed") in call.heard
    assert (repairs.closed, repairs.reported) == ([], [])


async def test_repair_is_closed_when_the_tone_was_heard() -> None:
    call, repairs = await repair_call("2", f"{CODE_OF_BROKEN}#", "1", "1")
    assert (repairs.tested, repairs.closed) == (1, [BROKEN])
    assert said("repair-closed") in call.heard


async def test_tone_is_played_again_before_closing() -> None:
    _, repairs = await repair_call("2", f"{CODE_OF_BROKEN}#", "1", "2", "1")
    assert (repairs.tested, repairs.closed) == (2, [BROKEN])


@pytest.mark.parametrize("last", ["*", ""])
async def test_unheard_tone_closes_nothing(last: str) -> None:
    _, repairs = await repair_call("2", f"{CODE_OF_BROKEN}#", "1", last)
    assert (repairs.tested, repairs.closed) == (1, [])


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (ToneOutcome.NOT_PLAYED, "tone-not-played"),
        (ToneOutcome.UNREACHABLE, "tone-unreachable"),
        (ToneOutcome.MUTED, "tone-muted"),
        (ToneOutcome.BUSY, "tone-busy"),
    ],
)
async def test_tone_that_did_not_play_cannot_close_the_repair(outcome: ToneOutcome, answer: str) -> None:
    call, repairs = await repair_call("2", f"{CODE_OF_BROKEN}#", "1", "*", tones=[outcome])
    assert said(answer) in call.heard
    assert said("tone-heard") not in call.heard
    assert (repairs.tested, repairs.closed) == (1, [])


async def test_repair_closed_by_another_person_is_said_to_be_closed() -> None:
    call, _ = await repair_call("2", f"{CODE_OF_BROKEN}#", "1", "1", closed_before=True)
    assert said("repair-closed-before") in call.heard


async def test_technician_opens_a_repair_where_there_is_none() -> None:
    call, repairs = await repair_call("2", f"{CODE}#", "1", "4")
    assert repairs.reported == [("Nhà văn hóa Nà Sài", Fault.NOISY)]
    assert said("repair-opened") in call.heard


async def test_another_code_is_asked_for_at_a_pole_without_repair() -> None:
    _, repairs = await repair_call("2", f"{CODE}#", "2", f"{CODE_OF_BROKEN}#", "1", "1")
    assert repairs.closed == [BROKEN]


async def test_wrong_codes_lead_back_to_the_menu() -> None:
    call, repairs = await repair_call("2", *(f"{pole_code(900)}#",) * 3)
    assert said("pole-no-more-tries") in call.heard
    assert call.heard.count(said("repairs-menu")) >= 2
    assert repairs.closed == []


async def test_hanging_up_anywhere_closes_only_what_was_confirmed() -> None:
    keys = ("2", f"{CODE_OF_BROKEN}#", "1", "1")
    whole, _ = await repair_call(*keys)
    confirmed = whole.transcript.index(said("repair-closed"))
    for step in range(whole.steps):
        call, repairs = await repair_call(*keys, hang_up_at=step)
        assert repairs.closed == ([BROKEN] if len(call.transcript) > confirmed else [])
