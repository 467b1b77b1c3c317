import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast_bridge.schedule.errors import BadRecurrence
from broadcast_bridge.schedule.recurrence import Recurrence
from broadcast_bridge.schedule.rule_translation import translated
from broadcast_bridge.schedule.rules import parse_rule, rule_text
from tests.builders.recurrence_rules import rules
from tests.examples import examples

SUNDAY = datetime.datetime(2026, 11, 22, 22, 30)


def due(rrule: str, starts: datetime.datetime, timezone: str, years: int = 5) -> list[datetime.datetime]:
    begin = datetime.datetime(2025, 12, 1, tzinfo=datetime.UTC)
    found = Recurrence(starts, timezone, rrule).between(begin, begin + datetime.timedelta(days=366 * years))
    return [moment.at for moment in found]


@pytest.mark.parametrize(
    ("rule", "local"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("FREQ=DAILY;BYDAY=SU,MO,TU,WE,TH", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"),
        ("FREQ=WEEKLY;BYDAY=SU,SA", "FREQ=WEEKLY;BYDAY=MO,SU;WKST=TU"),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU"),
        ("FREQ=DAILY;BYHOUR=22,23;COUNT=8", "FREQ=DAILY;COUNT=8;BYHOUR=5,6"),
        ("FREQ=DAILY;UNTIL=20261130T223000Z", "FREQ=DAILY;UNTIL=20261130T223000Z"),
        ("FREQ=DAILY;UNTIL=20261130T223000", "FREQ=DAILY;UNTIL=20261201T053000"),
        ("FREQ=MONTHLY", "FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYMONTHDAY=14,-1", "FREQ=MONTHLY;BYMONTHDAY=15,1"),
        ("FREQ=MONTHLY;BYDAY=1SU", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=2,3,4,5,6,7,8"),
        ("FREQ=MONTHLY;BYDAY=SU;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=2,3,4,5,6,7,8"),
        ("FREQ=MONTHLY;BYDAY=-1SU", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=-6,-5,-4,-3,-2,-1,1"),
        ("FREQ=YEARLY", "FREQ=YEARLY"),
        ("FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=1", "FREQ=YEARLY;BYMONTHDAY=2;BYMONTH=9"),
    ],
)
def test_utc_rule_is_written_with_local_days(rule: str, local: str) -> None:
    found = translated(rule, SUNDAY, datetime.timedelta(hours=7))
    assert found is not None
    assert parse_rule(found) == parse_rule(local)
    at_home = SUNDAY + datetime.timedelta(hours=7)
    assert due(found, at_home, "Asia/Ho_Chi_Minh") == due(rule, SUNDAY, "Etc/UTC")


@pytest.mark.parametrize(
    "rule",
    ["FREQ=MONTHLY;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=20", "FREQ=DAILY;BYMONTH=2", "FREQ=DAILY;BYHOUR=3,22",
     "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=4SU"],
)  # fmt: skip
def test_rule_without_a_local_equal_is_not_translated(rule: str) -> None:
    assert translated(rule, SUNDAY, datetime.timedelta(hours=7)) is None


@settings(max_examples=examples(60), deadline=None)
@given(
    rules(),
    st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2028, 12, 31)),
    st.sampled_from([("Asia/Ho_Chi_Minh", 7), ("Etc/GMT+8", -8), ("Asia/Tokyo", 9)]),
)
def test_translated_rule_is_due_at_the_same_moments(
    rule: str, starts: datetime.datetime, zone: tuple[str, int]
) -> None:
    starts = starts.replace(second=0, microsecond=0)
    name, hours = zone
    ahead = datetime.timedelta(hours=hours)
    try:
        found = translated(rule, starts, ahead)
    except BadRecurrence:
        return
    assert parse_rule(rule_text(parse_rule(rule))) == parse_rule(rule)
    if found is not None:
        at_home, in_utc = due(found, starts + ahead, name), due(rule, starts, "Etc/UTC")
        assert [at for at in at_home if at.year <= 2029] == [at for at in in_utc if at.year <= 2029]
