"""The citizens' line as a caller hears it, step by step."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from feedback.cases.case_numbers import new_case_number
from feedback.states import CaseStatus
from haichieu.errors import HaiChieuError
from haichieu.media import DiskFull
from ivr.calls.caller_limits import TooManyMessages
from ivr.desks.protocols import BulletinSeen, CaseSeen, CommuneSeen, DutyDesk
from ivr.flows.definition import delivered_flow
from ivr.flows.interpreter import FlowEnd, run_flow
from ivr.simulator.citizen_desk import SimulatedCitizenDesk
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import STRANGER, place_call, said, session

MENU = said("hotline-menu")
NEWS = (BulletinSeen(7, "Bản tin sáng", "♫7"), BulletinSeen(5, "Lịch tiêm phòng", "♫5"))
CO_BA = CommuneSeen(2, "Cô Ba")
NUMBER_SPOKEN = said("case-number", first="1234", second="5674")
BEFORE_TONE = [said("message-instructions"), "● recorded"]


async def phone(*keys: str, desk: SimulatedCitizenDesk | None = None, **more: Any) -> tuple[SimulatedCall, FlowEnd]:
    return await place_call(
        *keys, caller=STRANGER, flow=delivered_flow("hotline"), citizens=desk or SimulatedCitizenDesk(), **more
    )


async def test_a_message_is_left_by_the_keys_that_are_promised() -> None:
    desk = SimulatedCitizenDesk()
    call, end = await phone("2", "1", "1", desk=desk)
    assert call.transcript[:4] == ["☎ answered", said("greeting-hotline"), MENU, "⌨ 2"]
    after = call.transcript.index("⌨ 1")
    assert call.transcript[after + 1 : after + 3] == BEFORE_TONE
    kept = call.heard.index(said("message-kept"))
    assert call.heard[kept : kept + 3] == [said("message-kept"), NUMBER_SPOKEN, NUMBER_SPOKEN]
    assert [category.key for category, _ in desk.begun if category] == ["1"]
    assert (desk.kept, desk.let_go) == ([False], 1)
    assert end is FlowEnd.COMPLETED


async def test_categories_are_read_out_with_their_keys() -> None:
    call, _ = await phone("2")
    asked = call.heard.index(said("ask-category"))
    assert call.heard[asked + 1 : asked + 4] == [
        said("category-choice", name="Hạ tầng, điện, nước", key="1"),
        said("category-choice", name="Chính sách", key="2"),
        said("category-not-sure"),
    ]


async def test_a_caller_who_is_not_sure_leaves_a_message_without_a_category() -> None:
    desk = SimulatedCitizenDesk()
    await phone("2", "0", "1", desk=desk)
    assert desk.begun == [(None, "vi")]
    assert desk.kept == [False]


async def test_a_category_that_does_not_exist_is_a_wrong_key() -> None:
    desk = SimulatedCitizenDesk()
    call, _ = await phone("2", "9", "1", "1", desk=desk)
    assert said("wrong-key") in call.heard
    assert len(desk.kept) == 1


async def test_a_station_without_categories_asks_for_none() -> None:
    call, _ = await phone("2", "1", desk=SimulatedCitizenDesk(topics=()))
    assert said("ask-category") not in call.heard
    assert said("message-kept") in call.heard


async def test_a_single_category_is_not_asked_for() -> None:
    desk = SimulatedCitizenDesk(topics=SimulatedCitizenDesk.topics[:1])
    call, _ = await phone("2", "1", desk=desk)
    assert said("ask-category") not in call.heard
    assert ([category.key for category, _ in desk.begun if category], desk.kept) == (["1"], [False])


async def test_caller_is_recorded_while_the_instructions_play() -> None:
    call = SimulatedCall(["2", "0", "1"])

    class Watching(SimulatedCitizenDesk):
        watched: ClassVar[list[tuple[int, str]]] = []

        @contextlib.asynccontextmanager
        async def recorded_meanwhile(self, name: str, max_seconds: int) -> AsyncIterator[None]:
            begun = len(call.transcript)
            yield
            assert call.transcript[begun:] == BEFORE_TONE
            self.watched.append((max_seconds, name))

    desk = Watching()
    await run_flow(delivered_flow("hotline"), session(call, citizens=desk))
    assert desk.watched == [(360, "message")]


async def test_a_message_is_heard_again_and_recorded_again() -> None:
    desk = SimulatedCitizenDesk()
    call, _ = await phone("2", "0", "2", "3", "1", desk=desk)
    assert call.heard.count("● recorded") == 2
    assert "▶" in call.heard
    assert (desk.forgotten, desk.kept) == (1, [False])


async def test_four_keeps_it_without_the_number() -> None:
    desk = SimulatedCitizenDesk()
    await phone("2", "0", "4", desk=desk)
    assert desk.kept == [True]


async def test_a_caller_who_presses_nothing_after_speaking_leaves_a_message() -> None:
    desk = SimulatedCitizenDesk()
    call, _ = await phone("2", "0", desk=desk)
    assert desk.kept == [False]
    assert call.heard[-1] == NUMBER_SPOKEN


async def test_hanging_up_at_any_step_gives_the_recording_back() -> None:
    whole, _ = await phone("2", "0", "1")
    for step in range(whole.steps):
        desk = SimulatedCitizenDesk()
        _, end = await phone("2", "0", "1", desk=desk, hang_up_at=step)
        assert end is FlowEnd.CALLER_LEFT
        assert desk.let_go == len(desk.begun)
        assert (desk.discarded, desk.forgotten) == (0, 0)


async def test_a_silent_caller_is_asked_again() -> None:
    desk = SimulatedCitizenDesk(silences=1)
    call, _ = await phone("2", "0", "1", desk=desk)
    silent = call.heard.index(said("message-silent"))
    assert call.heard[silent + 1 : silent + 3] == BEFORE_TONE
    assert desk.kept == [False]


async def test_after_three_silences_nothing_is_filed() -> None:
    desk = SimulatedCitizenDesk(silences=3)
    call, _ = await phone("2", "0", desk=desk)
    assert call.heard.count(said("message-silent")) == 3
    assert (desk.kept, desk.discarded) == ([], 1)


@pytest.mark.parametrize(
    ("refusal", "prompt"), [(DiskFull("full"), "message-disk-full"), (TooManyMessages("20"), "too-many-messages")]
)
async def test_a_caller_who_cannot_leave_a_message_hears_why(refusal: HaiChieuError, prompt: str) -> None:
    call, _ = await phone("2", "0", desk=SimulatedCitizenDesk(refusal=refusal))
    why = call.heard.index(said(prompt))
    assert call.heard[why + 1] == MENU
    assert "● recorded" not in call.heard


async def test_an_endless_message_is_cut_off_after_minutes_and_stored() -> None:
    class Music(SimulatedCall):
        async def record(self, name: str, *, max_seconds: int, silence_seconds: int, terminator: str = "#") -> bool:
            assert max_seconds == 300
            return await super().record(name, max_seconds=max_seconds, silence_seconds=silence_seconds)

    desk = SimulatedCitizenDesk()
    await run_flow(delivered_flow("hotline"), session(Music(["2", "0"]), citizens=desk))
    assert desk.kept == [False]


async def test_keys_pressed_ahead_are_taken_in_order() -> None:
    desk = SimulatedCitizenDesk()
    call, _ = await phone("21", "1", desk=desk)
    assert [category.key for category, _ in desk.begun if category] == ["1"]
    assert said("ask-category") not in call.heard


@pytest.mark.parametrize("key", ["4", "5", "9", "#"])
async def test_a_key_that_is_not_offered_is_a_wrong_key(key: str) -> None:
    call, _ = await phone(key)
    assert call.heard[2:4] == [said("wrong-key"), MENU]


async def test_a_caller_who_presses_nothing_hears_goodbye() -> None:
    call, end = await phone()
    assert call.heard.count(MENU) == 3
    assert call.heard[-1] == said("nothing-heard-goodbye")
    assert end is FlowEnd.COMPLETED


# Languages


async def test_one_language_is_not_asked_about() -> None:
    call, _ = await phone()
    assert said("language-name") not in call.heard


async def test_each_language_names_itself_and_is_spoken_from_then_on() -> None:
    desk = SimulatedCitizenDesk(offered=("vi", "en"))
    call, _ = await phone("2", "2", "0", "1", desk=desk)
    assert call.heard[1:5] == [
        said("language-name"),
        said("language-key", key="1"),
        said("language-name", "en"),
        said("language-key", "en", key="2"),
    ]
    assert call.heard[5] == said("hotline-menu", "en")
    assert desk.chosen_language == "en"
    assert desk.begun == [(None, "en")]


@pytest.mark.parametrize(("before", "spoken"), [("", "vi"), ("en", "en"), ("tyz", "vi")])
async def test_a_caller_who_does_not_choose_hears_the_language_of_the_last_call(before: str, spoken: str) -> None:
    call, _ = await phone(desk=SimulatedCitizenDesk(offered=("vi", "en"), language_before=before))
    assert call.heard[5] == said("hotline-menu", spoken)


# Bulletins


async def test_bulletins_are_played_newest_first_and_asked_about() -> None:
    desk = SimulatedCitizenDesk(news=NEWS, known_commune=CO_BA)
    call, _ = await phone("1", "", "1", "", "2", desk=desk)
    begin = call.transcript.index("⌨ 1")
    assert call.transcript[begin + 1 : begin + 9] == [
        said("bulletin-keys"),
        said("bulletin-title", title="Bản tin sáng"),
        "♫7",
        "⌨ ",
        said("ask-useful"),
        "⌨ 1",
        said("thanks-for-vote"),
        said("bulletin-title", title="Lịch tiêm phòng"),
    ]
    assert desk.votes == [(7, "Cô Ba", True), (5, "Cô Ba", False)]
    assert said("no-more-bulletins") in call.heard
    assert call.heard[call.heard.index(said("no-more-bulletins")) + 1] == MENU


async def test_a_bulletin_can_be_repeated_and_skipped() -> None:
    desk = SimulatedCitizenDesk(news=NEWS, known_commune=CO_BA)
    call, _ = await phone("1", "1", "2", "0", desk=desk)
    assert [sound for sound in call.heard if sound.startswith("♫")] == ["♫7", "♫7", "♫5"]
    assert desk.votes == []
    assert call.heard[call.heard.index("♫5") + 1] == MENU


async def test_a_returning_caller_hears_the_newest_again() -> None:
    desk = SimulatedCitizenDesk(news=NEWS, known_commune=CO_BA)
    call, _ = await phone("1", "2", "0", "1", desk=desk)
    assert [sound for sound in call.heard if sound.startswith("♫")][:3] == ["♫7", "♫5", "♫7"]


async def test_a_caller_who_does_not_vote_is_not_asked_again() -> None:
    desk = SimulatedCitizenDesk(news=NEWS, known_commune=CO_BA)
    call, end = await phone("1", desk=desk)
    assert call.heard.count(said("ask-useful")) == 2
    assert desk.votes == []
    assert end is FlowEnd.COMPLETED


async def test_the_commune_is_asked_for_where_nothing_tells_it() -> None:
    desk = SimulatedCitizenDesk(news=NEWS)
    call, _ = await phone("1", "2#", desk=desk)
    asked = call.heard.index(said("ask-commune"))
    assert call.heard[asked + 1 : asked + 4] == [
        said("commune-choice", name="Cô Ba", key="1"),
        said("commune-choice", name="Cốc Pàng", key="2"),
        said("commune-chosen", unit="Cốc Pàng"),
    ]
    assert desk.known_commune == CommuneSeen(3, "Cốc Pàng")


@pytest.mark.parametrize("keys", ["0#", "", "#"])
async def test_a_caller_who_names_no_commune_hears_the_news_of_all(keys: str) -> None:
    desk = SimulatedCitizenDesk(news=NEWS)
    call, _ = await phone("1", keys, desk=desk)
    assert said("commune-chosen", unit="Tỉnh Cao Bằng") in call.heard
    assert desk.known_commune is None


async def test_another_commune_can_be_chosen_while_listening() -> None:
    desk = SimulatedCitizenDesk(news=NEWS, known_commune=CO_BA)
    await phone("1", "3", "2#", desk=desk)
    assert desk.known_commune == CommuneSeen(3, "Cốc Pàng")


async def test_without_bulletins_it_says_so() -> None:
    call, _ = await phone("1", desk=SimulatedCitizenDesk(known_commune=CO_BA))
    assert call.heard[2:4] == [said("no-bulletins"), MENU]


# Status of a case


@pytest.mark.parametrize("status", list(CaseStatus))
async def test_how_a_case_stands_is_said_in_words(status: CaseStatus) -> None:
    number = new_case_number()
    call, _ = await phone("3", f"{number}#", desk=SimulatedCitizenDesk(cases={number: CaseSeen(status, ())}))
    asked = call.heard.index(said("ask-case"))
    assert call.heard[asked + 1 : asked + 3] == [said(f"case-is-{status}"), MENU]


async def test_answers_are_played() -> None:
    number = new_case_number()
    case = CaseSeen(CaseStatus.ANSWERED, ("♫answer-1", "♫answer-2"))
    call, _ = await phone("3", f"{number}#", desk=SimulatedCitizenDesk(cases={number: case}))
    said_at = call.heard.index(said("case-answer"))
    assert call.heard[said_at + 1 : said_at + 3] == ["♫answer-1", "♫answer-2"]


async def test_mistyped_and_unknown_numbers_get_different_prompts() -> None:
    number, other = new_case_number(), new_case_number()
    mistyped = number[:-1] + str((int(number[-1]) + 1) % 10)
    desk = SimulatedCitizenDesk(cases={number: CaseSeen(CaseStatus.NEW, ())})
    call, _ = await phone("3", f"{mistyped}#", f"{other}#", f"{number}#", desk=desk)
    heard = [line for line in call.heard if line != said("ask-case")]
    assert heard[2:5] == [said("case-mistyped"), said("case-unknown"), said("case-is-new")]


async def test_three_wrong_numbers_are_all_that_one_call_may_try() -> None:
    number = new_case_number()
    desk = SimulatedCitizenDesk(cases={number: CaseSeen(CaseStatus.NEW, ())})
    call, _ = await phone("3", "1#", "2#", "3#", "3", f"{number}#", desk=desk)
    assert call.heard.count(said("case-no-more-tries")) >= 2  # the number, keyed in at the menu, may hold a 3
    assert said("case-is-new") not in call.heard


# The duty desk


async def test_a_caller_returns_to_the_menu_after_the_duty_desk() -> None:
    call, _ = await phone("0")
    assert call.heard[2:4] == [said("duty-desk-rings"), MENU]


@pytest.mark.parametrize(
    ("changes", "prompts"),
    [
        ({"desk_open": False}, ["duty-desk-closed"]),
        ({"desk_does": DutyDesk.BUSY}, ["duty-desk-rings", "duty-desk-busy"]),
        ({"desk_does": DutyDesk.NO_ANSWER}, ["duty-desk-rings", "duty-desk-no-answer"]),
    ],
)
async def test_a_duty_desk_that_cannot_be_had_leads_to_a_message(changes: dict[str, Any], prompts: list[str]) -> None:
    desk = dataclasses.replace(SimulatedCitizenDesk(), **changes)
    call, _ = await phone("0", "0", "1", desk=desk)
    assert call.heard[2 : 3 + len(prompts)] == [*map(said, prompts), said("ask-category")]
    assert desk.kept == [False]


async def test_a_call_back_introduces_itself_and_leads_to_the_same_menu() -> None:
    call, _ = await phone(called_back=True)
    assert call.transcript[:2] == [said("hotline-call-back"), MENU]


async def test_the_old_names_of_communes_are_read_out_too() -> None:
    merged = CommuneSeen(3, "Cốc Pàng", ("Đức Hạnh",))
    desk = SimulatedCitizenDesk(news=NEWS, units=(CommuneSeen(1, "Tỉnh Cao Bằng"), merged))
    call, _ = await phone("1", "1#", desk=desk)
    asked = call.heard.index(said("ask-commune"))
    assert call.heard[asked + 1 : asked + 3] == [
        said("commune-choice", name="Cốc Pàng", key="1"),
        said("commune-formerly", former="Đức Hạnh", name="Cốc Pàng", key="1"),
    ]
    assert desk.known_commune == merged
