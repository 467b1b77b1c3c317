import datetime
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast_bridge.schedule.day_filter import is_day_for
from broadcast_bridge.schedule.errors import BadRecurrence
from broadcast_bridge.schedule.lunar import lunar_days, lunar_months, parse_lunar
from broadcast_bridge.schedule.recurrence import Recurrence
from haichieu.public_holidays import holiday_name
from tests.examples import examples

TET = {
    # Published in Vietnam; 1985 and 2007 are days on which the Chinese year began later.
    1985: "01-21", 2007: "02-17", 2023: "01-22", 2024: "02-10", 2025: "01-29", 2026: "02-17", 2027: "02-06",
    2028: "01-26", 2029: "02-13", 2030: "02-02", 2031: "01-23", 2032: "02-11", 2033: "01-31", 2034: "02-19",
    2035: "02-08",
}  # fmt: skip


def year(text: str, number: int) -> list[str]:
    days = lunar_days(parse_lunar(text), datetime.date(number, 1, 1), datetime.date(number, 12, 31))
    return [f"{day:%m-%d}" for day in days]


@pytest.mark.parametrize(("number", "day"), TET.items())
def test_tet_falls_when_vietnam_keeps_it(number: int, day: str) -> None:
    assert year("MONTH=1;DAY=1", number) == [day]


def test_the_eve_of_tet_is_the_29th_or_the_30th() -> None:
    assert [year("MONTH=12;DAY=-1", number) for number in (2024, 2025, 2026)] == [["02-09"], ["01-28"], ["02-16"]]
    assert year("MONTH=12;DAY=30", 2025) == []


def test_the_first_and_fifteenth_of_every_month() -> None:
    assert year("DAY=1,15", 2026)[:5] == ["01-03", "01-19", "02-02", "02-17", "03-03"]


def test_a_leap_month_counts_for_every_month_and_only_when_asked_for_one() -> None:
    # 2025 has a second sixth month: 25 July to 22 August.
    assert len(year("DAY=15", 2025)) == 12
    assert len(year("DAY=15;LEAP=NO", 2025)) == 11
    assert "08-08" in year("DAY=15", 2025)
    assert "08-08" not in year("DAY=15;LEAP=NO", 2025)
    assert year("MONTH=6;DAY=15", 2025) == ["07-09"]
    assert year("MONTH=6;DAY=15;LEAP=ALSO", 2025) == ["07-09", "08-08"]


@pytest.mark.parametrize("number", [1950, 1984, 2020, 2033, 2052, 2090])
def test_lunar_months_follow_each_other_without_a_gap(number: int) -> None:
    months = [*lunar_months(number), *lunar_months(number + 1)]
    for before, after in itertools.pairwise(months):
        assert before.first + datetime.timedelta(days=before.length) == after.first
        assert after.month == before.month if after.leap else after.month == before.month % 12 + 1


@pytest.mark.parametrize(
    "text", ["", "DAY=0", "DAY=31", "DAY=-2", "MONTH=13;DAY=1", "MONTH=1", "DAY=1;DAY=2", "DAY=1;LEAP=MAYBE", "X=1",
             "DAY=" + "1," * 80, "DAY=１"],
)  # fmt: skip
def test_what_is_no_lunar_date_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadRecurrence) as refusal:
        parse_lunar(text)
    assert refusal.value.message.key.startswith("schedule.lunar.")


@settings(max_examples=examples(50), deadline=None)
@given(st.text(max_size=40))
def test_no_text_makes_it_stumble(text: str) -> None:
    try:
        parse_lunar(text)
    except BadRecurrence:
        return


def test_a_lunar_schedule_is_due_at_its_time_from_its_start_on() -> None:
    full_moon = Recurrence(datetime.datetime(2026, 11, 1, 18, 0), "Asia/Ho_Chi_Minh", lunar="DAY=15")
    full_moon.check()
    found = full_moon.between(
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2027, 1, 31, tzinfo=datetime.UTC)
    )
    assert [f"{moment.wall:%Y-%m-%d %H:%M}" for moment in found] == [
        "2026-11-23 18:00",
        "2026-12-23 18:00",
        "2027-01-22 18:00",
    ]


def test_the_first_full_moon_of_2007_is_not_the_chinese_one() -> None:
    assert year("MONTH=1;DAY=15", 2007) == ["03-03"]


@pytest.mark.parametrize(
    ("day", "any_day", "not_on_holidays", "working"),
    [
        ("2026-02-17", True, False, False),  # Tết
        ("2026-04-26", True, False, False),  # the Hùng kings' day, a Sunday
        ("2026-04-27", True, False, False),  # the day off in lieu of it
        ("2026-11-21", True, True, False),  # a Saturday
        ("2026-11-25", True, True, True),
        ("2026-08-22", True, True, True),  # a Saturday that was worked instead
    ],
)
def test_days_of_rest_are_known(day: str, any_day: bool, not_on_holidays: bool, working: bool) -> None:
    date = datetime.date.fromisoformat(day)
    assert [is_day_for(rule, date) for rule in ("any", "not_on_holidays", "working_days")] == [
        any_day,
        not_on_holidays,
        working,
    ]


def test_a_holiday_has_a_name_in_both_languages() -> None:
    day = datetime.date(2026, 9, 2)
    assert (holiday_name(day), holiday_name(day, "en")) == ("Quốc khánh", "National Day")
