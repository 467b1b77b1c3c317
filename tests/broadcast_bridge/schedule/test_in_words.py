import datetime

import pytest
from hypothesis import given, settings

from broadcast_bridge.schedule.description import in_words
from broadcast_bridge.schedule.errors import BadRecurrence
from broadcast_bridge.schedule.recurrence import Recurrence
from tests.builders.recurrence_rules import rules
from tests.examples import examples


def recurring(rule: str = "", at: str = "05:30", **given_values: object) -> Recurrence:
    starts = datetime.datetime.fromisoformat(f"2026-11-24T{at}")
    return Recurrence(starts, "Asia/Ho_Chi_Minh", rule, **given_values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("recurrence", "vietnamese", "english"),
    [
        (recurring(), "Một lần, ngày 24/11/2026 lúc 05:30", "Once, on 24 Nov 2026 at 05:30"),
        (recurring("FREQ=DAILY"), "Hằng ngày lúc 05:30", "Every day at 05:30"),
        (
            recurring("FREQ=DAILY;INTERVAL=2;COUNT=10"),
            "2 ngày một lần lúc 05:30, 10 lần",
            "Every 2 days at 05:30, 10 times",
        ),
        (
            recurring("FREQ=DAILY;BYHOUR=5,17;BYMINUTE=30"),
            "Hằng ngày lúc 05:30 và 17:30",
            "Every day at 05:30 and 17:30",
        ),
        (
            recurring("FREQ=WEEKLY;BYDAY=MO,WE", "17:00"),
            "Thứ Hai, Thứ Tư hằng tuần lúc 17:00",
            "Every week on Monday, Wednesday at 17:00",
        ),
        (recurring("FREQ=WEEKLY"), "Thứ Ba hằng tuần lúc 05:30", "Every week on Tuesday at 05:30"),
        (
            recurring("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;UNTIL=20271231"),
            "Chủ Nhật 2 tuần một lần lúc 05:30, đến hết ngày 31/12/2027",
            "Every 2 weeks on Sunday at 05:30, until 31 Dec 2027",
        ),
        (
            recurring("FREQ=MONTHLY;BYDAY=-1FR"),
            "Thứ Sáu cuối cùng hằng tháng lúc 05:30",
            "Every month on the last Friday at 05:30",
        ),
        (
            recurring("FREQ=MONTHLY;BYMONTHDAY=1,15,-1"),
            "Ngày 1, 15, ngày cuối tháng hằng tháng lúc 05:30",
            "Every month on days 1, 15, the last day of the month at 05:30",
        ),
        (
            recurring("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1"),
            "Lần cuối trong Thứ Hai, Thứ Ba hằng tháng lúc 05:30",
            "Every month on the last of Monday, Tuesday at 05:30",
        ),
        (
            recurring("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,-2"),
            "Lần thứ 1 và lần thứ 2 từ cuối trong Thứ Hai, Thứ Ba hằng tháng lúc 05:30",
            "Every month on the 1st and the 2nd from the end of Monday, Tuesday at 05:30",
        ),
        (
            recurring("FREQ=DAILY;BYHOUR=6,18;BYSETPOS=-1"),
            "Hằng ngày, lần cuối trong 06:30 và 18:30",
            "Every day at the last of 06:30 and 18:30",
        ),
        (
            recurring("FREQ=DAILY;BYDAY=MO;BYHOUR=6,18;BYSETPOS=1"),
            "Hằng ngày, Thứ Hai, lần thứ 1 trong 06:30 và 18:30",
            "Every day, Monday at the 1st of 06:30 and 18:30",
        ),
        (
            recurring("FREQ=WEEKLY;BYHOUR=6,18;BYSETPOS=-1"),
            "Thứ Ba hằng tuần, lần cuối trong 06:30 và 18:30",
            "Every week on Tuesday at the last of 06:30 and 18:30",
        ),
        (
            recurring("FREQ=MONTHLY;BYDAY=2MO,-2FR;BYMONTH=1,2"),
            "Thứ Hai lần thứ 2, Thứ Sáu thứ 2 từ cuối tháng 1, tháng 2 hằng tháng lúc 05:30",
            "Every month on the 2nd Monday, the 2nd Friday from the end of January, February at 05:30",
        ),
        (recurring("FREQ=MONTHLY"), "Ngày 24 hằng tháng lúc 05:30", "Every month on day 24 at 05:30"),
        (
            recurring("FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2"),
            "Ngày 2 tháng 9 hằng năm lúc 05:30",
            "Every year on day 2 of September at 05:30",
        ),
        (recurring("FREQ=YEARLY"), "Ngày 24 tháng 11 hằng năm lúc 05:30", "Every year on day 24 of November at 05:30"),
        (recurring(lunar="DAY=15"), "Rằm hằng tháng âm lịch lúc 05:30", "Day 15 of every lunar month at 05:30"),
        (
            recurring(lunar="DAY=1,15"),
            "Mùng 1 và rằm hằng tháng âm lịch lúc 05:30",
            "Day 1 and day 15 of every lunar month at 05:30",
        ),
        (
            recurring(lunar="MONTH=1;DAY=15"),
            "Rằm tháng Giêng âm lịch lúc 05:30",
            "Day 15 of lunar month 1 at 05:30",
        ),
        (
            recurring(lunar="MONTH=12;DAY=-1;LEAP=ALSO"),
            "Ngày cuối tháng Chạp âm lịch (kể cả tháng nhuận) lúc 05:30",
            "The last day of lunar month 12 (leap month included) at 05:30",
        ),
        (
            recurring(
                "FREQ=DAILY",
                valid_from=datetime.date(2027, 1, 1),
                valid_until=datetime.date(2027, 6, 30),
                exdates=("2027-02-06",),
            ),
            "Hằng ngày lúc 05:30, từ ngày 01/01/2027, đến hết ngày 30/06/2027, trừ 1 ngày",
            "Every day at 05:30, from 1 Jan 2027, until 30 Jun 2027, except 1 date",
        ),
    ],
)
def test_a_recurrence_is_said_in_both_languages(recurrence: Recurrence, vietnamese: str, english: str) -> None:
    recurrence.check()
    assert (in_words(recurrence), in_words(recurrence, "en")) == (vietnamese, english)


@settings(max_examples=examples(60), deadline=None)
@given(rules())
def test_every_rule_can_be_said(rule: str) -> None:
    for language in ("vi", "en"):
        try:
            said = in_words(recurring(rule), language)
        except BadRecurrence:
            return
        assert ":" in said
        assert "  " not in said
