"""Pages of numbers: where each leads at which time, and a preview."""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from flask import Flask, request
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.entry_fields import Act, Control, Field
from admin.entries.entry_pages import EntryPages
from admin.entries.scope import named_units, units_of_number
from admin.layout.language import has_text, page_language, say
from admin.layout.pages import Form, page
from admin.numbers.preview import answer_at, asked_moment, local_now
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.district.entries import NUMBER, Texts
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


FIELDS = (
    Field(
        "number", label="set_up.number_label", hint="set_up.number_hint", required=True, most=32, inputmode="tel",
        is_key=True,
    ),
    Field("unit", Control.CHOICE, label="numbers.unit", rows="units"),
    Field("flow", Control.CHOICE, label="numbers.flow", hint="numbers.flow_hint", rows="flows"),
    Field("language", Control.CHOICE, label="numbers.language", rows="languages", empty="numbers.any_language"),
    Field("missed_call_back", Control.BOXES, label="numbers.missed", rows="missed_call_back"),
    Field(
        "duty_phone", label="numbers.duty_phone", hint="numbers.duty_phone_hint", most=20, inputmode="tel",
        sample="+84206…",
    ),
    Field("duty_hours", label="numbers.duty_hours", hint="numbers.duty_hours_hint", most=11, sample="07:30-17:00"),
)  # fmt: skip


class NumberPages(EntryPages):
    """The form of a number with its routes; a change applies from the next call."""

    name, kind, page_of = "numbers", NUMBER, "number_page"
    start = ("unit", "flow")

    def units_of(self, session: Session, number: int) -> Iterable[int]:
        """Return the unit of the number."""
        return units_of_number(session, number)

    def fields(self, row: Number | None, form: Form) -> Sequence[Field]:
        """Return the fields of a number; its routes follow them."""
        return FIELDS

    def context(self, session: Session, row: Number | None, form: Form) -> Mapping[str, object]:
        """Return the choices of the form, and the rows of its routes."""
        lines = _lines(form) if PARTS[0] in form.fields else form.values("routes")
        routes = [read_route(line) for line in lines]
        blank: list[dict[str, str]] = [{} for _ in range(min(BLANK_ROWS, max(MOST_ROUTES - len(routes), 0)))]
        titles, chosen = flow_titles(session), form.value("flow")
        gone = [(chosen, chosen)] if chosen and chosen not in titles else []
        return {
            "choices": {
                "units": named_units(session, visitor()),
                "flows": [*gone, *titles.items()],
                "languages": [(code, _tongue(code)) for code in the_station(session).languages],
                "missed_call_back": [("yes", say("numbers.missed_long"))],
            },
            "titles": titles, "routes": [*routes, *blank], "days": list(Days),
        }  # fmt: skip

    def acts(self, session: Session, row: Number) -> Sequence[Act]:
        """Return the act that retires the number."""
        return [Act("retire", "entry.retire", sure=say("numbers.retire_sure"), is_grave=True)]

    def heading(self, row: Number | None) -> str:
        """Return the number itself as the heading."""
        return say("numbers.one", number=row.number) if row is not None else say("numbers.new")

    def texts(self, session: Session, row: Number | None, form: Form) -> Texts:
        """Return what was typed, with a line per route."""
        return {**form.fields, "routes": _lines(form)}

    def take_out(self, session: Session, row: Number) -> None:
        """Delete the number; callers hear that it is not in use."""
        session.delete(row)


def register_numbers(app: Flask, panel: Panel) -> None:
    """Add the pages of numbers."""
    NumberPages(panel).register(app)

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
        return page(
            "numbers/numbers.html", numbers=shown, titles=titles, trunks=trunks, after=after, following=following
        )

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
            "numbers/number.html", number=row, titles=titles, plans=plans, answer=answer_at(row, asked, page_language())
        )  # fmt: skip


def flow_titles(session: Session) -> dict[str, str]:
    """Return the flows that a number may lead to, with their titles in the language of the page."""
    language = page_language()
    return {
        name: titles.get(language) or next(iter(titles.values()), name) for name, titles in known_flows(session).items()
    }


def _tongue(code: str) -> str:
    """Return the name of a spoken language."""
    return say(f"spoken.{code}") if has_text(f"spoken.{code}") else code


def _lines(form: Form) -> list[str]:
    """Return the typed routes, one per line; a row with nothing but its days is ignored."""
    lines = []
    for days, begins, ends, flow, phone in zip(*(form.values(name) for name in PARTS), strict=False):
        if any(text.strip() for text in (begins, ends, flow, phone)):
            hours = f"{begins}-{ends}" if begins.strip() or ends.strip() else ""
            lines.append(write_line(days, hours, flow, phone))
    return lines[: MOST_ROUTES + 1]
