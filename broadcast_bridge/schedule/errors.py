"""What can be wrong with a schedule, told to the person who made it.

HaiChieuError
├── UsageError
│   └── ScheduleRefused        the schedule cannot be kept as it is
│       ├── BadRecurrence      its recurrence is wrong
│       │   ├── NeverHappens   no day of the calendar fits it
│       │   └── TooOften       it would be due too many times
│       ├── NoSuchPart         it names a zone, programme, … that does not exist
│       ├── ChangedMeanwhile   somebody else changed it since it was read
│       └── CalendarRefused    a calendar file cannot be taken over; nothing of it was
├── PlanningNotAllowed         the person may not do that
├── NoSuchOccurrence           there is no such occurrence
└── ClaimLost                  the occurrence belongs to another process by now
"""

from haichieu.errors import HaiChieuError, NotAllowed, UsageError


class ScheduleRefused(UsageError):
    """The schedule cannot be kept as it is."""


class BadRecurrence(ScheduleRefused):
    """The recurrence is wrong."""


class NeverHappens(BadRecurrence):
    """No day of the calendar fits the recurrence."""


class TooOften(BadRecurrence):
    """The recurrence would be due too many times."""


class NoSuchPart(ScheduleRefused):
    """The schedule names a zone, a programme, an official … that does not exist."""


class ChangedMeanwhile(ScheduleRefused):
    """Somebody else changed the schedule since it was read."""


class CalendarRefused(ScheduleRefused):
    """The calendar file cannot be taken over, and nothing of it was; the message has a line for each mistake."""


class PlanningNotAllowed(NotAllowed):
    """The person may not plan that."""


class NoSuchOccurrence(HaiChieuError):
    """There is no such occurrence, or nothing of it is left to decide."""


class ClaimLost(HaiChieuError):
    """The occurrence belongs to another process by now."""
