"""The interpreter: hang-ups, silence, wrong keys, failures, endless loops."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from haichieu.ari.key_events import Digits
from haichieu.errors import EnvironmentProblem
from haichieu.locale import Message
from ivr.flows.definition import delivered_flow, parse_flow
from ivr.flows.interpreter import MOST_STEPS, FlowEnd, run_flow
from ivr.flows.session import CallBackRequired, NotKnownYet, Session, Values
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import CO_BA, REPORT, STRANGER, desk, place_call, said, session

WHOLE_CALL = ["1001#", "1111#", "1001#", "2468#", "6", "", "3", "1", "77#", "11#", "2", "11#", "1", "*"]


def flow_of(*nodes: Mapping[str, object]) -> str:
    return json.dumps({"flow": "test", "version": 1, "title": {"vi": "Thử"}, "start": nodes[0]["id"], "nodes": nodes})


END = {"id": "end", "verb": "hangup", "prompt": "goodbye"}


async def test_a_hang_up_at_any_step_ends_the_call_and_nothing_else_happens() -> None:
    whole, _ = await place_call(*WHOLE_CALL, caller=STRANGER, at_desk=desk(report=REPORT))
    for step in range(whole.steps):
        at_desk = desk(report=REPORT)
        call, end = await place_call(*WHOLE_CALL, caller=STRANGER, at_desk=at_desk, hang_up_at=step)
        assert end is FlowEnd.CALLER_LEFT
        assert call.steps == step
        assert call.transcript[-1] == "☎ hung up by the caller"
        assert whole.transcript[: len(call.transcript) - 1] == call.transcript[:-1]


@pytest.mark.parametrize("step", range(4))
async def test_a_hang_up_during_a_call_back_is_no_confirmation(step: int) -> None:
    at_desk = desk()
    _, end = await place_call(at_desk=at_desk, hang_up_at=step, called_back=True, official=at_desk.official, zone=CO_BA)
    assert at_desk.went_live == []
    assert end is FlowEnd.CALLER_LEFT


async def test_hanging_up_during_the_call_back_announcement_ends_the_call() -> None:
    owed = desk(refusal=CallBackRequired())
    whole, _ = await place_call("2468#", "1", "11#", "1", at_desk=owed)
    call, end = await place_call("2468#", "1", "11#", "1", at_desk=owed, hang_up_at=whole.steps - 2)
    assert end is FlowEnd.CALLER_LEFT
    assert said("call-back-announcement") not in call.heard


async def test_a_silent_caller_is_asked_three_times_and_taken_leave_of() -> None:
    call, end = await place_call()
    assert call.heard == [
        said("greeting-official"),
        said("ask-pin"),
        said("nothing-heard"),
        said("ask-pin"),
        said("nothing-heard"),
        said("ask-pin"),
        said("nothing-heard-goodbye"),
    ]
    assert end is FlowEnd.COMPLETED
    assert call.over


@pytest.mark.parametrize("keys", [[], ["2468#"], ["2468#", "1"], ["2468#", "1", "11#"]])
async def test_silence_at_any_question_ends_the_call(keys: list[str]) -> None:
    call, end = await place_call(*keys)
    assert call.heard[-1] == said("nothing-heard-goodbye")
    assert end is FlowEnd.COMPLETED


async def test_hash_alone_is_no_answer() -> None:
    call, _ = await place_call("#", "2468#")
    assert call.heard[2:5] == [said("nothing-heard"), said("ask-pin"), said("official-menu")]


async def test_a_node_with_a_time_out_exit_takes_it_at_the_first_silence() -> None:
    flow = parse_flow(
        flow_of({"id": "menu", "verb": "menu", "prompt": "ask-zone", "exits": {"1": "menu", "timeout": "end"}}, END)
    )
    call, _ = await place_call("1", flow=flow)
    assert call.heard == [said("ask-zone"), said("ask-zone"), said("goodbye")]


async def test_an_answer_is_kept_for_the_prompts_that_follow() -> None:
    ask = {
        "id": "ask",
        "verb": "ask",
        "prompt": "ask-zone",
        "save_as": "code",
        "max_digits": 3,
        "exits": {"answered": "repeat", "timeout": "end"},
    }
    repeat = {"id": "repeat", "verb": "say", "prompt": "unknown-zone", "exits": {"next": "ask"}}
    call, _ = await place_call("10#", "2345", flow=parse_flow(flow_of(ask, repeat, END)))
    assert said("unknown-zone", code="10") in call.heard
    assert said("unknown-zone", code="234") in call.heard
    assert said("unknown-zone", code="5") in call.heard
    assert call.heard[-1] == said("goodbye")


async def test_an_ask_without_a_time_out_exit_asks_three_times() -> None:
    ask = {"id": "ask", "verb": "ask", "prompt": "ask-zone", "save_as": "code", "exits": {"answered": "end"}}
    call, _ = await place_call(flow=parse_flow(flow_of(ask, END)))
    assert call.heard.count(said("ask-zone")) == 3
    assert call.heard[-1] == said("nothing-heard-goodbye")


async def test_the_seconds_of_a_menu_reach_the_call() -> None:
    waited: list[float] = []

    class WatchedCall(SimulatedCall):
        async def ask(
            self,
            *sounds: str,
            max_digits: int = 20,
            terminator: str = "#",
            first_digit_seconds: float = 6.0,
            next_digit_seconds: float = 4.0,
        ) -> Digits:
            waited.append(first_digit_seconds)
            return await super().ask(*sounds, max_digits=max_digits, terminator=terminator)

    menu = {"id": "menu", "verb": "menu", "prompt": "ask-zone", "seconds": 2.5, "exits": {"1": "end"}}
    await run_flow(parse_flow(flow_of(menu, END)), session(WatchedCall(["1"])))
    assert waited == [2.5]


async def test_an_error_of_ours_is_an_apology_and_the_end() -> None:
    call, end = await place_call(
        "2468#", "1", "11#", "1", at_desk=desk(refusal=EnvironmentProblem(Message.verbatim("no ffmpeg")))
    )
    assert end is FlowEnd.FAILED
    assert call.transcript[-2:] == [said("technical-failure"), "☎ hung up by the station"]


async def test_a_station_that_cannot_speak_at_all_still_hangs_up() -> None:
    class NoVoice:
        def sound(self, key: str, language: str, variables: Values | None = None) -> str:
            raise EnvironmentProblem(Message.verbatim("no espeak-ng"))

    call = SimulatedCall()
    assert await run_flow(delivered_flow("hotline"), Session(call, NoVoice(), desk(), "vi")) is FlowEnd.FAILED
    assert call.transcript == ["☎ answered", "☎ hung up by the station"]


async def test_going_live_without_sign_in_is_impossible_in_an_unchecked_flow() -> None:
    live = {
        "id": "live",
        "verb": "go-live",
        "exits": {"done": "end", "not-started": "end", "call-back": "end"},
    }
    at_desk = desk()
    call, end = await place_call(flow=parse_flow(flow_of(live, END)), at_desk=at_desk)
    assert end is FlowEnd.FAILED
    assert at_desk.went_live == []
    assert call.over


async def test_a_call_back_into_a_flow_without_an_entry_for_it_fails_politely() -> None:
    closed = {"id": "say", "verb": "hangup", "prompt": "goodbye"}
    call, end = await place_call(flow=parse_flow(flow_of(closed)), called_back=True)
    assert end is FlowEnd.FAILED
    assert call.heard == [said("technical-failure")]


async def test_a_flow_that_goes_in_circles_is_ended() -> None:
    say = {"id": "say", "verb": "say", "prompt": "goodbye", "exits": {"next": "say"}}
    call, end = await place_call(flow=parse_flow(flow_of(say)))
    assert end is FlowEnd.COMPLETED
    assert len(call.heard) == MOST_STEPS + 1
    assert call.over


async def test_cancellation_is_left_to_the_owner_of_the_call() -> None:
    reached = asyncio.Event()

    class WaitingCall(SimulatedCall):
        async def say(self, *sounds: str) -> None:
            reached.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(run_flow(delivered_flow("hotline"), session(WaitingCall())))
    await asyncio.wait_for(reached.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_a_session_does_not_invent_what_is_not_known() -> None:
    empty = session(SimulatedCall())
    with pytest.raises(NotKnownYet):
        empty.require_official()
    with pytest.raises(NotKnownYet):
        empty.require_zone()
    with pytest.raises(NotKnownYet):
        empty.require_citizens()
    with pytest.raises(NotKnownYet):
        empty.require_commune()
    assert empty.values() == {}
