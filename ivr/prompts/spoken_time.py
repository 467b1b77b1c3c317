"""Dates and times as spoken words, in Vietnamese or English."""

import datetime

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def spoken_moment(moment: datetime.datetime, language: str) -> str:
    """Return a moment in words, without the year: "8 giờ 15 phút ngày 24 tháng 11"."""
    if language == "en":
        return f"at {moment.hour}:{moment.minute:02} on {moment.day} {_MONTHS[moment.month - 1]}"
    minutes = f" {moment.minute} phút" if moment.minute else ""
    return f"{moment.hour} giờ{minutes} ngày {moment.day} tháng {moment.month}"
