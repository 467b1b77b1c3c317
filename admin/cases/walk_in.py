"""The form of the inbox for the case of a citizen at the office."""

from flask import flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.permissions import require_in
from admin.access.visitors import visitor
from admin.cases.inbox import show_list
from admin.cases.scope import category_chosen, unit_chosen
from admin.cases.tracks import applicant
from admin.layout.language import say
from admin.layout.pages import Form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from feedback.cases.formal_track import EntryRefused
from feedback.intake import walk_ins
from feedback.intake.walk_ins import Visit
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import UsageError


def enter_case(panel: Panel, form: Form) -> Response:
    """Enter the case, and show its page; what is missing is said beside each field."""
    try:
        with panel.database.session() as session:
            visit = _visit(session, form)
            number = walk_ins.enter(session, panel.citizens, visit, visitor().actor, now()).number
    except EntryRefused as missing:
        form.problems.update(missing.problems)
        form.problems["enter"] = missing.message
        return show_list(panel, form, 422)
    except UsageError as refusal:
        form.problems["enter"] = refusal_message(refusal)
        return show_list(panel, form, 422)
    flash(say("walk_in.entered", number=f"{number[:4]} {number[4:]}"))
    return redirect(url_for("case_page", number=number), 303)


def _visit(session: Session, form: Form) -> Visit:
    is_formal = form.value("formal") == "yes"
    unit = unit_chosen(session, visitor(), form.value("unit"))
    require_in(session, Action.SEE_NUMBERS if is_formal else Action.WORK_ON_CASES, [unit.id])
    category = category_chosen(session, form.value("category")) if form.value("category") else None
    return Visit(unit.id, applicant(form), is_formal, category)
