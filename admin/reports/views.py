"""The report page, printable as it is or on one page, the workbook, and the households of villages."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask import Flask, Response, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.broadcasts.log_filter import units_to_choose
from admin.layout.addresses import day_asked, file_asked, text_asked
from admin.layout.language import say, show_day
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from admin.reports.effectiveness import all_sections
from admin.reports.figures import figures
from admin.reports.workbook import workbook_answer
from broadcast_bridge.duties.states import DutyState
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.households import NotANumberOfHouseholds, households_from, set_households
from haichieu.people import Level, Unit, units_under
from haichieu.periods import Period, month_before, period_of
from haichieu.station import the_station

ONE_PAGE = "page"
HOUSEHOLDS = "households"
LATE = (DutyState.OVERDUE, DutyState.MISSED, DutyState.MET_LATE)
"""Duties that the head of the commune should know by name."""


def register_reports(app: Flask, panel: Panel) -> None:
    """Add the page."""

    @app.get("/reports")
    @needs(Action.VIEW)
    def reports() -> Response:
        """Show the reports on the period and unit in the address; by default this month in all the visitor's units.

        With `view=page`, show them on one page to print, with the form for the households of villages; with `as=xlsx`,
        return them as a workbook.
        """
        if file_asked() == "xlsx":
            return _reports_workbook(panel)
        return _reports(panel, Form(take_kept(panel)))

    @app.post("/reports")
    @needs(Action.CONFIGURE, checks_units=True)
    def enter_households() -> AnyResponse:
        """Store the households of villages."""
        form = sent_form()
        wanted: dict[int, int | None] = {}
        for name in form.fields:
            prefix, _, key = name.partition("-")
            if prefix == HOUSEHOLDS and key.isascii() and key.isdigit() and len(key) < 10:
                try:
                    wanted[int(key)] = households_from(form.value(name))
                except NotANumberOfHouseholds as refusal:
                    form.problems[name] = refusal.message
        if form.problems:
            return _reports(panel, form, 422)
        with panel.database.session() as session:
            require_in(session, Action.CONFIGURE, wanted)
            changed = set_households(session, wanted, visitor().actor)
        flash(say("reports.households_saved", count=changed))
        return redirect(url_for("reports", view=ONE_PAGE), 303)


def _reports_workbook(panel: Panel) -> Response:
    with panel.database.reading() as session:
        days, unit = days_asked(session), text_asked("unit", 40)
        found = all_sections(figures(session, units_asked(session, unit), days, now()))
    heading = say("reports.days", since=show_day(days.since), until=show_day(days.until))
    return workbook_answer(f"haichieu-{days.since.isoformat()}-{days.until.isoformat()}", found, heading)


def _reports(panel: Panel, form: Form, status: int = 200) -> Response:
    """Show the reports: with `view=page`, or with a form, on one page."""
    with panel.database.reading() as session:
        days, code = days_asked(session), text_asked("unit", 40)
        units = units_asked(session, code)
        found = figures(session, units, days, now())
        shown, station = all_sections(found), the_station(session)
        unit_choices = units_to_choose(session, visitor())
        may_enter = visitor().may(Action.CONFIGURE)
        listed = [one for one in _with_households(unit_choices) if one.id in units] if may_enter else []
        template = (
            "reports/effectiveness.html"
            if form.was_sent or text_asked("view", 10) == ONE_PAGE
            else "reports/reports.html"
        )
        return page(
            template, status, sections=shown, days=days, unit=code, units=unit_choices, station=station,
            last_month=month_before(days.since), printed_at=now(), listed=listed, households=found.households,
            form=form, late=[one for one in found.duties if one.state in LATE],
        )  # fmt: skip


def _with_households(units: Sequence[Unit]) -> list[Unit]:
    """Return the units whose households are entered: villages, and communes without any."""
    present = [one for one in units if one.retired_at is None]
    divided = {one.parent_id for one in present if one.level == Level.VILLAGE}
    whole = [one for one in present if one.level == Level.COMMUNE and one.id not in divided]
    return [one for one in present if one.level == Level.VILLAGE or one in whole]


def days_asked(session: Session) -> Period:
    """Return the period in the address; by default this month."""
    return period_of(day_asked("since"), day_asked("until"), the_station(session).timezone, now())


def units_asked(session: Session, code: str) -> set[int]:
    """Return the requested unit with those below it, if it is the visitor's; else all the visitor's units."""
    if not code:
        return set(visitor().units)
    unit = session.scalar(sa.select(Unit).where(Unit.code == code, Unit.id.in_(visitor().units)))
    return units_under(session, [unit.id]) if unit else set()
