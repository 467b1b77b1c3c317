"""Pages of numbers: where each leads at which time, and a preview."""

from collections.abc import Mapping

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import units_of_number, units_to_choose
from admin.layout.language import page_language, say
from admin.layout.pages import Form, page, sent_form
from admin.numbers.preview import answer_at, asked_moment, local_now
from admin.panel import Panel
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.district.entries import NUMBER, EntryRefused, texts_of
from haichieu.district.route_lines import read_route, write_line
from haichieu.district.schema import MOST_ROUTES
from haichieu.locale import render
from haichieu.station import the_station
from haichieu.station_status import trunk_states
from ivr.calls.number_routes import Days, day_plan
from ivr.calls.routing import Number, known_flows, routes_of

A_PAGE = 50
BLANK_ROWS = 2
PARTS = ("route_days", "route_from", "route_to", "route_flow", "route_phone")


def register_numbers(app: Flask, panel: Panel) -> None:
    """Add the pages of numbers."""

    @app.get("/numbers")
    @needs(Action.CONFIGURE)
    def numbers() -> Response:
        """List the numbers of the visitor's units, and where each leads now."""
        after = request.args.get("after", "")[:32]
        with panel.database.reading() as session:
            moment = local_now(session)
            mine = Number.unit_id.in_(visitor().units)
            query = sa.select(Number).where(mine, Number.number > after).order_by(Number.number).limit(A_PAGE + 1)
            found = session.scalars(query.options(joinedload(Number.unit))).all()
            titles = flow_titles(session)
            trunks = [(trunk, render(trunk.words, page_language())) for trunk in trunk_states(session)]
        shown = [(one, answer_at(one, moment, page_language()), routes_of(one)) for one in found[:A_PAGE]]
        following = found[A_PAGE - 1].number if len(found) > A_PAGE else ""
        return page("numbers.html", numbers=shown, titles=titles, trunks=trunks, after=after, following=following)

    @app.get("/numbers/new")
    @needs(Action.CONFIGURE)
    def new_number() -> Response:
        """Show the form for a new number."""
        asked = request.args
        return _form_page(panel, form_of(panel, unit=asked.get("unit", ""), flow=asked.get("flow", "")))

    @app.post("/numbers/new")
    @needs(Action.CONFIGURE, checks_units=True)
    def add_number() -> Response:
        """Add a number; it accepts calls at once."""
        try:
            with panel.database.session() as session:
                number = take_form(session, panel, NUMBER, texts=_texts()).id
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), status=422)
        flash(say("entry.saved"))
        return redirect(url_for("number_page", number=number), 303)

    @app.get("/numbers/<int:number>")
    @needs(Action.CONFIGURE, where=units_of_number)
    def number_page(number: int) -> Response:
        """Show one number, its day, and what a caller reaches at a requested time."""
        with panel.database.reading() as session:
            row = session.get_one(Number, number, options=[joinedload(Number.unit)])
            titles, moment = flow_titles(session), local_now(session)
        asked = asked_moment(request.args.get("day", ""), request.args.get("hour", ""), moment)
        routes = routes_of(row)
        plans = {days: day_plan(routes, days) for days in (Days.WORKING, Days.OFF)}
        return page(
            "number.html", number=row, titles=titles, plans=plans, answer=answer_at(row, asked, page_language())
        )  # fmt: skip

    @app.get("/numbers/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_number)
    def edit_number(number: int) -> Response:
        """Show the form of a number."""
        with panel.database.reading() as session:
            row = session.get_one(Number, number)
            texts = texts_of(NUMBER, row)
        return _form_page(panel, form_of(panel, texts), row)

    @app.post("/numbers/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_number, checks_units=True)
    def change_number(number: int) -> Response:
        """Change a number; the change applies from the next call."""
        try:
            with panel.database.session() as session:
                take_form(session, panel, NUMBER, session.get_one(Number, number), _texts())
        except (EntryRefused, Conflict) as refusal:
            with panel.database.reading() as session:
                row = session.get_one(Number, number)
            return _form_page(panel, refused(refusal), row, 422)
        flash(say("entry.saved"))
        return redirect(url_for("number_page", number=number), 303)

    @app.post("/numbers/<int:number>/retire")
    @needs(Action.CONFIGURE, where=units_of_number)
    def retire_number(number: int) -> Response:
        """Retire a number (requires the confirmation box); callers hear that it is not in use."""
        if not sent_form().chosen("sure", "yes"):
            with panel.database.reading() as session:
                row = session.get_one(Number, number)
                form = form_of(panel, texts_of(NUMBER, row))
            form.problems[""] = say("entry.not_sure")
            return _form_page(panel, form, row, 422)
        with panel.database.session() as session:
            row = session.get_one(Number, number)
            session.delete(row)
            audit.record(session, visitor().actor, "number.retire", f"number:{row.number}")
        flash(say("entry.retired"))
        return redirect(url_for("numbers"), 303)


def flow_titles(session: Session) -> dict[str, str]:
    """Return the flows that a number may lead to, with their titles in the language of the page."""
    language = page_language()
    return {
        name: titles.get(language) or next(iter(titles.values()), name) for name, titles in known_flows(session).items()
    }


def _texts() -> Mapping[str, list[str]]:
    form = sent_form()
    return {**{name: list(values) for name, values in form.fields.items()}, "routes": _lines(form)}


def _lines(form: Form) -> list[str]:
    """Return the typed routes, one per line; a row with nothing but its days is ignored."""
    lines = []
    for days, begins, ends, flow, phone in zip(*(form.values(name) for name in PARTS), strict=False):
        if any(text.strip() for text in (begins, ends, flow, phone)):
            hours = f"{begins}-{ends}" if begins.strip() or ends.strip() else ""
            lines.append(write_line(days, hours, flow, phone))
    return lines[: MOST_ROUTES + 1]


def _form_page(panel: Panel, form: Form, row: Number | None = None, status: int = 200) -> Response:
    lines = _lines(form) if PARTS[0] in form.fields else form.values("routes")
    routes = [read_route(line) for line in lines]
    blank: list[dict[str, str]] = [{} for _ in range(min(BLANK_ROWS, max(MOST_ROUTES - len(routes), 0)))]
    with panel.database.reading() as session:
        units, titles, spoken = (
            units_to_choose(session, visitor()),
            flow_titles(session),
            the_station(session).languages,
        )
    return page(
        "number_form.html", status, form=form, number=row, units=units, titles=titles, spoken=spoken,
        routes=[*routes, *blank], days=list(Days),
    )  # fmt: skip
