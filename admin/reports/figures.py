"""Figures of the reports for one visitor, shared by pages, workbook and API."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_reports import (
    Aired,
    AiredOfCategory,
    Availability,
    aired_by_category,
    aired_by_unit,
    availability,
)
from broadcast_bridge.programmes.survey import Tally, tallies
from feedback.cases.case_reports import CaseReport, cases_handled
from haichieu.periods import Period


@dataclass(frozen=True)
class Figures:
    """The figures of a period in some units."""

    by_unit: Sequence[Aired]
    by_category: Sequence[AiredOfCategory]
    availability: Sequence[Availability]
    cases: CaseReport
    survey: Sequence[Tally]


def figures(session: Session, unit_ids: Collection[int], days: Period, at: datetime.datetime) -> Figures:
    """Compute the figures; `at` is the current time."""
    begin, end = days.begin, days.end
    return Figures(
        aired_by_unit(session, unit_ids, begin, end),
        aired_by_category(session, unit_ids, begin, end),
        availability(session, unit_ids, begin, end, at),
        cases_handled(session, unit_ids, begin, end, at),
        tallies(session, unit_ids=unit_ids, since=begin, until=end),
    )
