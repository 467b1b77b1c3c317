"""The list of cases as a page, with the first words of each case, in a fixed number of queries."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Response, request
from sqlalchemy.orm import Session

from admin.access.visitors import visitor
from admin.cases.filters import Tab, listing, write_place
from admin.cases.scope import takeable, workers
from admin.entries.scope import named_units
from admin.layout.language import know_timezone
from admin.layout.pages import Form, is_live_part, page
from admin.panel import Panel
from feedback.cases import case_search
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_order import Order
from feedback.cases.notes import LONGEST_NOTE
from feedback.citizens import data_requests
from feedback.models import Case, Message, Transcript
from feedback.states import Direction
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.people import Account

SHOWN = 160
"""Number of characters of the first words."""


@dataclass(frozen=True)
class Row:
    """One case in the list; `doubtful` marks an uncertain transcript."""

    case: Case
    words: str
    doubtful: bool
    overdue: bool
    assignee: str


def show_list(panel: Panel, form: Form, status: int = 200) -> Response:
    """Show the list that the address names; only its live part to a page that updates itself."""
    moment, who = now(), visitor()
    with panel.database.reading() as session:
        know_timezone(session)
        chosen = listing(session, panel.citizens, who, request.args, moment)
        found = case_search.find(session, chosen.wanted, chosen.start, order=chosen.filters.order)
        part = {
            "filters": chosen.filters,
            "tabs": _tabs(session, moment),
            "orders": list(Order),
            "rows": rows(session, found.cases, moment),
            "older": write_place(found.after),
            "untranscribed": case_search.waiting(session, moment, [who.account.unit_id]).transcripts,
            "form": form,
            "requests": data_requests.next_due(session, who.units),
        }
        if is_live_part():
            return page("cases/case_list.html", status, **part)
        works = who.may(Action.WORK_ON_CASES)
        return page(
            "cases/cases.html",
            status,
            **part,
            offered=chosen.offered,
            people=workers(session, who) if works else (),
            takeable=takeable(session, who, moment) if works else (),
            longest_note=LONGEST_NOTE,
            units=named_units(session, who) if works else (),
        )


def rows(session: Session, cases: Sequence[Case], at: datetime.datetime) -> list[Row]:
    """Return the rows of a page."""
    first = _first_words(session, [case.id for case in cases])
    names = _names(session, {case.assignee_id for case in cases if case.assignee_id is not None})
    return [
        Row(
            case,
            *first.get(case.id, ("", False)),
            case.status in OPEN and case.duplicate_of_id is None and case.due_at is not None and case.due_at < at,
            names.get(case.assignee_id or 0, ""),
        )
        for case in cases
    ]


def _tabs(session: Session, at: datetime.datetime) -> list[tuple[Tab, int]]:
    who = visitor()
    found = case_search.counts(session, at, [who.account.unit_id], who.account.id)
    return [(Tab.WAITING, found.waiting), (Tab.MINE, found.mine), (Tab.OVERDUE, found.overdue), (Tab.ALL, found.all)]


def _first_words(session: Session, case_ids: Sequence[int]) -> dict[int, tuple[str, bool]]:
    first = sa.select(sa.func.min(Message.id)).where(Message.case_id.in_(case_ids), Message.direction == Direction.IN)
    query = (
        sa.select(Message.case_id, Message.text, Transcript.text, Transcript.doubtful)
        .outerjoin(Transcript, Transcript.message_id == Message.id)
        .where(Message.id.in_(first.group_by(Message.case_id)))
    )
    return {
        case_id: (" ".join((written or heard or "").split())[:SHOWN], bool(doubtful))
        for case_id, written, heard, doubtful in session.execute(query)
    }


def _names(session: Session, account_ids: set[int]) -> dict[int, str]:
    found = session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(account_ids)))
    return {account_id: name for account_id, name in found}
