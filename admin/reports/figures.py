"""Figures of the reports for one visitor, for page and workbook."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_reports import (
    Aired,
    AiredOfCategory,
    Availability,
    aired_figures,
    availability,
)
from broadcast_bridge.duties.duty_outlook import villages_not_covered
from broadcast_bridge.duties.duty_register import duties_between
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.models import Speaker
from broadcast_bridge.programmes.survey import Tally, tallies
from feedback.answers.satisfaction import Satisfaction, satisfaction
from feedback.cases.case_reports import CaseReport, cases_handled
from haichieu.people import Unit
from haichieu.periods import Period
from haichieu.unit_names import UnitName, unit_names


@dataclass(frozen=True)
class Figures:
    """The figures of a period in some units; `names` are those of all units, by id.

    `households` are those of these units, as far as known; `with_speaker` are those of the units that have a speaker,
    and `not_covered` the names of the villages that have none, by duty.
    """

    by_commune: Sequence[Aired]
    by_unit: Sequence[Aired]
    by_category: Sequence[AiredOfCategory]
    availability: Sequence[Availability]
    cases: CaseReport
    survey: Sequence[Tally]
    satisfaction: Sequence[Satisfaction]
    duties: Sequence[Duty]
    not_covered: Mapping[int, Sequence[str]]
    households: Mapping[int, int]
    with_speaker: Collection[int]
    names: Mapping[int, UnitName]
    units: Collection[int]

    def commune_of(self, unit_id: int) -> str:
        """Return the name of the commune of a unit; of a village whose commune is not among the units, its own."""
        commune = self.names[unit_id].commune_id
        return str(self.names[commune if commune in self.units else unit_id])


def figures(session: Session, unit_ids: Collection[int], days: Period, at: datetime.datetime) -> Figures:
    """Compute the figures; `at` is the current time."""
    begin, end = days.begin, days.end
    broadcasts = aired_figures(session, unit_ids, begin, end)
    duties = duties_between(session, unit_ids, days.since, days.until)
    return Figures(
        broadcasts.by_commune,
        broadcasts.by_unit,
        broadcasts.by_category,
        availability(session, unit_ids, begin, end, at),
        cases_handled(session, unit_ids, begin, end, at),
        tallies(session, unit_ids=unit_ids, since=begin, until=end),
        satisfaction(session, unit_ids, begin, end),
        duties,
        villages_not_covered(session, duties),
        households_of(session, unit_ids),
        set(session.scalars(sa.select(Speaker.unit_id).where(Speaker.removed_at.is_(None)).distinct())) & set(unit_ids),
        unit_names(session),
        unit_ids,
    )


def households_of(session: Session, unit_ids: Collection[int]) -> Mapping[int, int]:
    """Return the households of those of the units for which their number is known."""
    rows = session.execute(
        sa.select(Unit.id, Unit.households).where(
            Unit.id.in_(unit_ids), Unit.retired_at.is_(None), Unit.households.is_not(None)
        )
    )
    return {number: households for number, households in rows if households is not None}
