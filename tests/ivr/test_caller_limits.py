"""Caller limits: a village's shared telephone gets through, a prank does not."""

import pytest

from ivr.calls.caller_limits import CallerLimits, Limits, TooManyCalls, TooManyMessages

VILLAGE, OTHER = "+84987654321", "+84987654322"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_number_may_leave_ten_messages_an_hour(clock: Clock) -> None:
    limits = CallerLimits(clock=clock)
    for _ in range(10):
        limits.call(VILLAGE, "PJSIP/carrier")
        limits.message(VILLAGE, "PJSIP/carrier")
        clock.now += 300


def test_a_number_that_never_stops_must_wait_and_others_need_not(clock: Clock) -> None:
    limits = CallerLimits(clock=clock)
    for _ in range(Limits().messages_an_hour):
        limits.message(VILLAGE, "PJSIP/carrier")
    with pytest.raises(TooManyMessages):
        limits.message(VILLAGE, "PJSIP/carrier")
    limits.message(OTHER, "PJSIP/carrier")
    limits.message(None, "PJSIP/carrier")
    clock.now += 3601
    limits.message(VILLAGE, "PJSIP/carrier")


def test_callers_who_withhold_the_number_share_what_their_line_allows(clock: Clock) -> None:
    limits = CallerLimits(Limits(withheld_messages_an_hour=2), clock)
    limits.message(None, "PJSIP/carrier")
    limits.message(None, "PJSIP/carrier")
    with pytest.raises(TooManyMessages):
        limits.message(None, "PJSIP/carrier")
    limits.message(None, "PJSIP/other")


def test_calls_are_counted_by_number_and_by_line(clock: Clock) -> None:
    limits = CallerLimits(Limits(calls_an_hour=2, calls_a_minute_on_a_line=4), clock)
    limits.call(VILLAGE, "a")
    limits.call(VILLAGE, "a")
    with pytest.raises(TooManyCalls):
        limits.call(VILLAGE, "a")
    limits.call(OTHER, "a")
    with pytest.raises(TooManyCalls):
        limits.call(None, "a")
    clock.now += 61
    limits.call(None, "a")


def test_a_caller_is_forgotten_after_an_hour(clock: Clock) -> None:
    limits = CallerLimits(clock=clock)
    for number in range(2000):
        limits.call(f"+8490000{number:04}", f"line {number}")
    clock.now += 4000
    limits.call(VILLAGE, "a")
    assert len(limits._seen) < 5
