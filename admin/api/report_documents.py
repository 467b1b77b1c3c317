"""Documents of reports. A share is between 0 and 1, or null when it is undefined."""

import datetime

from pydantic import BaseModel, ConfigDict

from admin.api.documents import Day


class ReportQuery(BaseModel):
    """From the day `since` to the day `until`, both included, in the station's time zone; by default this month."""

    model_config = ConfigDict(extra="forbid")

    since: Day | None = None
    until: Day | None = None


class Report(BaseModel):
    """The period of a report."""

    since: datetime.date
    until: datetime.date


class _Aired(BaseModel):
    broadcasts: int
    deliveries: int
    heard: int
    unconfirmed: int
    synthetic: int
    minutes: float
    reach: float | None


class UnitReport(_Aired):
    """Broadcasts in a unit: their number, deliveries by result, minutes played.

    `unconfirmed` of the `heard` deliveries went to speakers that never reported that sound arrived. `synthetic` counts
    the broadcasts that a synthetic voice speaks, in whole or in part.
    """

    unit: str
    name: str


class CategoryReport(_Aired):
    """Broadcasts of a category; a live broadcast has none."""

    kind: str
    category: str


class BroadcastReport(Report):
    """Broadcasts by unit and by category."""

    items: list[UnitReport]
    categories: list[CategoryReport]


class SpeakerReport(BaseModel):
    """Share of the monitored hours in which a speaker was reachable; `losses` counts lost connections."""

    speaker: str
    name: str
    unit: str
    share: float | None
    known_hours: float
    losses: int


class AvailabilityReport(Report):
    """Availability of speakers, the least reachable first."""

    items: list[SpeakerReport]


class CaseGroup(BaseModel):
    """Opened cases; `waiting` and `overdue` as of now, `late` means answered after the due date."""

    code: str
    name: str
    opened: int
    answered: int
    waiting: int
    overdue: int
    late: int
    median_hours: float | None
    within_a_day: int
    within_a_week: int


class CasesReport(Report):
    """Cases opened in the period: all, by unit and by category (code "" is no category)."""

    total: CaseGroup
    items: list[CaseGroup]
    categories: list[CaseGroup]


class Opinion(BaseModel):
    """Listener feedback of one unit on one programme."""

    programme: int
    title: str
    unit: str
    useful: int
    not_useful: int


class SurveyReport(Report):
    """Listener feedback by keypad: whether programmes were useful."""

    items: list[Opinion]
