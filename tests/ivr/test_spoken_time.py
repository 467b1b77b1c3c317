"""Moments as they are said on the phone."""

import datetime

import pytest

from ivr.prompts.spoken_time import spoken_moment


@pytest.mark.parametrize(
    ("hour", "minute", "vietnamese", "english"),
    [
        (8, 15, "8 giờ 15 phút ngày 24 tháng 11", "at 8:15 on 24 November"),
        (17, 0, "17 giờ ngày 24 tháng 11", "at 17:00 on 24 November"),
        (0, 5, "0 giờ 5 phút ngày 24 tháng 11", "at 0:05 on 24 November"),
    ],
)
def test_a_moment_is_said_as_people_say_it(hour: int, minute: int, vietnamese: str, english: str) -> None:
    moment = datetime.datetime(2026, 11, 24, hour, minute, tzinfo=datetime.UTC)
    assert spoken_moment(moment, "vi") == vietnamese
    assert spoken_moment(moment, "en") == english
