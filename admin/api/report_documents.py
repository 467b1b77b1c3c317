"""The shapes of reports as they travel over the API. A share is 0 to 1, null where there is nothing to share."""

import datetime

from pydantic import BaseModel, ConfigDict

from admin.api.documents import Day


class ReportQuery(BaseModel):
    """From the day `since` to the day `until`, both included, in the station's time zone; by default this month."""

    model_config = ConfigDict(extra="forbid")

    since: Day | None = None
    until: Day | None = None


class Report(BaseModel):
    """The days that a report covers."""

    since: datetime.date
    until: datetime.date


class _Aired(BaseModel):
    broadcasts: int
    deliveries: int
    heard: int
    minutes: float
    reach: float | None


class UnitReport(_Aired):
    """What was aired in a unit: broadcasts, deliveries by how they went, minutes played."""

    unit: str
    name: str


class CategoryReport(_Aired):
    """What was aired of a category; a live voice has none."""

    kind: str
    category: str


class BroadcastReport(Report):
    """What was aired, unit by unit and category by category."""

    items: list[UnitReport]
    categories: list[CategoryReport]


class SpeakerReport(BaseModel):
    """How long a speaker could be reached, of the hours it was watched; `losses` is how often it was lost."""

    speaker: str
    name: str
    unit: str
    share: float | None
    known_hours: float
    losses: int


class AvailabilityReport(Report):
    """The availability of speakers, the least reachable first."""

    items: list[SpeakerReport]


class CaseGroup(BaseModel):
    """Cases that were opened; `waiting` and `overdue` as of now, `late` answered after the due date."""

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
    """Cases opened in these days: all, by unit and by category (code "" is without one)."""

    total: CaseGroup
    items: list[CaseGroup]
    categories: list[CaseGroup]


class Opinion(BaseModel):
    """What listeners of one unit say of one programme."""

    programme: int
    title: str
    unit: str
    useful: int
    not_useful: int


class SurveyReport(Report):
    """What listeners answered by keypad: was it useful?"""

    items: list[Opinion]
