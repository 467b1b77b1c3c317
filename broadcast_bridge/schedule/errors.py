"""Errors of planning and of reading calendar files.

HaiChieuError
├── UsageError
│   └── ScheduleRefused        the schedule is not valid
│       ├── BadRecurrence      its recurrence is wrong
│       │   ├── NeverHappens   no day of the calendar matches it
│       │   └── TooOften       it would be due too many times
│       ├── NoSuchPart         it names a zone, programme, … that does not exist
│       ├── ChangedMeanwhile   another user changed it since it was read
│       └── CalendarRefused    a calendar file cannot be imported; nothing of it was
├── NotAllowed
│   └── PlanningNotAllowed     the person may not plan this
├── NoSuchOccurrence           there is no such occurrence
└── ClaimLost                  another process has claimed the occurrence
"""

from haichieu.errors import HaiChieuError, NotAllowed, UsageError


class ScheduleRefused(UsageError):
    """The schedule is not valid."""


class BadRecurrence(ScheduleRefused):
    """The recurrence is wrong."""


class NeverHappens(BadRecurrence):
    """No day of the calendar matches the recurrence."""


class TooOften(BadRecurrence):
    """The recurrence would be due too many times."""


class NoSuchPart(ScheduleRefused):
    """The schedule names a zone, a programme, an official … that does not exist."""


class ChangedMeanwhile(ScheduleRefused):
    """Another user changed the schedule since it was read."""


class CalendarRefused(ScheduleRefused):
    """The calendar file cannot be imported, and nothing of it was; the message has one line per mistake."""


class PlanningNotAllowed(NotAllowed):
    """The person may not plan this."""


class NoSuchOccurrence(HaiChieuError):
    """There is no such occurrence, or it has begun or is over."""


class ClaimLost(HaiChieuError):
    """Another process has claimed the occurrence."""
