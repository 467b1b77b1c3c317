"""An official chooses another PIN: called by the station, or on a line of its own."""

from ivr.flows.definition import delivered_flow
from ivr.flows.session import OfficialSeen
from ivr.simulator.simulator import SimulatedCall, SimulatedDesk
from tests.ivr.simulated_calls import desk, place_call, said

HAI = OfficialSeen(1, "Nông Văn Hải")
GREETING = said("set-pin-greeting", official="Nông Văn Hải")


async def called(*keys: str) -> tuple[SimulatedCall, SimulatedDesk]:
    at_desk = desk()
    flow = delivered_flow("set-pin")
    call, _ = await place_call(*keys, flow=flow, at_desk=at_desk, called_back=True, official=HAI)
    return call, at_desk


async def test_a_called_official_enters_a_new_pin_twice_after_a_key() -> None:
    call, at_desk = await called("1", "735193#", "735193#")
    assert call.heard == [GREETING, said("ask-new-pin"), said("ask-new-pin-again"), said("pin-changed")]
    assert at_desk.pin == "735193"


async def test_nothing_changes_without_the_key_or_with_two_that_differ() -> None:
    for keys in (("", "", ""), ("1", "735193#", "735192#", "", "", ""), ("1", "735193#")):
        _, at_desk = await called(*keys)
        assert at_desk.pin == "2468"


async def test_simple_ones_are_refused_three_times_at_most() -> None:
    call, at_desk = await called("1", "1234#", "1234#", "1111#", "1111#", "12#", "12#", "735193#", "735193#")
    assert call.heard.count(said("pin-too-simple")) == 2
    assert call.heard[-1] == said("pin-not-changed")
    assert at_desk.pin == "2468"


async def test_short_pin_needs_call_back_verification() -> None:
    call, at_desk = await called("1", "7351#", "7351#", "735193#", "735193#")
    assert call.heard.count(said("pin-too-short")) == 1
    assert at_desk.pin == "735193"
    verified = desk(call_back=True)
    await place_call(
        "1", "7351#", "7351#", flow=delivered_flow("set-pin"), at_desk=verified, called_back=True, official=HAI
    )
    assert verified.pin == "7351"


async def test_pin_is_no_part_of_a_number_of_the_official() -> None:
    call, at_desk = await called("1", "912000#", "912000#")
    assert said("pin-too-simple") in call.heard
    assert at_desk.pin == "2468"


async def test_on_a_line_of_its_own_the_old_pin_comes_first() -> None:
    at_desk = desk()
    call, _ = await place_call("2468#", "735193#", "735193#", flow=delivered_flow("set-pin"), at_desk=at_desk)
    assert call.heard[-1] == said("pin-changed")
    assert at_desk.pin == "735193"
