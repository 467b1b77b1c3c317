"""The forms of the list: several cases at once assigned, merged, or closed with one reason; a case entered by hand."""

from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask, flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.cases.case_page import Onward
from admin.cases.filters import listing
from admin.cases.inbox import show_list
from admin.cases.scope import case_for_visitor
from admin.cases.walk_in import enter_case
from admin.layout.language import say, sentence
from admin.layout.pages import Form, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from feedback.cases import assignment, merging, notes
from feedback.cases.case_lifecycle import OPEN, NoSuchCase
from feedback.cases.case_search import PAGE
from feedback.models import Case, Department
from haichieu.account_rights import Action, may
from haichieu.database import now
from haichieu.errors import HaiChieuError, UsageError
from haichieu.people import Account

Work = Callable[[Session, Case], None]


def register_bulk(app: Flask, panel: Panel) -> None:
    """Add the form under the list."""

    @app.post("/cases")
    @needs(Action.WORK_ON_CASES)
    def work_on_cases() -> Response:
        """Assign, merge or close the chosen cases of the visitor's units, or enter a new one (`act`)."""
        form = sent_form()
        if form.value("act") == "enter":
            return enter_case(panel, form)
        numbers = sorted(set(form.values("case")))[:PAGE]
        act = form.value("act")
        try:
            if not numbers:
                raise UsageError("panel.bulk.none_chosen")
            with panel.database.session() as session:
                main = _first_opened(session, numbers) if act == "merge" else None
                if main is not None:
                    numbers.remove(main.number)
                work = _merging(main) if main else _closing(form) if act == "close" else _assigning(session, form)
                refused = _do_each(session, numbers, work)
                into = main.number if main else ""
                place = listing(session, panel.citizens, visitor(), request.args, now()).filters.place
        except UsageError as refusal:
            form.problems["close" if act == "close" else "assign"] = refusal.message
            return show_list(panel, form, 422)
        done = len(numbers) - sum(map(len, refused.values()))
        flash(_done(act, done, into))
        for why, which in refused.items():
            shown = ", ".join(f"{number[:4]} {number[4:]}" for number in which)
            flash(say("bulk.refused", numbers=shown, why=why), "warning")
        return redirect(Onward(place, "").address, 303)


def _done(act: str, count: int, into: str) -> str:
    if act == "merge":
        return say("bulk.merged", count=count, number=f"{into[:4]} {into[4:]}")
    return say("bulk.closed", count=count) if act == "close" else say("bulk.assigned", count=count)


def _first_opened(session: Session, numbers: list[str]) -> Case:
    """Return the case into which the others are merged: the one that was opened first, if possible an unanswered one.

    Raises UsageError for fewer than two cases that the visitor may see.
    """
    mine = Case.number.in_(numbers), Case.unit_id.in_(visitor().units)
    first = session.scalars(sa.select(Case).where(*mine).order_by(Case.status.not_in(OPEN), Case.opened_at, Case.id))
    cases = first.all()
    if len(cases) < 2:
        raise UsageError("panel.bulk.merge_several")
    return cases[0]


def _merging(main: Case) -> Work:
    """Return the merging into a case, which can be taken back on the page of each."""
    who = visitor().actor

    def merge(session: Session, case: Case) -> None:
        merging.merge(session, case, main, who, now())

    return merge


def _closing(form: Form) -> Work:
    """Return the closing with the reason as a note. Raises UsageError without reason or confirmation."""
    reason = form.value("reason").strip()
    if not reason:
        raise UsageError("panel.bulk.no_reason")
    if form.value("confirmed") != "yes":
        raise UsageError("panel.bulk.not_confirmed")
    who = visitor().actor

    def close(session: Session, case: Case) -> None:
        merging.close(session, case, who, now())
        notes.add_note(session, case, reason, who, now())

    return close


def _assigning(session: Session, form: Form) -> Work:
    """Return the assignment to the chosen person or department. Raises UsageError for none."""
    kind, _, key = form.value("to").partition(":")
    account = session.scalar(sa.select(Account).where(Account.email == key)) if kind == "account" else None
    office = session.scalar(sa.select(Department).where(Department.code == key)) if kind == "department" else None
    if account is not None and not may(account, Action.WORK_ON_CASES):
        account = None
    if account is None and office is None:
        raise UsageError("panel.bulk.nobody")
    who = visitor().actor

    def assign(session: Session, case: Case) -> None:
        assignment.assign(session, case, who, now(), department=office, account=account)

    return assign


def _do_each(session: Session, numbers: list[str], work: Work) -> dict[str, list[str]]:
    """Do it to each case by itself, and return the refused numbers by reason.

    Raises NoSuchCase when the visitor may see none of them.
    """
    refused: dict[str, list[str]] = {}
    unknown = 0
    for number in numbers:
        try:
            with session.begin_nested():
                case = case_for_visitor(session, number)
                session.refresh(case, with_for_update=True)
                work(session, case)
        except HaiChieuError as refusal:
            unknown += isinstance(refusal, NoSuchCase)
            refused.setdefault(sentence(refusal_message(refusal)), []).append(number)
    if unknown == len(numbers):
        raise NoSuchCase(numbers[0])
    return refused
