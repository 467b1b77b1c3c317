"""The report page, printable as it is, and the workbook."""

import sqlalchemy as sa
from flask import Flask, Response
from sqlalchemy.orm import Session

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.broadcasts.log_filter import units_to_choose
from admin.layout.addresses import day_asked, text_asked
from admin.layout.language import say, show_day
from admin.layout.pages import page
from admin.panel import Panel
from admin.reports.figures import figures
from admin.reports.sections import sections
from admin.reports.workbook import workbook
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.people import Unit, units_under
from haichieu.periods import Period, month_before, period_of
from haichieu.station import the_station

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def register_reports(app: Flask, panel: Panel) -> None:
    """Add the page and the workbook."""

    @app.get("/reports")
    @needs(Action.VIEW)
    def reports() -> Response:
        """Show the reports on the period and unit in the address; by default this month in all the visitor's units."""
        with panel.database.reading() as session:
            days, unit = days_asked(session), text_asked("unit", 40)
            found = figures(session, units_asked(session, unit), days, now())
            units, station = units_to_choose(session, visitor()), the_station(session)
        return page(
            "reports.html", sections=sections(found), days=days, unit=unit, units=units, station=station,
            last_month=month_before(days.since), printed_at=now(),
        )  # fmt: skip

    @app.get("/reports.xlsx")
    @needs(Action.VIEW)
    def reports_workbook() -> Response:
        """Return the same reports as a workbook."""
        with panel.database.reading() as session:
            days, unit = days_asked(session), text_asked("unit", 40)
            found = figures(session, units_asked(session, unit), days, now())
        heading = say("reports.days", since=show_day(days.since), until=show_day(days.until))
        response = Response(workbook(sections(found), heading), content_type=XLSX)
        name = f"haichieu-{days.since.isoformat()}-{days.until.isoformat()}.xlsx"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def days_asked(session: Session) -> Period:
    """Return the period in the address; by default this month."""
    return period_of(day_asked("since"), day_asked("until"), the_station(session).timezone, now())


def units_asked(session: Session, code: str) -> set[int]:
    """Return the requested unit with those below it, if it is the visitor's; else all the visitor's units."""
    if not code:
        return set(visitor().units)
    unit = session.scalar(sa.select(Unit).where(Unit.code == code, Unit.id.in_(visitor().units)))
    return units_under(session, [unit.id]) if unit else set()
