"""Pages of one schedule: show, add, edit, delete, and move or skip one occurrence."""

import datetime
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.page_steps import NEW, Step, add_steps, or_new
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.calendar.days import CONTENT
from admin.calendar.drafts import REPEATS, WEEKDAYS, as_fields, draft_from, field_of, named, titled
from admin.calendar.scope import Doubts, choices, doubts_about, find_schedule, is_over, unit_of_schedule
from admin.layout.language import page_language, say
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.schedule import editing, single_days
from broadcast_bridge.schedule.description import in_words
from broadcast_bridge.schedule.editing import account_as_planner
from broadcast_bridge.schedule.errors import (
    ChangedMeanwhile,
    NoSuchOccurrence,
    PlanningNotAllowed,
    ScheduleRefused,
)
from broadcast_bridge.schedule.forecast import Forecast, Obstacle, next_moments
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.recurrence import iso, same_clock
from broadcast_bridge.schedule.states import Days, What, reason_message
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError
from haichieu.locale import Message
from haichieu.station import the_station

ROWS = 50
NEXT_HOURS = 5
START = datetime.time(5, 30)
"""The start time that the form proposes."""
GIVEN = ("programme", "day", "time", "zone")
"""The fields that a link to the form may fill in."""
NO_DOUBTS = Doubts()


@dataclass(frozen=True)
class Coming:
    """A start time to come, by the clocks of the station and of the schedule, and why nothing would play then."""

    at: datetime.datetime
    wall: str
    obstacle: Message | None


@dataclass(frozen=True)
class Listed:
    """A schedule in words, with what keeps its upcoming broadcasts from being heard."""

    schedule: Schedule
    words: str
    obstacles: Sequence[Obstacle]
    is_over: bool


class _Doubtful(Exception):
    """The schedule raises doubts that the user has not confirmed; rolls the transaction back."""

    def __init__(self, doubts: Doubts) -> None:
        self.doubts = doubts


def register_schedule_pages(app: Flask, panel: Panel) -> None:
    """Add the page of a schedule, and its form, number 0 for a new one, with the steps on that page."""

    @app.get("/calendar/schedules/<int:number>")
    @needs(Action.VIEW, where=unit_of_schedule)
    def schedule(number: int) -> Response:
        """Show a schedule with its next start times and conflicts.

        With `was`, ask for the new time of that occurrence; `to` is filled in when it was dragged there.
        """
        given = {name: [request.args[name][:16]] for name in ("was", "to") if name in request.args}
        return _schedule_page(panel, number, Form(given))

    def save(number: int) -> Response:
        return _plan(panel) if number == NEW else _change(panel, number)

    def step(do: Callable[[Panel, int], Response]) -> Step:
        return Step(Action.SCHEDULE, lambda number: do(panel, number), where=unit_of_schedule)

    edit = Step(Action.SCHEDULE, save, lambda number: _edit(panel, number), or_new(unit_of_schedule), checks_units=True)
    steps = {"edit": edit, "move": step(_move_occurrence), "remove": step(_remove)}
    add_steps(app, "/calendar/schedules/<int:number>/<step>", "schedule_step", _address, steps)


def _address(number: int) -> str:
    return url_for("schedule", number=number)


def _edit(panel: Panel, number: int) -> Response:
    """Show the form of a schedule; that of a new one is empty or has a chosen programme or time."""
    if number == NEW:
        given = {name: [request.args[name][:40]] for name in GIVEN if name in request.args}
        return _form_page(panel, Form(take_kept(panel) or given))
    with panel.database.reading() as session:
        one = find_schedule(session, number)
        fields = {**as_fields(one), "version": [str(one.version)]}
    return _form_page(panel, Form(take_kept(panel) or fields), number=number)


def _plan(panel: Panel) -> Response:
    """Add a schedule; conflicts must be confirmed first."""
    form = sent_form()
    try:
        with panel.database.session() as session:
            draft = titled(session, draft_from(form))
            require_in(session, Action.SCHEDULE, [draft.unit_id] if draft.unit_id else [])
            made = editing.plan(session, draft, account_as_planner(session, visitor().account), now())
            _require_meant(session, made, form)
            number, words = made.id, _words(made, the_station(session).timezone)
    except _Doubtful as unsure:
        return _form_page(panel, form, 409, unsure.doubts)
    except (ScheduleRefused, PlanningNotAllowed) as refusal:
        return _refused(panel, form, refusal)
    flash(say("calendar.planned", words=words))
    return redirect(_address(number), 303)


def _change(panel: Panel, number: int) -> Response:
    """Change a schedule. 409 with what was typed when another user changed it meanwhile."""
    form = sent_form()
    try:
        with panel.database.session() as session:
            require_in(session, Action.SCHEDULE, unit_of_schedule(session, number))
            draft = titled(session, draft_from(form, editing.draft_of(find_schedule(session, number))))
            planner = account_as_planner(session, visitor().account)
            changed = editing.change(session, number, draft, planner, _version(form), now())
            _require_meant(session, changed, form)
    except _Doubtful as unsure:
        return _form_page(panel, form, 409, unsure.doubts, number)
    except (ScheduleRefused, PlanningNotAllowed) as refusal:
        return _refused(panel, form, refusal, number)
    flash(say("calendar.changed"))
    return redirect(_address(number), 303)


def _remove(panel: Panel, number: int) -> Response:
    """Delete a schedule with all its upcoming occurrences."""
    with panel.database.session() as session:
        editing.remove(session, number, account_as_planner(session, visitor().account), now())
    flash(say("calendar.removed"))
    return redirect(url_for("calendar_page"), 303)


def _move_occurrence(panel: Panel, number: int) -> Response:
    """Move one occurrence to another time, or skip it."""
    form = sent_form()
    try:
        with panel.database.session() as session:
            _move(session, number, form)
    except _Doubtful as unsure:
        return _schedule_page(panel, number, form, 409, unsure.doubts)
    except (ScheduleRefused, PlanningNotAllowed, NoSuchOccurrence) as refusal:
        form.problems["to"] = refusal.message
        return _schedule_page(panel, number, form, _status_of(refusal))
    flash(say("calendar.left_out" if form.value("then") == "leave_out" else "calendar.moved"))
    day = (form.value("was") if form.value("then") == "leave_out" else form.value("to"))[:10]
    return redirect(url_for("calendar_page", day=day), 303)


def _move(session: Session, number: int, form: Form) -> None:
    planner, was = account_as_planner(session, visitor().account), _wall(form.value("was"))
    one = find_schedule(session, number)
    if form.value("then") == "leave_out":
        moment = recurrence_of(one).between(*_minute_of(one, was))
        row = session.scalar(
            sa.select(Occurrence.id).where(
                Occurrence.schedule_id == number, Occurrence.due_at.in_([each.at for each in moment])
            )
        )
        if row is not None or not (one.rrule or one.lunar or one.rdates):
            editing.cancel_occurrence(session, row or 0, planner, now())
        else:
            single_days.leave_out(session, number, was, planner, _version(form), now())
        return
    moved = single_days.move(session, number, was, _wall(form.value("to")), planner, _version(form), now())
    _require_meant(session, moved, form)


def _require_meant(session: Session, schedule: Schedule, form: Form) -> None:
    """Raise _Doubtful when there are doubts other than those confirmed, ScheduleRefused when it is all in the past."""
    if is_over(schedule, now()):
        raise ScheduleRefused("schedule.past")
    doubts = doubts_about(session, schedule, now())
    if doubts and form.value("confirmed") != doubts.mark:
        raise _Doubtful(doubts)


def _refused(panel: Panel, form: Form, refusal: HaiChieuError, number: int | None = None) -> Response:
    """Show the form again with what was typed, and the refusal at its field."""
    form.problems[field_of(refusal, form)] = refusal.message
    return _form_page(panel, form, _status_of(refusal), number=number)


def _status_of(refusal: HaiChieuError) -> int:
    if isinstance(refusal, PlanningNotAllowed):
        return refusal.http_status
    return 409 if isinstance(refusal, ChangedMeanwhile) else 422


def _form_page(
    panel: Panel, form: Form, status: int = 200, doubts: Doubts = NO_DOUBTS, number: int | None = None
) -> Response:
    with panel.database.reading() as session:
        who = visitor()
        if form.problems and number is not None and status == 409:
            form = Form({**form.fields, "version": [str(find_schedule(session, number).version)]}, form.problems)
        offered = choices(session, who, form.row_id("programme") or None, number)
        here = now().astimezone(ZoneInfo(the_station(session).timezone))
        day = here.date() + datetime.timedelta(days=here.time() >= START)
        return page(
            "calendar/schedule_form.html", status, form=form, doubts=doubts, named=named,
            number=number, repeats=REPEATS, weekdays=WEEKDAYS, whats=list(What), day_rules=list(Days),
            timezone=_other_clock(session, find_schedule(session, number)) if number is not None else None,
            own_unit=str(who.account.unit_id), day=day.isoformat(), start=f"{START:%H:%M}", offered=offered,
            priorities=[one for one in Priority if one is not Priority.EMERGENCY or who.may(Action.EMERGENCY)],
        )  # fmt: skip


def _schedule_page(panel: Panel, number: int, form: Form, status: int = 200, doubts: Doubts = NO_DOUBTS) -> Response:
    """Show a schedule; the form is that of one occurrence, which `was` names, and its doubts are those of the move."""
    with panel.database.reading() as session:
        one, at = find_schedule(session, number), now()
        zone = ZoneInfo(the_station(session).timezone)
        moments = recurrence_of(one).between(at, at + datetime.timedelta(days=400))[:NEXT_HOURS]
        forecast = Forecast(session, [one])
        coming = [
            Coming(moment.at.astimezone(zone), iso(moment.wall), reason_message(forecast.obstacle(one, moment)))
            for moment in moments
        ]
        content = forecast.contents.of(one, moments[0].at if moments else at)
        reasons = {part.id: reason_message(reason) for part, reason in content.left_out}
        return page(
            "calendar/schedule.html", status, schedule=one, coming=coming, content=content,
            words=_words(one, the_station(session).timezone), doubts=doubts_about(session, one, at),
            seconds=forecast.contents.seconds(one, at), is_over=is_over(one, at),
            form=form, was=_wall_or_none(form.value("was")), move_doubts=doubts,
            version=form.value("version", str(one.version)) if status != 409 or doubts else str(one.version),
            timezone=_other_clock(session, one), reasons=reasons,
        )  # fmt: skip


def listed(session: Session, units: Collection[int], before: int | None) -> tuple[Sequence[Listed], int | None]:
    """Return a page of the schedules of some units, the newest first, and the id to continue at; None at the end."""
    wanted = sa.select(Schedule).where(Schedule.removed_at.is_(None), Schedule.unit_id.in_(units))
    if before is not None and 0 < before < 2**31:
        wanted = wanted.where(Schedule.id < before)
    found = session.scalars(wanted.options(*CONTENT).order_by(Schedule.id.desc()).limit(ROWS + 1)).all()
    forecast, at, timezone = Forecast(session, found[:ROWS]), now(), the_station(session).timezone
    shown = []
    for one in found[:ROWS]:
        coming = next_moments(one, at) if one.enabled else []
        over = one.enabled and not coming
        shown.append(Listed(one, _words(one, timezone), forecast.obstacles(one, coming), over))
    return shown, found[ROWS - 1].id if len(found) > ROWS else None


def _words(schedule: Schedule, timezone: str) -> str:
    return in_words(recurrence_of(schedule), page_language(), timezone)


def _other_clock(session: Session, schedule: Schedule) -> str | None:
    """Return the time zone of a schedule whose clock is not the station's."""
    return None if same_clock(schedule.timezone, the_station(session).timezone) else schedule.timezone


def _version(form: Form) -> int:
    text = form.value("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _wall(text: str) -> datetime.datetime:
    try:
        wall = datetime.datetime.fromisoformat(text[:16])
    except ValueError:
        raise ScheduleRefused("panel.calendar.wrong_start") from None
    return wall


def _wall_or_none(text: str) -> datetime.datetime | None:
    try:
        return _wall(text)
    except ScheduleRefused:
        return None


def _minute_of(schedule: Schedule, wall: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime]:
    begin = wall.replace(tzinfo=ZoneInfo(schedule.timezone)).astimezone(datetime.UTC)
    return begin, begin + datetime.timedelta(minutes=1)
