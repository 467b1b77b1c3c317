"""The registers: formal cases, informal cases and data requests of a period, printable and as a workbook."""

import datetime
from collections.abc import Sequence
from enum import StrEnum
from zoneinfo import ZoneInfo

from flask import Flask, Response
from sqlalchemy.orm import Session

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.broadcasts.log_filter import units_to_choose
from admin.layout.addresses import choice_asked, file_asked, text_asked
from admin.layout.language import has_text, know_timezone, say, show_day
from admin.layout.pages import page
from admin.panel import Panel
from admin.reports.sections import Cell, Section, Table
from admin.reports.views import days_asked, units_asked
from admin.reports.workbook import workbook_answer
from feedback.cases import case_registers
from feedback.citizens.models import DataRequest
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, FormalCase
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.periods import Period
from haichieu.station import the_station
from haichieu.unit_names import unit_names

MOST_ON_PAGE = 500
MOST_IN_WORKBOOK = 20_000


class Register(StrEnum):
    """The registers."""

    FORMAL = "formal"
    INFORMAL = "informal"
    REQUESTS = "requests"


def register_registers(app: Flask, panel: Panel) -> None:
    """Add the page."""

    @app.get("/reports/registers")
    @needs(Action.READ_CASES)
    def registers() -> Response:
        """Show one register for the period and unit in the address; by default the formal one of this month.

        With `as=xlsx`, return it as a workbook.
        """
        if file_asked() == "xlsx":
            return _register_workbook(panel)
        with panel.database.reading() as session:
            know_timezone(session)
            days, unit, kind = days_asked(session), text_asked("unit", 40), _kind()
            table = _table(session, panel.citizens, kind, units_asked(session, unit), days, MOST_ON_PAGE)
            units, station = units_to_choose(session, visitor()), the_station(session)
        return page(
            "reports/registers.html", kind=kind, kinds=list(Register), table=table, days=days, unit=unit, units=units,
            station=station, printed_at=now(), is_cut=len(table.rows) == MOST_ON_PAGE,
        )  # fmt: skip


def _register_workbook(panel: Panel) -> Response:
    with panel.database.reading() as session:
        days, kind = days_asked(session), _kind()
        units = units_asked(session, text_asked("unit", 40))
        table = _table(session, panel.citizens, kind, units, days, MOST_IN_WORKBOOK)
    heading = say("reports.days", since=show_day(days.since), until=show_day(days.until))
    name = f"haichieu-{kind}-{days.since.isoformat()}-{days.until.isoformat()}"
    return workbook_answer(name, [Section(f"register_{kind}", "", None, [table])], heading)


def _kind() -> Register:
    return choice_asked("kind", Register) or Register.FORMAL


def _table(
    session: Session, book: CitizenBook, kind: Register, units: set[int], days: Period, most: int
) -> Table:  # fmt: skip
    names, zone = unit_names(session), ZoneInfo(days.timezone)
    period = (session, units, days.begin, days.end, most)
    rows: Sequence[Sequence[Cell]]
    match kind:
        case Register.FORMAL:
            see = visitor().may(Action.SEE_NUMBERS)
            columns = FORMAL if see else tuple(one for one in FORMAL if one not in PERSONAL)
            rows = [
                [cells[column] for column in columns]
                for one in case_registers.formal_cases(*period)
                if (cells := _formal(book, one, str(names[one.case.unit_id]), zone, see=see))
            ]
        case Register.INFORMAL:
            columns = INFORMAL
            rows = [_informal(one, str(names[one.unit_id]), zone) for one in case_registers.informal_cases(*period)]
        case Register.REQUESTS:
            columns = REQUESTS
            rows = [_request(one, str(names[one.unit_id]), zone) for one in case_registers.data_requests(*period)]
    heads = [say(f"register.{column}") for column in columns]
    return Table(say(f"reports.register_{kind}"), heads, rows, len(heads))


PERSONAL = ("name", "address", "phone", "content")
FORMAL = (
    *("number", "received", *PERSONAL, "channel", "received_on", "unit"),
    *("forward_due", "forwarded", "forwarded_to", "status", "result", "published_by", "published"),
)  # fmt: skip
INFORMAL = ("number", "received", "channel", "language", "unit", "category", "department", "status", "due", "answered",
            "closed")  # fmt: skip
REQUESTS = ("request", "asked", "kind", "channel", "number", "unit", "due", "state", "settled", "in_time", "reason")


def _formal(book: CitizenBook, one: FormalCase, unit: str, zone: ZoneInfo, *, see: bool) -> dict[str, Cell]:
    locked = {"name": one.name_locked, "address": one.address_locked, "phone": one.phone_locked} if see else {}
    return {
        "number": one.case.number, "received": _day(one.case.opened_at, zone),
        **{name: book.unlock(value) if value else "" for name, value in locked.items()},
        "content": one.content, "channel": say(f"channel.{one.case.channel}"),
        "received_on": one.received_on or say(f"channel.{one.case.channel}"),
        "unit": unit, "forward_due": _day(one.forward_due_at, zone), "forwarded": _day(one.forwarded_at, zone),
        "forwarded_to": one.forwarded_to, "status": say(f"case_state.{one.case.status}"), "result": one.result,
        "published_by": say(f"track.published_by.{one.published_by}") if one.published_by else "",
        "published": _day(one.published_at, zone),
    }  # fmt: skip


def _informal(one: Case, unit: str, zone: ZoneInfo) -> list[Cell]:
    return [
        one.number, _day(one.opened_at, zone), say(f"channel.{one.channel}"), _language(one.language), unit,
        one.category.name if one.category else "", one.department.name if one.department else "",
        say(f"case_state.{one.status}"), _day(one.due_at, zone), _day(one.answered_at, zone), _day(one.closed_at, zone),
    ]  # fmt: skip


def _language(code: str) -> str:
    return say(f"spoken.{code}") if has_text(f"spoken.{code}") else code


def _request(one: DataRequest, unit: str, zone: ZoneInfo) -> list[Cell]:
    in_time = "" if one.settled_at is None else say("register.yes" if one.settled_at <= one.due_at else "register.no")
    return [
        str(one.id), _day(one.asked_at, zone), _kind_of(one), say(f"channel.{one.channel}"),
        one.case.number if one.case else "", unit, _day(one.due_at, zone), say(f"request_state.{one.state}"),
        _day(one.settled_at, zone), in_time, one.reason,
    ]  # fmt: skip


def _kind_of(one: DataRequest) -> str:
    kind = say(f"data_right.{one.kind}")
    return f"{kind}: {say(f'purpose.{one.purpose}')}" if one.purpose else kind


def _day(at: datetime.datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d/%m/%Y}" if at else ""
