"""Menu 5 of the officials' line: bulletins of the province heard and decided."""

import dataclasses
import datetime

import pytest

from broadcast_bridge.source_system.by_phone import DeclineReason
from broadcast_bridge.source_system.errors import StepRefused
from ivr.desks.protocols import OfferedSeen
from ivr.simulator.province_desk import SimulatedProvince
from ivr.simulator.simulator import SimulatedCall
from tests.ivr.simulated_calls import desk, place_call, said

VACCINES = OfferedSeen(7, "Tiêm phòng dại", "Sở Nông nghiệp", 95, "♫ vaccines")
FLOOD = OfferedSeen(8, "Phòng lũ", "Ban Chỉ huy", 60, "♫ flood")
MEETING = dataclasses.replace(
    FLOOD, rival="Tin của xã", rival_begins=datetime.datetime(2026, 11, 21, 17, 0),
    decide_by=datetime.datetime(2026, 11, 21, 16, 50),
)  # fmt: skip
HEADING = said("offered-heading", title="Tiêm phòng dại", source="Sở Nông nghiệp", minutes=1, seconds=35)


def province(**changes: object) -> SimulatedProvince:
    return SimulatedProvince(**{"bulletins": {7: VACCINES, 8: FLOOD}} | changes)  # type: ignore[arg-type]


async def decide(*keys: str, at: SimulatedProvince) -> SimulatedCall:
    call, _ = await place_call("2468#", "5", *keys, at_desk=desk(province=at))
    return call


async def test_menu_says_how_many_bulletins_wait_and_keeps_its_keys() -> None:
    call, _ = await place_call("2468#", "3", at_desk=desk(province=province()))
    menu = said("official-menu")
    assert call.heard[2:4] == [said("bulletins-waiting", bulletins=2), menu]
    assert said("no-report") in call.heard


async def test_without_bulletins_the_menu_says_nothing_of_them() -> None:
    call = await decide(at=province(bulletins={}))
    assert call.heard[2:5] == [said("official-menu"), said("no-bulletins-waiting"), said("official-menu")]


async def test_official_without_the_right_hears_so() -> None:
    call = await decide(at=province(may_decide=False))
    assert call.heard[2:4] == [said("official-menu"), said("bulletins-not-allowed")]


async def test_bulletin_is_heard_and_accepted_and_the_next_one_follows() -> None:
    at = province()
    call = await decide("1", "2", "*", at=at)
    begin = call.transcript.index(said("bulletins-to-hear", bulletins=2))
    assert call.transcript[begin + 1 : begin + 8] == [
        HEADING, said("offered-menu"), "⌨ 1", "♫ vaccines", said("offered-menu"), "⌨ 2", said("offered-accepted"),
    ]  # fmt: skip
    assert at.decisions == [("accept", 7)]
    assert said("offered-heading", title="Phòng lũ", source="Ban Chỉ huy", minutes=1, seconds=0) in call.heard


@pytest.mark.parametrize(
    ("keys", "clock", "prompt"),
    [
        ("0#", None, said("offered-on-air-soon")),
        ("0530", datetime.time(5, 30), said("offered-scheduled", when="5 giờ 30 phút ngày 21 tháng 11")),
    ],
)
async def test_bulletin_is_broadcast_now_or_at_a_time(keys: str, clock: datetime.time | None, prompt: str) -> None:
    at = province()
    call = await decide("3", keys, "*", at=at)
    assert at.decisions == [("schedule", 7, clock)]
    assert prompt in call.heard


async def test_time_that_does_not_exist_is_asked_again() -> None:
    at = province()
    call = await decide("3", "2560", "1700", "*", at=at)
    assert said("wrong-key") in call.heard
    assert at.decisions == [("schedule", 7, datetime.time(17, 0))]


@pytest.mark.parametrize(("key", "reason"), [("1", DeclineReason.NOT_FOR_US), ("2", DeclineReason.HEARD_BEFORE)])
async def test_bulletin_is_declined_with_a_reason(key: str, reason: DeclineReason) -> None:
    at = province()
    call = await decide("4", key, "*", at=at)
    assert at.decisions == [("decline", 7, reason)]
    assert said("offered-declined") in call.heard


async def test_star_at_the_reason_declines_nothing() -> None:
    at = province()
    call = await decide("4", "*", "5", at=at)
    assert at.decisions == []
    assert said("offered-heading", title="Phòng lũ", source="Ban Chỉ huy", minutes=1, seconds=0) in call.heard


@pytest.mark.parametrize(("key", "source_first"), [("2", True), ("3", False)])
async def test_official_decides_which_of_two_is_first(key: str, source_first: bool) -> None:
    at = province(bulletins={8: MEETING})
    call = await decide(key, at=at)
    assert at.decisions == [("decide", 8, source_first)]
    assert (
        said(
            "offered-meets", rival="Tin của xã", when="17 giờ ngày 21 tháng 11", until="16 giờ 50 phút ngày 21 tháng 11"
        )
        in call.heard
    )
    assert said("order-source-first" if source_first else "order-commune-first") in call.heard


async def test_meeting_can_not_be_declined_by_key() -> None:
    call = await decide("4", "5", at=province(bulletins={8: MEETING}))
    assert said("wrong-key") in call.heard


async def test_refusal_is_said_and_the_bulletin_is_offered_again() -> None:
    call = await decide("2", "5", "5", at=province(refusal=StepRefused("source.sound_pending")))
    refused = next(line for line in call.heard if line.startswith("Chưa thực hiện được."))
    assert call.heard[call.heard.index(refused) + 1] == said("offered-menu")
    assert said("no-more-bulletins-waiting") in call.heard


async def test_bulletin_without_a_sound_yet_is_announced_so() -> None:
    at = province(bulletins={7: dataclasses.replace(VACCINES, sound="", seconds=0)})
    call = await decide("1", "*", at=at)
    heading = said("offered-heading-no-sound", title="Tiêm phòng dại", source="Sở Nông nghiệp")
    assert call.heard.count(heading) == 2


async def test_bulletin_that_was_decided_meanwhile_is_left_out() -> None:
    call = await decide("*", at=province(bulletins={7: None, 8: FLOOD}))
    assert HEADING not in call.heard


async def test_silence_at_a_bulletin_ends_the_call_and_decides_nothing() -> None:
    at = province()
    call = await decide(at=at)
    assert at.decisions == []
    assert said("nothing-heard-goodbye") in call.heard
