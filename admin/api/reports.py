"""Report routes, with the functions that the report pages use."""

import dataclasses

from sqlalchemy.orm import Session

from admin.access.visitors import visitor
from admin.api import report_documents as shapes
from admin.api.api_operations import Api, Operation
from admin.api.report_documents import ReportQuery
from admin.panel import Panel
from broadcast_bridge.broadcasts.broadcast_reports import Counts, aired_figures, availability
from broadcast_bridge.programmes.survey import tallies
from feedback.cases.case_reports import cases_handled
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.periods import Period, period_of
from haichieu.station import the_station
from haichieu.unit_names import unit_names


def register_reports(api: Api, panel: Panel) -> None:
    """Add their routes."""

    @api.serves(
        Operation(
            "GET", "/reports/broadcasts", "Broadcasts by unit and by category.", Action.VIEW,
            shapes.BroadcastReport, query=ReportQuery,
        )
    )  # fmt: skip
    def report_on_broadcasts(query: ReportQuery) -> shapes.BroadcastReport:
        with panel.database.reading() as session:
            days, units, names = _days(session, query), visitor().units, unit_names(session)
            found = aired_figures(session, units, days.begin, days.end)
            return shapes.BroadcastReport(
                since=days.since, until=days.until,
                items=[
                    shapes.UnitReport(unit=one.unit.code, name=str(names[one.unit.id]), **_counts(one))
                    for one in found.by_unit
                ],
                categories=[
                    shapes.CategoryReport(kind=one.kind, category=one.category, **_counts(one))
                    for one in found.by_category
                ],
            )  # fmt: skip

    @api.serves(
        Operation(
            "GET", "/reports/availability", "Availability of speakers, the least reachable first.", Action.VIEW,
            shapes.AvailabilityReport, query=ReportQuery,
        )
    )  # fmt: skip
    def report_on_availability(query: ReportQuery) -> shapes.AvailabilityReport:
        with panel.database.reading() as session:
            days = _days(session, query)
            return shapes.AvailabilityReport(
                since=days.since, until=days.until,
                items=[
                    shapes.SpeakerReport(
                        speaker=one.speaker.code, name=one.speaker.name, unit=one.speaker.unit.code,
                        share=None if one.share is None else round(one.share, 4),
                        known_hours=round(one.known_seconds / 3600, 2), losses=one.losses,
                    )
                    for one in availability(session, visitor().units, days.begin, days.end, now())
                ],
            )  # fmt: skip

    @api.serves(
        Operation(
            "GET", "/reports/cases", "Handling of cases: total, by unit and by category.", Action.VIEW,
            shapes.CasesReport, query=ReportQuery,
        )
    )  # fmt: skip
    def report_on_cases(query: ReportQuery) -> shapes.CasesReport:
        with panel.database.reading() as session:
            days = _days(session, query)
            found = cases_handled(session, visitor().units, days.begin, days.end, now())
            return shapes.CasesReport(
                since=days.since, until=days.until, total=shapes.CaseGroup(**dataclasses.asdict(found.total)),
                items=[shapes.CaseGroup(**dataclasses.asdict(one)) for one in found.by_unit],
                categories=[shapes.CaseGroup(**dataclasses.asdict(one)) for one in found.by_category],
            )  # fmt: skip

    @api.serves(
        Operation(
            "GET", "/reports/survey", "Listener feedback on programmes by keypad.", Action.VIEW, shapes.SurveyReport,
            query=ReportQuery,
        )
    )  # fmt: skip
    def report_on_survey(query: ReportQuery) -> shapes.SurveyReport:
        with panel.database.reading() as session:
            days = _days(session, query)
            return shapes.SurveyReport(
                since=days.since, until=days.until,
                items=[
                    shapes.Opinion(
                        programme=one.programme_id, title=one.title, unit=one.unit, useful=one.useful,
                        not_useful=one.not_useful,
                    )
                    for one in tallies(session, unit_ids=visitor().units, since=days.begin, until=days.end)
                ],
            )  # fmt: skip


def _days(session: Session, query: ReportQuery) -> Period:
    return period_of(query.since, query.until, the_station(session).timezone, now())


def _counts(one: Counts) -> dict[str, float | None]:
    reach = None if one.reach is None else round(one.reach, 4)
    return {
        "broadcasts": one.broadcasts, "deliveries": one.deliveries, "heard": one.heard,
        "unconfirmed": one.unconfirmed, "synthetic": one.synthetic,
        "minutes": round(one.seconds / 60, 1), "reach": reach,
    }  # fmt: skip
