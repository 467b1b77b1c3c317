import contextlib
import datetime
import itertools

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast_bridge.schedule.errors import BadRecurrence, NeverHappens, TooOften
from broadcast_bridge.schedule.recurrence import Recurrence
from broadcast_bridge.schedule.rules import parse_rule
from tests.builders.recurrence_rules import rules
from tests.examples import examples

UTC = datetime.UTC
HANOI = "Asia/Ho_Chi_Minh"
BERLIN = "Europe/Berlin"


def wall(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def utc(text: str) -> datetime.datetime:
    return wall(text).replace(tzinfo=UTC)


def walls(recurrence: Recurrence, first: str, last: str) -> list[str]:
    return [moment.wall.isoformat(timespec="minutes") for moment in recurrence.between(utc(first), utc(last))]


def moments(recurrence: Recurrence, first: str, last: str) -> list[str]:
    return [f"{moment.at:%m-%d %H:%M}" for moment in recurrence.between(utc(first), utc(last))]


@pytest.mark.parametrize("until", ["99991231T235959Z", "99991231T235959", "99991231"])
def test_rule_until_the_end_of_time_has_no_end(until: str) -> None:
    daily = Recurrence(wall("2026-11-24T05:30"), HANOI, f"FREQ=DAILY;UNTIL={until}")
    daily.check()
    assert moments(daily, "2026-11-24", "2026-11-26") == ["11-24 22:30", "11-25 22:30"]


def test_without_a_rule_it_is_due_once() -> None:
    once = Recurrence(wall("2026-11-24T05:30"), HANOI)
    assert moments(once, "2026-01-01", "2028-01-01") == ["11-23 22:30"]


def test_local_time_is_kept_when_the_clocks_change() -> None:
    daily = Recurrence(wall("2026-03-01T05:30"), BERLIN, "FREQ=DAILY")
    assert moments(daily, "2026-03-28", "2026-03-30") == ["03-28 04:30", "03-29 03:30"]


def test_a_skipped_local_time_becomes_the_first_minute_that_exists() -> None:
    daily = Recurrence(wall("2026-03-01T02:30"), BERLIN, "FREQ=DAILY")
    assert moments(daily, "2026-03-28", "2026-03-31") == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_two_times_in_the_skipped_clock_hour_are_due_once() -> None:
    often = Recurrence(wall("2026-03-01T02:00"), BERLIN, "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30")
    assert moments(often, "2026-03-29", "2026-03-29T12:00") == ["03-29 01:00", "03-29 01:30"]


def test_a_local_time_that_comes_twice_is_due_once_the_first_time() -> None:
    daily = Recurrence(wall("2026-10-01T02:30"), BERLIN, "FREQ=DAILY")
    assert moments(daily, "2026-10-24", "2026-10-27") == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


def test_a_whole_day_that_a_country_skipped_is_the_next_one() -> None:
    daily = Recurrence(wall("2011-12-28T12:00"), "Pacific/Apia", "FREQ=DAILY")
    assert moments(daily, "2011-12-29", "2012-01-01") == ["12-29 22:00", "12-30 10:00", "12-30 22:00", "12-31 22:00"]


def test_single_days_are_taken_out_and_added() -> None:
    weekly = Recurrence(
        wall("2026-11-02T17:00"),
        HANOI,
        "FREQ=WEEKLY;BYDAY=MO,WE",
        exdates=("2026-11-04", "2026-11-09T17:00"),
        rdates=("2026-11-05T08:00",),
    )
    assert walls(weekly, "2026-11-01", "2026-11-15") == ["2026-11-02T17:00", "2026-11-05T08:00", "2026-11-11T17:00"]


def test_a_recurrence_applies_only_while_it_is_valid() -> None:
    daily = Recurrence(
        wall("2026-11-01T23:30"),
        HANOI,
        "FREQ=DAILY",
        valid_from=datetime.date(2026, 11, 3),
        valid_until=datetime.date(2026, 11, 4),
    )
    assert walls(daily, "2026-10-01", "2027-01-01") == ["2026-11-03T23:30", "2026-11-04T23:30"]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20261103", "2026-11-03T17:00"),
        ("20261103T095959Z", "2026-11-02T17:00"),
        ("20261103T170000", "2026-11-03T17:00"),
    ],
)
def test_until_is_a_whole_day_or_a_moment_in_utc_or_local(until: str, last: str) -> None:
    daily = Recurrence(wall("2026-11-01T17:00"), HANOI, f"FREQ=DAILY;UNTIL={until}")
    assert walls(daily, "2026-10-01", "2027-01-01")[-1] == last


def test_a_count_is_counted_from_the_start_however_late_one_looks() -> None:
    ten = Recurrence(wall("2026-01-01T05:30"), HANOI, "FREQ=DAILY;INTERVAL=3;COUNT=10")
    assert walls(ten, "2026-01-20", "2027-01-01") == ["2026-01-22T05:30", "2026-01-25T05:30", "2026-01-28T05:30"]


def test_a_rule_without_an_end_is_no_trouble_far_from_its_start() -> None:
    daily = Recurrence(wall("1950-01-01T05:30"), HANOI, "FREQ=DAILY")
    assert len(daily.between(utc("2090-01-01"), utc("2090-01-08"))) == 7


@pytest.mark.parametrize(
    ("rule", "problem", "words"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", NeverHappens, "Month 2 never has a day 30"),
        ("FREQ=YEARLY;BYMONTH=4,6;BYMONTHDAY=31", NeverHappens, "day 31"),
        ("FREQ=DAILY;INTERVAL=2;BYMONTHDAY=1;BYMONTH=1;COUNT=1;BYDAY=MO;BYSETPOS=2", NeverHappens, "No day matches"),
        ("FREQ=DAILY;UNTIL=20200101", NeverHappens, "No day matches"),
        ("FREQ=SECONDLY", TooOften, "FREQ=DAILY with BYHOUR"),
        ("FREQ=MINUTELY;INTERVAL=5", TooOften, "BYMINUTE"),
        ("FREQ=HOURLY", TooOften, "too frequent"),
        ("FREQ=DAILY;BYHOUR=5,6,7;BYMINUTE=" + ",".join(map(str, range(17))), TooOften, "51"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", BadRecurrence, "COUNT"),
        ("FREQ=DAILY;COUNT=99999", BadRecurrence, "5000"),
        ("FREQ=DAILY;COUNT=0", BadRecurrence, "COUNT"),
        ("FREQ=DAILY;INTERVAL=-1", BadRecurrence, "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=٣", BadRecurrence, "INTERVAL"),
        ("FREQ=DAILY;BYHOUR=24", BadRecurrence, "BYHOUR=24"),
        ("FREQ=DAILY;BYSECOND=5", BadRecurrence, "whole minutes"),
        ("FREQ=WEEKLY;BYDAY=XX", BadRecurrence, "BYDAY=XX"),
        ("FREQ=WEEKLY;BYDAY=2MO", BadRecurrence, "BYDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", BadRecurrence, "BYMONTHDAY"),
        ("FREQ=DAILY;BYWEEKNO=3", BadRecurrence, "BYWEEKNO"),
        ("FREQ=DAILY;BYSETPOS=1", BadRecurrence, "BYSETPOS"),
        ("FREQ=DAILY;UNTIL=20270230", BadRecurrence, "20270230"),
        ("FREQ=DAILY;FREQ=DAILY", BadRecurrence, "FREQ"),
        ("FREQ=DAILY;BYEASTER=0", BadRecurrence, "BYEASTER"),
        ("FREQ=FORTNIGHTLY", BadRecurrence, "FREQ"),
        ("daily", BadRecurrence, "DAILY"),
        ("INTERVAL=2", BadRecurrence, "FREQ"),
        ("FREQ=DAILY;" * 100, BadRecurrence, "500"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused_in_words(rule: str, problem: type[BadRecurrence], words: str) -> None:
    with pytest.raises(problem) as refusal:
        Recurrence(wall("2026-11-24T05:30"), HANOI, rule).check()
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("given_values", "words"),
    [
        ({"timezone": "Asia/Hanoii"}, "Asia/Hanoii"),
        ({"timezone": "../../etc/passwd"}, "There is no time zone"),
        ({"timezone": ""}, "There is no time zone"),
        ({"starts": wall("2026-11-24T05:30:10")}, "whole minutes"),
        ({"starts": utc("2026-11-24T05:30")}, "local time"),
        ({"starts": wall("1200-11-24T05:30")}, "1200"),
        ({"rrule": "FREQ=DAILY", "lunar": "DAY=1"}, "not both"),
        ({"exdates": ("2026-02-30",)}, "2026-02-30"),
        ({"rdates": ("2026-11-24",)}, "2026-11-24"),
        ({"rdates": ("2026-11-24T05:30+07:00",)}, "not a real date"),
        ({"rdates": tuple("2026-11-24T05:30" for _ in range(1001))}, "1000"),
        ({"rdates": tuple(f"2026-11-24T05:{minute:02d}" for minute in range(49))}, "48"),
        ({"valid_from": datetime.date(2027, 1, 1), "valid_until": datetime.date(2026, 1, 1)}, "before it begins"),
        ({"valid_from": datetime.date(2027, 1, 1)}, "No day matches"),
    ],
)
def test_other_values_that_cannot_be_kept_are_refused_in_words(given_values: dict[str, object], words: str) -> None:
    values: dict[str, object] = {"starts": wall("2026-11-24T05:30"), "timezone": HANOI, **given_values}
    with pytest.raises(BadRecurrence) as refusal:
        Recurrence(**values).check()  # type: ignore[arg-type]
    assert words in str(refusal.value)


def test_the_29th_of_february_comes_every_four_years() -> None:
    leap = Recurrence(wall("2024-02-29T05:30"), HANOI, "FREQ=YEARLY")
    leap.check()
    assert walls(leap, "2027-01-01", "2033-01-01") == ["2028-02-29T05:30", "2032-02-29T05:30"]


STARTS = st.datetimes(wall("2015-01-01T00:00"), wall("2026-12-31T00:00")).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)


@settings(max_examples=examples(30), deadline=None)
@given(rule=rules(), starts=STARTS, days=st.integers(0, 4000))
def test_a_look_from_far_away_finds_what_walking_from_the_start_finds(
    rule: str, starts: datetime.datetime, days: int
) -> None:
    try:
        parse_rule(rule)
    except BadRecurrence:
        return
    first = starts + datetime.timedelta(days=days)
    last = first + datetime.timedelta(days=400)
    walked = itertools.takewhile(lambda moment: moment < last, rrulestr(rule, dtstart=starts))
    expected = sorted({moment for moment in walked if moment >= first})
    found = Recurrence(starts, "Etc/UTC", rule).between(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
    assert [moment.wall for moment in found] == expected


@settings(max_examples=examples(30), deadline=None)
@given(
    freq=st.sampled_from(["DAILY", "WEEKLY"]),
    interval=st.integers(1, 9),
    weekdays=st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), max_size=5),
    more=st.sampled_from(["", ";WKST=SU", ";WKST=TH", ";COUNT=40", ";UNTIL=20270131T050000"]),
    starts=STARTS,
    days=st.integers(-20, 800),
)
def test_rules_of_weekdays_alone_are_what_dateutil_makes_of_them(
    freq: str, interval: int, weekdays: list[str], more: str, starts: datetime.datetime, days: int
) -> None:
    rule = f"FREQ={freq};INTERVAL={interval}{f';BYDAY={chr(44).join(weekdays)}' if weekdays else ''}{more}"
    first = starts + datetime.timedelta(days=days)
    last = first + datetime.timedelta(days=60)
    expected = rrulestr(rule, dtstart=starts).between(first, last - datetime.timedelta(minutes=1), inc=True)
    found = Recurrence(starts, "Etc/UTC", rule).between(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
    assert [moment.wall for moment in found] == expected


@settings(max_examples=examples(30), deadline=None)
@given(
    starts=STARTS,
    zone=st.sampled_from([HANOI, BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca"]),
    days=st.integers(0, 1500),
)
def test_in_every_zone_a_daily_programme_is_due_once_a_day_in_order(
    starts: datetime.datetime, zone: str, days: int
) -> None:
    first = (starts + datetime.timedelta(days=days)).replace(tzinfo=UTC)
    found = Recurrence(starts, zone, "FREQ=DAILY").between(first, first + datetime.timedelta(days=366))
    moments_found = [moment.at for moment in found]
    assert moments_found == sorted(set(moments_found))
    dates = [moment.local_date for moment in found]
    assert all((after - before).days == 1 for before, after in itertools.pairwise(dates))


@settings(max_examples=examples(30), deadline=None)
@given(rule=rules(), starts=STARTS, cut=st.integers(1, 399))
def test_two_windows_side_by_side_give_what_one_gives(rule: str, starts: datetime.datetime, cut: int) -> None:
    try:
        parse_rule(rule)
    except BadRecurrence:
        return
    recurrence = Recurrence(starts, BERLIN, rule)
    first = starts.replace(tzinfo=UTC)
    middle, last = first + datetime.timedelta(days=cut), first + datetime.timedelta(days=400)
    assert recurrence.between(first, middle) + recurrence.between(middle, last) == recurrence.between(first, last)


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=60) | st.text("FREQ=;BYDAI0123456789,-", max_size=60).map(lambda rest: f"FREQ=DAILY;{rest}"))
def test_no_text_at_all_makes_it_stumble(text: str) -> None:
    with contextlib.suppress(BadRecurrence):
        Recurrence(wall("2026-11-24T05:30"), HANOI, text).check()
