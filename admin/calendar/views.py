"""Week, month and list of schedules; import and export of calendar files."""

import calendar
import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from flask import Response as FlaskResponse
from jinja2.runtime import Macro
from markupsafe import Markup
from werkzeug.wrappers import Response

from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.broadcasts.zone_choices import zones_for
from admin.calendar.days import Entry, days, hours_of
from admin.calendar.schedules import listed, register_schedule_pages
from admin.calendar.scope import silent_among
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from admin.programmes.scope import unit_id_of, units_for
from broadcast_bridge.models import Zone
from broadcast_bridge.schedule.calendar_export import export_calendar
from broadcast_bridge.schedule.calendar_files import Defaults, import_calendar
from broadcast_bridge.schedule.editing import account_as_planner
from broadcast_bridge.schedule.errors import CalendarRefused
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.speakers.zones import zones_coded
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed
from haichieu.station import the_station

MOST_NAMED = 5
MOST_OF_A_DAY = 4
"""How many entries of a day a month shows."""
FIRST, LAST = datetime.date(1902, 1, 1), datetime.date(2098, 12, 31)
_AT, _WALL = "\0at\0", "\0wall\0"
"""Placeholders for the times of an entry in what is rendered once. No text has this character."""


class Alike:
    """Renders a macro of the page once for all entries that look the same, and fills in what names their day."""

    def __init__(self) -> None:
        self._done: dict[int, str] = {}

    def __call__(self, macro: Macro, entry: Entry) -> Markup:
        """Return what the macro makes of an entry."""
        if entry.looks not in self._done:
            self._done[entry.looks] = str(macro(entry, _AT, _WALL))
        filled = self._done[entry.looks].replace(_AT, entry.at.isoformat()).replace(_WALL, entry.wall)
        return Markup(filled)  # noqa: S704 (the macro has escaped all that people wrote; times need no escaping)


def register_calendar(app: Flask, panel: Panel) -> None:
    """Add the calendar's pages."""
    register_schedule_pages(app, panel)

    @app.get("/calendar")
    @needs(Action.VIEW)
    def calendar_page() -> Response:
        """Show a week or a month, from `day`, of all zones or one; or the list of schedules."""
        if request.args.get("view") == "list":
            return _list_page(panel, Form())
        is_month = request.args.get("view") == "month"
        zone_id = request.args.get("zone", type=int)
        zone_id = zone_id if zone_id and 0 < zone_id < 2**31 else None
        with panel.database.reading() as session:
            timezone = the_station(session).timezone
            here = now().astimezone(ZoneInfo(timezone))
            chosen = _day(request.args.get("day", ""), here.date())
            first, count, before, after = _month(chosen) if is_month else _week(chosen)
            most = MOST_OF_A_DAY if is_month else None
            shown = days(session, visitor(), first, count, timezone, now(), zone_id, most)
            zones = session.scalars(sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code)).all()
            return page(
                "calendar/calendar.html", days=shown, hours=hours_of(shown, here), chosen=chosen, here=here,
                before=before,
                after=after, zones=zones, zone_id=zone_id, view="month" if is_month else "week", alike=Alike(),
            )  # fmt: skip

    @app.get("/calendar/schedules.ics")
    @needs(Action.VIEW)
    def export_schedules() -> Response:
        """Return the schedules of the visitor's units as an iCalendar file."""
        with panel.database.reading() as session:
            wanted = sa.select(Schedule).where(Schedule.removed_at.is_(None), Schedule.unit_id.in_(visitor().units))
            data = export_calendar(session, session.scalars(wanted.order_by(Schedule.id)).all(), now())
        response = FlaskResponse(data, content_type="text/calendar; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="haichieu.ics"'
        return response

    @app.post("/calendar/import")
    @needs(Action.SCHEDULE, checks_units=True)
    def import_schedules_now() -> Response:
        """Import the events of the file, completely or not at all."""
        form, file = sent_form(), request.files.get("file")
        try:
            unit_id = unit_id_of(form.value("unit"))
            with panel.database.session() as session:
                require_in(session, Action.SCHEDULE, [unit_id])
                if file is None or not file.filename:
                    raise CalendarRefused("panel.calendar.no_file")
                zones = tuple(zone.id for zone in zones_coded(session, form.values("zone")))
                planner = account_as_planner(session, visitor().account)
                report = import_calendar(session, file.read(), planner, Defaults(unit_id, zones), now())
                silent = silent_among(session, [*report.planned, *report.changed], now())
        except NotAllowed:
            raise
        except HaiChieuError as refusal:
            form.problems[""] = refusal.message
            return _list_page(panel, form, 422)
        counts = (len(uids) for uids in (report.planned, report.changed, report.unchanged))
        flash(say("calendar.imported", **dict(zip(("planned", "changed", "same"), counts, strict=True))))
        if silent:
            flash(say("calendar.imported_silent", count=len(silent), titles=", ".join(silent[:MOST_NAMED])), "warning")
        return redirect(url_for("calendar_page", view="list"), 303)


def _list_page(panel: Panel, form: Form, status: int = 200) -> Response:
    """Show the schedules of the visitor's units in words, the newest first, with the form of calendar files."""
    before = request.args.get("before", type=int)
    with panel.database.reading() as session:
        schedules, older = listed(session, visitor().units, before)
        return page(
            "calendar/calendar.html", status, view="list", chosen=None, zone_id=None, schedules=schedules,
            before=before,
            older=older, form=form, zones=zones_for(session, visitor()), units=units_for(session, visitor()),
            own_unit=str(visitor().account.unit_id),
        )  # fmt: skip


def _day(text: str, today: datetime.date) -> datetime.date:
    try:
        return min(max(datetime.date.fromisoformat(text), FIRST), LAST)
    except ValueError:
        return today


def _week(day: datetime.date) -> tuple[datetime.date, int, datetime.date, datetime.date]:
    week = datetime.timedelta(days=7)
    return day - datetime.timedelta(days=day.weekday()), 7, day - week, day + week


def _month(day: datetime.date) -> tuple[datetime.date, int, datetime.date, datetime.date]:
    first, length = day.replace(day=1), calendar.monthrange(day.year, day.month)[1]
    begin = first - datetime.timedelta(days=first.weekday())
    weeks = -(-(length + first.weekday()) // 7)
    return (
        begin,
        weeks * 7,
        (first - datetime.timedelta(days=1)).replace(day=1),
        first + datetime.timedelta(days=length),
    )
