"""Consent after a message and rights in the own case, as a caller hears them."""

import pytest

from feedback.cases.case_numbers import new_case_number
from feedback.citizens.data_requests import RequestRefused
from feedback.states import CaseStatus, DataRight, Purpose
from ivr.desks.protocols import CaseSeen
from ivr.flows.definition import delivered_flow
from ivr.simulator.citizen_desk import SimulatedCitizenDesk, SimulatedRights
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import STRANGER, place_call, said

NUMBER = new_case_number()
WHEN = "17 giờ ngày 14 tháng 12"
MESSAGE = ("2", "0", "1")
ASKED = said("consent-answer")


def desk(**rights: object) -> SimulatedCitizenDesk:
    return SimulatedCitizenDesk(
        cases={NUMBER: CaseSeen(CaseStatus.CLOSED, ())},
        number=NUMBER,
        rights=SimulatedRights(**{"own": frozenset({NUMBER}), **rights}),  # type: ignore[arg-type]
    )


async def phone(at: SimulatedCitizenDesk, *keys: str) -> SimulatedCall:
    call, _ = await place_call(*keys, caller=STRANGER, flow=delivered_flow("hotline"), citizens=at)
    return call


async def test_each_purpose_is_recorded_by_itself() -> None:
    at = desk()
    call = await phone(at, *MESSAGE, "5", "6")
    assert at.rights.given == set(Purpose)
    asked = call.heard.index(ASKED)
    assert call.heard[asked + 1 : asked + 4] == [
        said("consent-voice"),
        said("consent-none"),
        said("consent-say-answer"),
    ]
    assert call.heard.count(said("consent-kept")) == 2


@pytest.mark.parametrize("key", ["#", "", "7"])
async def test_any_other_key_and_silence_are_no_consent(key: str) -> None:
    at = desk()
    call = await phone(at, *MESSAGE, key)
    assert ASKED in call.heard
    assert at.rights.given == set()
    assert call.heard.count(said("hotline-menu")) >= 2


async def test_key_of_the_menu_pressed_ahead_is_taken() -> None:
    call = await phone(desk(), *MESSAGE, "3")
    assert call.heard[call.heard.index(ASKED) :].count(said("hotline-menu")) == 0
    assert said("ask-case") in call.heard


async def test_silence_after_the_tone_is_no_consent() -> None:
    at = desk(says_nothing=True)
    call = await phone(at, *MESSAGE, "5")
    assert said("consent-not-heard") in call.heard
    assert at.rights.given == set()


@pytest.mark.parametrize(("keys", "own"), [(("2", "0", "4"), True), (MESSAGE, False)])
async def test_anonymous_and_withheld_callers_are_not_asked(keys: tuple[str, ...], own: bool) -> None:
    call = await phone(desk(own=frozenset({NUMBER} if own else ())), *keys)
    assert said("message-kept") in call.heard
    assert ASKED not in call.heard


async def test_erasure_says_what_stays_and_is_confirmed_by_key() -> None:
    at = desk()
    call = await phone(at, "3", f"{NUMBER}#", "8", "1")
    assert call.heard.index(said("case-erasure-confirm")) < call.heard.index(said("case-asked-erasure", when=WHEN))
    assert at.rights.asked == [DataRight.ERASURE]
    assert said("case-right-withdrawal") not in call.heard


@pytest.mark.parametrize("key", ["2", ""])
async def test_erasure_that_is_not_confirmed_is_not_asked(key: str) -> None:
    at = desk()
    call = await phone(at, "3", f"{NUMBER}#", "8", key)
    assert said("case-not-erased") in call.heard
    assert at.rights.asked == []


async def test_caller_hears_of_a_second_request_and_of_an_empty_case() -> None:
    call = await phone(desk(asked=[DataRight.ACCESS]), "3", f"{NUMBER}#", "9")
    assert said("case-asked-before", when=WHEN) in call.heard
    call = await phone(desk(refusal=RequestRefused("data_request.nothing_left")), "3", f"{NUMBER}#", "9")
    assert said("case-nothing-left") in call.heard


async def test_consent_is_withdrawn_by_one_key() -> None:
    at = desk(given={Purpose.ANSWER_ON_AIR})
    call = await phone(at, "3", f"{NUMBER}#", "7")
    assert at.rights.asked == [DataRight.WITHDRAWAL]
    assert said("case-asked-withdrawal", when=WHEN) in call.heard


async def test_caller_who_never_consented_objects_by_the_same_key() -> None:
    at = desk()
    call = await phone(at, "3", f"{NUMBER}#", "7")
    assert at.rights.asked == [DataRight.OBJECTION]
    assert said("case-asked-objection", when=WHEN) in call.heard


async def test_callers_who_ask_about_another_case_hear_of_no_rights() -> None:
    call = await phone(desk(own=frozenset()), "3", f"{NUMBER}#", "8")
    assert said("case-is-closed") in call.heard
    assert said("case-right-erasure") not in call.heard
