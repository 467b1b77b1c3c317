"""Caller limits: a village's shared telephone gets through, a prank does not."""

import pytest

from ivr.calls.caller_limits import DAY, HOUR, QUARTER, CallerLimits, Limits, TooManyCalls, TooManyMessages, limits_for

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
    for number in range(600):
        limits.call(f"+8490000{number:03}", f"line {number}")
    clock.now += 4000
    limits.call(VILLAGE, "a")
    assert len(limits._seen) < 5


def test_citizens_do_not_use_up_the_calls_of_officials(clock: Clock) -> None:
    limits = CallerLimits(Limits(calls_a_minute_on_a_line=2), clock)
    for _ in range(2):
        limits.call(None, "a")
    with pytest.raises(TooManyCalls):
        limits.call(None, "a")
    for _ in range(2):
        limits.officials_call("a")
    with pytest.raises(TooManyCalls):
        limits.officials_call("a")
    limits.officials_call("b")


def test_calls_in_progress_are_limited() -> None:
    limits = CallerLimits(Limits(calls_at_once=2, kept_for_officials=1))
    limits.require_room(1)
    limits.require_room(0, for_citizen=True)
    for in_progress, for_citizen in ((2, False), (1, True)):
        with pytest.raises(TooManyCalls):
            limits.require_room(in_progress, for_citizen=for_citizen)


@pytest.mark.parametrize(("incoming", "calls", "kept"), [(1645, 600, 40), (100, 100, 25), (1, 1, 0)])
def test_limits_fit_the_lines_of_the_station(incoming: int, calls: int, kept: int) -> None:
    limits = limits_for(incoming)
    assert (limits.calls_at_once, limits.kept_for_officials) == (calls, kept)


def try_cases(limits: CallerLimits, number: str | None, line: str, count: int) -> int:
    """Key in wrong case numbers; return how many were looked up."""
    return sum(limits.case_number(number, line) for _ in range(count))


def test_wrong_case_numbers_are_limited_per_caller(clock: Clock) -> None:
    limits = CallerLimits(clock=clock)
    assert try_cases(limits, VILLAGE, "a", 20) == Limits().wrong_cases_an_hour
    assert try_cases(limits, VILLAGE, "b", 1) == 0
    assert try_cases(limits, OTHER, "a", 1) == 1
    clock.now += HOUR + 1
    assert try_cases(limits, VILLAGE, "a", 1) == 1


def test_wrong_case_numbers_without_a_number_are_limited_together(clock: Clock) -> None:
    limits = CallerLimits(clock=clock)
    tries = [try_cases(limits, None, f"line {number}", 1) for number in range(100)]
    assert sum(tries) == Limits().withheld_wrong_cases_a_day
    clock.now += DAY - 1
    assert try_cases(limits, None, "another line", 1) == 0
    assert try_cases(limits, OTHER, "line 1", 1) == 1


def test_wrong_case_numbers_of_forged_callers_are_limited_per_line(clock: Clock) -> None:
    limits = CallerLimits(clock=clock)
    tries = [try_cases(limits, f"+8490000{number:03}", "a", 1) for number in range(600)]
    assert sum(tries) == Limits().wrong_cases_a_day_on_a_line
    clock.now += 2 * HOUR
    assert try_cases(limits, VILLAGE, "a", 1) == 0
    assert try_cases(limits, VILLAGE, "b", 1) == 1


def test_right_case_numbers_use_up_nothing(clock: Clock) -> None:
    limits = CallerLimits(clock=clock)
    for _ in range(50):
        assert limits.case_number(VILLAGE, "a")
        limits.case_number_was_right(VILLAGE, "a")


def test_unfinished_sign_ins_are_counted_and_finished_ones_are_not(clock: Clock) -> None:
    limits = CallerLimits(Limits(unfinished_sign_ins=2), clock)
    for _ in range(5):
        assert not limits.too_many_unfinished_sign_ins()
        limits.sign_in_finished()
    assert [limits.too_many_unfinished_sign_ins() for _ in range(3)] == [False, False, True]
    clock.now += QUARTER + 1
    assert not limits.too_many_unfinished_sign_ins()
