"""The call that brings a citizen an answer."""

import datetime

import pytest

from feedback.intake.voice_messages import NothingSaid
from haichieu.errors import HaiChieuError
from haichieu.media import DiskFull
from ivr.desks.protocols import AnswerSeen
from ivr.flows.definition import delivered_flow
from ivr.flows.interpreter import FlowEnd
from ivr.simulator.case_desks import SimulatedAnswers
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import place_call, said

OF = said("answer-of", when="9 giờ 30 phút ngày 20 tháng 11")


async def ring(*keys: str, at: SimulatedAnswers | None, hang_up_at: int | None = None) -> tuple[SimulatedCall, FlowEnd]:
    flow = delivered_flow("answer-call")
    return await place_call(*keys, flow=flow, called_back=True, answer_desk=at, hang_up_at=hang_up_at)


async def test_nothing_of_the_answer_is_heard_before_the_key() -> None:
    at = SimulatedAnswers()
    call, _ = await ring(at=at)
    assert call.heard[0] == said("answer-greeting")
    assert OF not in call.heard
    assert (at.told, at.heard_ids) == (0, [])


async def test_played_to_its_end_it_is_heard_also_when_nobody_presses_a_key() -> None:
    at = SimulatedAnswers()
    call, end = await ring("1", "", "", at=at)
    assert call.heard == [
        said("answer-greeting"), OF, "♫ answer 1", said("answer-menu"),
        said("ask-satisfied"), said("goodbye"),
    ]  # fmt: skip
    assert (at.heard_ids, end, at.ratings) == ([1], FlowEnd.COMPLETED, [])


async def test_a_key_while_it_plays_counts() -> None:
    at = SimulatedAnswers()
    call, _ = await ring("1", "1", at=at)
    assert call.heard[-1] == said("goodbye")
    assert said("answer-menu") not in call.heard
    assert at.heard_ids == [1]


async def test_two_plays_it_again_but_not_for_ever() -> None:
    at = SimulatedAnswers()
    call, _ = await ring("1", *["2"] * 50, at=at)
    assert at.times_played == 5
    assert call.heard[-1] == said("goodbye")


async def test_hanging_up_during_playback_does_not_confirm() -> None:
    at = SimulatedAnswers()
    _, end = await ring("1", "1", at=at, hang_up_at=2)
    assert (at.times_played, at.heard_ids, end) == (1, [], FlowEnd.CALLER_LEFT)


async def test_several_answers_are_played_in_one_call() -> None:
    asked = datetime.datetime(2026, 11, 20, 9, 30)
    at = SimulatedAnswers([AnswerSeen(1, "♫ answer 1", asked), AnswerSeen(2, "♫ answer 2", asked)])
    call, _ = await ring("1", "1", "1", at=at)
    assert at.heard_ids == [1, 2]
    assert call.heard[-3:] == ["♫ answer 2", said("ask-satisfied"), said("goodbye")]


async def test_key_three_records_a_message_and_continues() -> None:
    at = SimulatedAnswers()
    call, _ = await ring("1", "3", "2", "1", at=at)
    begin = call.transcript.index(said("speak-more-instructions"))
    assert call.transcript[begin : begin + 9] == [
        said("speak-more-instructions"), "● recorded", said("record-menu"), "⌨ 2",
        "▶", said("record-menu"), "⌨ 1", said("speak-more-kept"), said("ask-satisfied"),
    ]  # fmt: skip
    assert (at.heard_ids, at.kept, at.let_go) == ([1], 1, 1)


@pytest.mark.parametrize(
    ("changes", "prompt"),
    [
        ({"refusal": DiskFull("full")}, "speak-more-failed"),
        ({"not_kept": NothingSaid("nothing")}, "recording-silent"),
    ],
)
async def test_what_cannot_be_recorded_is_said(changes: dict[str, HaiChieuError], prompt: str) -> None:
    call, _ = await ring("1", "3", "1", at=SimulatedAnswers(**changes))  # type: ignore[arg-type]
    assert said(prompt) in call.heard
    assert call.heard[-1] == said("goodbye")


async def test_a_second_take_that_is_abandoned_is_deleted() -> None:
    at = SimulatedAnswers()
    await ring("1", "3", "3", at=at)
    assert (at.discarded, at.kept, at.let_go) == (1, 0, 1)


async def test_a_call_without_answers_says_goodbye() -> None:
    call, _ = await ring("1", at=None)
    assert call.heard == [said("answer-greeting"), said("goodbye")]


@pytest.mark.parametrize(("key", "satisfied"), [("1", True), ("2", False)])
async def test_citizen_rates_the_answer_with_one_key(key: str, satisfied: bool) -> None:
    at = SimulatedAnswers()
    call, end = await ring("1", "1", key, at=at)
    assert at.ratings == [satisfied]
    assert call.heard[-2:] == [said("thanks-for-vote"), said("goodbye")]
    assert end is FlowEnd.COMPLETED
