"""The page of one case, including what was typed after a refusal."""

from collections.abc import Callable

from flask import Response, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.visitors import visitor
from admin.cases.conversation import UNSURE, conversation, mark_of_transcript
from admin.cases.scope import case_for_visitor
from admin.layout.language import know_timezone, say, say_in
from admin.layout.pages import Form, page_that_records
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from feedback.answers import recorded_answers
from feedback.answers.replies import LONGEST_ANSWER, RETRIED
from feedback.cases.case_lifecycle import OPEN, NoSuchCase
from feedback.cases.case_numbers import WrongCheckDigit
from feedback.models import Case
from feedback.texts.segments import segments
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed
from haichieu.locale import FALLBACK, LANGUAGES
from haichieu.state_machine import IllegalTransition

TEMPLATES = ("received", "passed_on", "done", "more")
"""Answer templates: `answer_template.…` in the language of the case."""


class ChangedMeanwhile(HaiChieuError):
    """Another user changed the data that the form was based on."""


def show_case(panel: Panel, number: str, form: Form, status: int = 200) -> Response:
    """Show the page of a case."""
    with panel.database.reading() as session:
        know_timezone(session)
        case = case_for_visitor(session, number)
        shown = conversation(session, panel.citizens, visitor(), case, now())
        return page_that_records(
            "case.html",
            status,
            shown=shown,
            case=case,
            form=form,
            mark_of_transcript=mark_of_transcript,
            segments=segments,
            unsure=UNSURE,
            open_states=OPEN,
            longest_answer=LONGEST_ANSWER,
            retried=RETRIED,
            most_bytes=recorded_answers.MOST_BYTES,
            longest_seconds=recorded_answers.MOST_SECONDS,
            templates=templates_for(case),
        )


def templates_for(case: Case) -> list[tuple[str, str]]:
    """Return the answer templates: titles in the page's language, texts in the citizen's."""
    language = case.language if case.language in LANGUAGES else FALLBACK
    return [(say(f"answer_title.{name}"), say_in(language, f"answer_template.{name}")) for name in TEMPLATES]


def step(
    panel: Panel, number: str, form: Form, field: str, work: Callable[[Session, Case], None], done: str
) -> AnyResponse:
    """Change a case and return to its page; show a refusal beside the form's `field`.

    The case is locked before the comparison, so that of two concurrent users one gets the conflict message.
    """
    try:
        with panel.database.session() as session:
            case = case_for_visitor(session, number)
            session.refresh(case, with_for_update=True)
            work(session, case)
    except (NotAllowed, NoSuchCase, WrongCheckDigit):
        raise
    except HaiChieuError as refusal:
        form.problems[field] = refusal_message(refusal)
        return show_case(panel, number, form, 409 if isinstance(refusal, ChangedMeanwhile | IllegalTransition) else 422)
    flash(done)
    return redirect(url_for("case_page", number=number), 303)
