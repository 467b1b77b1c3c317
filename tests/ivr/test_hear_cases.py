"""Menu 4 of the officials' line: new cases heard and answered."""

import datetime

import pytest

from feedback.answers.phone_answers import AnswerNotAllowed, NotTaken
from haichieu.audio.ingest import SilentSound
from haichieu.errors import HaiChieuError
from haichieu.locale import Message
from haichieu.media import DiskFull
from ivr.desks.protocols import WaitingCase
from ivr.simulator.case_desks import SimulatedCases
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import desk, place_call, said

FIRST = WaitingCase(7, "12345674", "Hạ tầng, điện, nước", datetime.datetime(2026, 11, 20, 9, 30), ("♫ first",))
SECOND = WaitingCase(8, "76543210", "", datetime.datetime(2026, 11, 21, 14, 0), ("♫ second", "♫ more"))
HEADING = said("case-heading", number=FIRST.number, category=FIRST.category, when="9 giờ 30 phút ngày 20 tháng 11")
UNSORTED = said("case-heading-unsorted", number=SECOND.number, when="14 giờ ngày 21 tháng 11")


def cases(**changes: object) -> SimulatedCases:
    return SimulatedCases(**{"waiting": {7: FIRST, 8: SECOND}} | changes)  # type: ignore[arg-type]


async def hear(*keys: str, at: SimulatedCases) -> SimulatedCall:
    call, _ = await place_call("2468#", "4", *keys, at_desk=desk(cases=at))
    return call


async def test_cases_are_heard_oldest_first_and_passed_over() -> None:
    call = await hear("2", "2", at=cases())
    menu = said("case-menu")
    assert call.heard[3:12] == [
        said("new-cases", cases=2), HEADING, "♫ first", menu, UNSORTED, "♫ second", "♫ more", menu,
        said("no-more-cases"),
    ]  # fmt: skip
    assert call.heard[12] == said("official-menu")


async def test_without_cases_the_menu_comes_back() -> None:
    call = await hear(at=cases(waiting={}))
    assert call.heard[3:5] == [said("no-new-cases"), said("official-menu")]


async def test_a_case_that_was_answered_meanwhile_is_left_out() -> None:
    call = await hear("2", at=cases(waiting={7: None, 8: SECOND}))
    assert HEADING not in call.heard
    assert UNSORTED in call.heard


async def test_three_plays_it_again_and_star_goes_back() -> None:
    at = cases()
    call = await hear("3", "*", at=at)
    assert call.heard.count("♫ first") == 2
    assert UNSORTED not in call.heard
    assert call.heard[-5:].count(said("official-menu")) > 0
    assert at.sounds_forgotten


@pytest.mark.parametrize(("by_call", "prompt"), [(True, "answer-by-call"), (False, "answer-on-air")])
async def test_an_answer_is_recorded_heard_again_and_sent(by_call: bool, prompt: str) -> None:
    at = cases(by_call=by_call)
    call = await hear("1", "2", "1", "*", at=at)
    begin = call.transcript.index(said("record-instructions"))
    assert call.transcript[begin : begin + 8] == [
        said("record-instructions"), "● recorded", said("answer-review"), "⌨ 2",
        "▶", said("answer-review"), "⌨ 1", said(prompt),
    ]  # fmt: skip
    assert (at.answered, at.left) == ([7], 0)
    assert UNSORTED in call.heard


async def test_recording_again_deletes_the_first_take() -> None:
    at = cases()
    await hear("1", "3", "1", at=at)
    assert (at.discarded, at.answered) == (1, [7])


async def test_silence_after_recording_leaves_the_recording() -> None:
    at = cases()
    await hear("1", at=at)
    assert (at.answered, at.left, at.sounds_forgotten) == ([], 1, True)


@pytest.mark.parametrize(
    ("refusal", "prompt"),
    [
        (AnswerNotAllowed(Message.verbatim("no right")), "answer-not-allowed"),
        (DiskFull(Message.verbatim("full")), "disk-full"),
    ],
)
async def test_official_without_the_right_to_record_continues(refusal: HaiChieuError, prompt: str) -> None:
    at = cases(refusal=refusal)
    call = await hear("1", "2", at=at)
    assert call.heard[call.heard.index(said(prompt)) + 1] == said("case-menu")
    assert call.heard.count("♫ first") == 1
    assert UNSORTED in call.heard


@pytest.mark.parametrize(
    ("problem", "prompt", "goes_on"),
    [(SilentSound("silent"), "recording-silent", "case-menu"), (NotTaken("closed"), "answer-not-taken", None)],
)
async def test_what_cannot_be_sent_is_said(problem: HaiChieuError, prompt: str, goes_on: str | None) -> None:
    call = await hear("1", "1", at=cases(not_sent=problem))
    assert call.heard[call.heard.index(said(prompt)) + 1] == (said(goes_on) if goes_on else UNSORTED)
