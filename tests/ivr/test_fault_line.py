"""The fault line by simulation: codes, faults, words, and every way to leave."""

from typing import Any

import pytest

from broadcast_bridge.repairs.pole_codes import pole_code
from broadcast_bridge.repairs.states import Fault
from haichieu.media import DiskFull
from ivr.calls.caller_limits import TooManyMessages
from ivr.flows.definition import delivered_flow
from ivr.flows.interpreter import FlowEnd
from ivr.simulator.citizen_desk import SimulatedCitizenDesk
from ivr.simulator.repair_desks import CODE, CODE_OF_BROKEN, ELSEWHERE, RETIRED, WITHOUT_LINE, SimulatedFaults
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import place_call, said

POLE = "Nhà văn hóa Nà Sài"
MISTYPED = f"{CODE[:-1]}{(int(CODE[-1]) + 1) % 10}"


async def fault_call(*keys: str, **more: Any) -> tuple[SimulatedCall, SimulatedFaults, SimulatedCitizenDesk, FlowEnd]:
    citizens = SimulatedCitizenDesk(faults=SimulatedFaults(**{k: more.pop(k) for k in list(more) if k not in ROUTE}))
    call, end = await place_call(*keys, flow=delivered_flow("fault-line"), citizens=citizens, **more)
    return call, citizens.faults, citizens, end


ROUTE = ("hang_up_at", "called_back", "language")


async def test_citizen_keys_code_and_fault_and_hears_it_is_reported() -> None:
    call, faults, _, end = await fault_call(f"{CODE}#", "1")
    assert call.heard[1:4] == [said("ask-pole-code"), said("fault-menu", speaker=POLE), said("fault-reported")]
    assert call.heard[-1] == said("goodbye")
    assert faults.reported == [(POLE, Fault.SILENT)]
    assert (faults.kept, end) == (0, FlowEnd.COMPLETED)


@pytest.mark.parametrize(("key", "fault"), [("2", Fault.LOUD), ("3", Fault.UNSAFE), ("4", Fault.NOISY)])
async def test_every_key_reports_its_fault(key: str, fault: Fault) -> None:
    assert (await fault_call(f"{CODE}#", key))[1].reported == [(POLE, fault)]


async def test_another_fault_is_spoken_after_the_tone() -> None:
    call, faults, _, _ = await fault_call(f"{CODE}#", "5")
    assert faults.reported == [(POLE, Fault.OTHER)]
    assert (faults.kept, faults.let_go) == (1, 1)
    assert said("fault-words-kept") in call.heard


async def test_caller_may_add_words_to_a_keyed_fault() -> None:
    _, faults, _, _ = await fault_call(f"{CODE}#", "3", "1")
    assert (faults.reported, faults.kept) == ([(POLE, Fault.UNSAFE)], 1)


async def test_report_of_a_known_fault_joins_its_repair() -> None:
    call, faults, _, _ = await fault_call(f"{CODE_OF_BROKEN}#", "1")
    assert said("fault-joined") in call.heard
    assert faults.reported == [("Ngã ba Cô Ba", Fault.SILENT)]


async def test_star_chooses_another_pole() -> None:
    _, faults, _, _ = await fault_call(f"{CODE_OF_BROKEN}#", "*", f"{CODE}#", "1")
    assert faults.reported == [(POLE, Fault.SILENT)]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (MISTYPED, "pole-mistyped"),
        ("12", "pole-mistyped"),
        (pole_code(900), "pole-unknown"),
        (pole_code(ELSEWHERE), "pole-elsewhere"),
        (pole_code(WITHOUT_LINE), "pole-elsewhere"),
        (pole_code(RETIRED), "pole-retired"),
    ],
)
async def test_wrong_code_is_explained_and_asked_for_again(code: str, answer: str) -> None:
    call, faults, _, _ = await fault_call(f"{code}#", f"{CODE}#", "1")
    assert said(answer) in call.heard
    assert faults.reported == [(POLE, Fault.SILENT)]


@pytest.mark.parametrize(("speaker", "told"), [(ELSEWHERE, True), (WITHOUT_LINE, False)])
async def test_caller_at_pole_of_another_commune_hears_its_number(speaker: int, told: bool) -> None:
    call, _, _, _ = await fault_call(f"{pole_code(speaker)}#")
    number = said("pole-elsewhere-call", unit="Xã Cốc Pàng", number="1044")
    assert "một không bốn bốn" in number
    assert (number in call.heard) == told


@pytest.mark.parametrize("keys", [(f"{MISTYPED}#",) * 3, ("0#",), ("*#",)])
async def test_caller_without_a_right_code_leaves_a_message(keys: tuple[str, ...]) -> None:
    call, faults, citizens, _ = await fault_call(*keys, "0", "1")
    assert (said("pole-no-more-tries") in call.heard) == (len(keys) == 3)
    assert faults.reported == []
    assert citizens.kept == [False]


async def test_silent_words_are_asked_for_three_times_and_the_report_stays() -> None:
    call, faults, _, end = await fault_call(f"{CODE}#", "5", silences=3)
    assert call.heard.count(said("message-silent")) == 3
    assert (faults.reported, faults.kept, faults.let_go) == ([(POLE, Fault.OTHER)], 0, 1)
    assert end is FlowEnd.COMPLETED


async def test_caller_over_the_limit_hears_so() -> None:
    call, faults, _, _ = await fault_call(f"{CODE}#", "1", refusal=TooManyMessages("call.too_many_messages"))
    assert said("too-many-messages") in call.heard
    assert faults.reported == []


async def test_full_disk_keeps_the_report_without_words() -> None:
    full = DiskFull("base.disk_full", free=0, needed=1, folder="/")
    call, faults, _, _ = await fault_call(f"{CODE}#", "5", no_disk=full)
    assert said("message-disk-full") in call.heard
    assert faults.reported == [(POLE, Fault.OTHER)]


async def test_hanging_up_anywhere_keeps_what_was_keyed_before() -> None:
    whole, _, _, _ = await fault_call(f"{CODE}#", "5")
    keyed = whole.transcript.index("⌨ 5")
    for step in range(whole.steps):
        call, faults, _, end = await fault_call(f"{CODE}#", "5", hang_up_at=step)
        assert end is FlowEnd.CALLER_LEFT
        was_keyed = len(call.transcript) - 1 > keyed
        assert faults.reported == ([(POLE, Fault.OTHER)] if was_keyed else [])


async def test_call_back_begins_with_its_own_greeting() -> None:
    call, faults, _, _ = await fault_call(f"{CODE}#", "1", called_back=True)
    assert call.heard[0] == said("hotline-call-back")
    assert faults.reported == [(POLE, Fault.SILENT)]
