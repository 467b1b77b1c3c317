"""The page of one case, including what was typed after a refusal, and where a step on it leads."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.visitors import visitor
from admin.cases.answer_templates import answer_templates
from admin.cases.conversation import UNSURE, conversation, mark_of_transcript, usual_ways, zones_of
from admin.cases.filters import listing
from admin.cases.scope import case_for_visitor, takeable
from admin.cases.track_card import track_card
from admin.layout.language import know_timezone, say
from admin.layout.pages import Form, page_that_records
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from feedback.answers import recorded_answers
from feedback.answers.replies import LONGEST_ANSWER, RETRIED, Answer
from feedback.answers.taking_back import is_still_here
from feedback.cases import case_search
from feedback.cases.case_lifecycle import OPEN, NoSuchCase
from feedback.cases.case_numbers import WrongCheckDigit
from feedback.models import Case
from feedback.states import BY_HAND, Purpose
from feedback.texts.segments import segments
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed
from haichieu.state_machine import IllegalTransition


class ChangedMeanwhile(HaiChieuError):
    """Another user changed the data that the form was based on."""


@dataclass(frozen=True)
class Onward:
    """Where a step leads: to its case, or on to the next of the list, each within the list; "" is its end."""

    place: dict[str, str]
    number: str
    goes_on: bool = False

    @property
    def address(self) -> str:
        """The address of the page."""
        page = url_for("case_page", number=self.number) if self.number else url_for("cases")
        return f"{page}?{urlencode(self.place)}" if self.place else page


def show_case(panel: Panel, number: str, form: Form, status: int = 200, preview: Answer | None = None) -> Response:
    """Show the page of a case, with a preview of an answer where one is asked for."""
    moment, who = now(), visitor()
    with panel.database.reading() as session:
        know_timezone(session)
        case = case_for_visitor(session, number)
        shown = conversation(session, panel.citizens, who, case, moment)
        chosen = listing(session, panel.citizens, who, request.args, moment)
        previous, following = case_search.neighbours(session, chosen.wanted, chosen.filters.order, case)
        return page_that_records(
            "cases/case.html",
            status,
            shown=shown,
            case=case,
            form=form,
            filters=chosen.filters,
            previous=previous,
            following=following,
            preview=preview,
            zones=zones_of(session, case) if preview else (),
            usual_ways=usual_ways(case, shown.ways),
            track=track_card(session, panel.citizens, who, case, shown.messages),
            takeable=takeable(session, who, moment) if who.may(Action.WORK_ON_CASES) else (),
            is_still_here=is_still_here,
            mark_of_transcript=mark_of_transcript,
            segments=segments,
            unsure=UNSURE,
            open_states=OPEN,
            purposes=list(Purpose),
            by_hand=BY_HAND,
            longest_answer=LONGEST_ANSWER,
            retried=RETRIED,
            most_bytes=recorded_answers.MOST_BYTES,
            longest_seconds=recorded_answers.MOST_SECONDS,
            templates=answer_templates(session, case.language),
        )


def onward(panel: Panel, session: Session, case: Case, *, goes_on: bool = False) -> Onward:
    """Return where a step leads; ask before it, because it may take the case out of the list."""
    chosen = listing(session, panel.citizens, visitor(), request.args, now())
    if not goes_on:
        return Onward(chosen.filters.place, case.number)
    _, following = case_search.neighbours(session, chosen.wanted, chosen.filters.order, case)
    return Onward(chosen.filters.place, following, goes_on=True)


Work = Callable[[Session, Case], None]


def step(
    panel: Panel, number: str, form: Form, field: str, work: Work, done: str, *, goes_on: bool = False
) -> AnyResponse:
    """Change a case and return to its page, or continue to the next; show a refusal beside the form's `field`.

    The case is locked before the comparison, so that of two concurrent users one gets the conflict message.
    """
    try:
        with panel.database.session() as session:
            case = case_for_visitor(session, number)
            session.refresh(case, with_for_update=True)
            leads_to = onward(panel, session, case, goes_on=goes_on)
            work(session, case)
    except (NotAllowed, NoSuchCase, WrongCheckDigit):
        raise
    except HaiChieuError as refusal:
        form.problems[field] = refusal_message(refusal)
        return show_case(panel, number, form, 409 if isinstance(refusal, ChangedMeanwhile | IllegalTransition) else 422)
    return lead_on(leads_to, done)


def lead_on(leads_to: Onward, done: str) -> AnyResponse:
    """Say what was done, and redirect to where the step leads."""
    flash(done)
    if leads_to.goes_on:
        flash(say("case.next_one") if leads_to.number else say("case.no_next_one"))
    return redirect(leads_to.address, 303)
