"""Steps on the page of a case: answer, assignment, notes, corrections, merging, closing."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from flask import Flask, abort, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.cases.answering import answer_case, take_back_answer
from admin.cases.case_page import ChangedMeanwhile, show_case, step
from admin.cases.conversation import mark_of_transcript
from admin.cases.scope import case_for_visitor, category_chosen, unit_chosen, unit_of_step
from admin.cases.tracks import TRACK_STEPS
from admin.layout.language import say
from admin.layout.pages import Form, sent_form
from admin.panel import Panel
from feedback.answers import replies
from feedback.cases import assignment, attachments, merging, notes
from feedback.cases.attachments import AttachmentRefused, Uploaded
from feedback.cases.case_lifecycle import NoSuchCase, happen
from feedback.models import Case, Department, Message, Reply
from feedback.states import CaseEvent
from feedback.transcription import correction
from haichieu.account_rights import Action, may
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.media import MediaStore
from haichieu.people import Account

T = TypeVar("T")

MOST_UPLOADED = 25_000_000
"""Total size of the files of one note, in bytes."""


Step = Callable[[Panel, str, Form], Response]
"""Does one thing to the case of a number, and returns the page that follows."""


def register_steps(app: Flask, panel: Panel) -> None:
    """Add the route of all forms of a case's page; the page itself is also shown there, after a refusal."""

    @app.url_value_preprocessor
    def room_for_files(endpoint: str | None, values: dict[str, str] | None) -> None:
        """Allow photographs in notes, which are larger than any other form."""
        if endpoint == "work_on_case" and values and values.get("step") == "notes":
            request.max_content_length = MOST_UPLOADED

    @app.post("/cases/<number>/<step>")
    @needs(Action.WORK_ON_CASES, where=unit_of_step)
    def work_on_case(number: str, step: str) -> Response:
        """Do what a form of the case's page asks for."""
        return (STEPS.get(step) or abort(404))(panel, number, sent_form())

    @app.get("/cases/<number>/<step>")
    @needs(Action.READ_CASES, where=unit_of_step)
    def case_page_again(number: str, step: str) -> Response:
        """Show the page of the case after a sign-in that interrupted one of its forms."""
        return show_case(panel, number, Form(take_kept(panel))) if step in STEPS else abort(404)


def _assign_case(panel: Panel, number: str, form: Form) -> Response:
    return step(panel, number, form, "assign", lambda session, case: _assign(session, case, form), say("case.assigned"))


def _add_note(panel: Panel, number: str, form: Form) -> Response:
    """Add a note with files that the citizen never sees."""
    with panel.store.scratch() as folder:
        try:
            files = _received_files(panel.store, Path(folder))
        except AttachmentRefused as refusal:
            form.problems["note"] = refusal.message
            return show_case(panel, number, form, 422)

        def work(session: Session, case: Case) -> None:
            message = notes.add_note(session, case, form.value("note"), visitor().actor, now())
            for file in files:
                attachments.attach(session, panel.store, message, file)

        return step(panel, number, form, "note", work, say("case.noted"))


def _correct_transcript(panel: Panel, number: str, form: Form) -> Response:
    def work(session: Session, case: Case) -> None:
        message = _message_of(session, case, form)
        if form.value("based_on") != mark_of_transcript(message):
            raise ChangedMeanwhile("panel.case.transcript_changed")
        correction.correct(session, message, form.value("transcript"), visitor().actor, now())

    return step(panel, number, form, _transcript_field(form), work, say("case.corrected"))


def _transcribe_again(panel: Panel, number: str, form: Form) -> Response:
    def work(session: Session, case: Case) -> None:
        correction.again(session, _message_of(session, case, form), visitor().actor, now())

    return step(panel, number, form, _transcript_field(form), work, say("case.written_again"))


def _retry_reply(panel: Panel, number: str, form: Form) -> Response:
    """Retry a failed text or call."""

    def work(session: Session, case: Case) -> None:
        reply = session.get(Reply, form.row_id("reply"))
        if reply is None or reply.message.case_id != case.id:
            raise NoSuchCase(case.number)
        replies.retry(session, reply, visitor().actor, now())

    return step(panel, number, form, f"reply-{form.row_id('reply')}", work, say("case.retried"))


def _close_case(panel: Panel, number: str, _: Form) -> Response:
    """Close a case and the cases merged into it, and continue with the next one."""

    def work(session: Session, case: Case) -> None:
        merging.close(session, case, visitor().actor, now())

    return step(panel, number, Form(), "state", work, say("case.closed"), goes_on=True)


def _reopen_case(panel: Panel, number: str, _: Form) -> Response:
    def work(session: Session, case: Case) -> None:
        happen(session, case, CaseEvent.REOPEN, visitor().actor, now())

    return step(panel, number, Form(), "state", work, say("case.reopened"))


def _merge_case(panel: Panel, number: str, form: Form) -> Response:
    """Merge two cases, mark them as different, or unmerge one."""
    what = form.value("what")

    def work(session: Session, case: Case) -> None:
        if what == "apart":
            merging.unmerge(session, case, visitor().actor, now())
            return
        other = case_for_visitor(session, form.value("other"))
        session.refresh(other, with_for_update=True)
        if what == "merge":
            merging.merge(session, case, other, visitor().actor, now())
        elif what == "differ":
            merging.dismiss(session, case, other, visitor().actor, now())
        else:
            raise UsageError("panel.case.unknown_step")

    done = {"apart": say("case.taken_apart"), "merge": say("case.merged"), "differ": say("case.differ")}
    return step(panel, number, Form(), "merge", work, done.get(what, ""))


STEPS: dict[str, Step] = {
    "answer": answer_case,
    "take-back": take_back_answer,
    "retry": _retry_reply,
    "assign": _assign_case,
    "notes": _add_note,
    "transcript": _correct_transcript,
    "transcribe": _transcribe_again,
    "close": _close_case,
    "reopen": _reopen_case,
    "merge": _merge_case,
    **TRACK_STEPS,
}
"""The forms of a case's page by the last part of their address."""


def _assign(session: Session, case: Case, form: Form) -> None:
    """Apply only the changed fields, so that other users' changes are preserved."""
    who, moment = visitor().actor, now()

    def changed(name: str) -> str:
        return form.value(name) if form.value(name) != form.value(f"was_{name}") else ""

    unit, category, department, account = (changed(name) for name in ("unit", "category", "department", "account"))
    if unit:
        place = unit_chosen(session, visitor(), unit)
        require_in(session, Action.WORK_ON_CASES, [place.id])
        assignment.place(session, case, place, who, who, moment)
    if category:
        about = category_chosen(session, category)
        assignment.categorise(session, case, about, who, who, moment)
    if department or account or not (unit or category):
        office = session.scalar(sa.select(Department).where(Department.code == department)) if department else None
        worker = _chosen(session.get(Account, form.row_id("account"))) if account else None
        if worker is not None and not may(worker, Action.WORK_ON_CASES):
            worker = _chosen(None)
        assignment.assign(session, case, who, moment, department=office, account=worker)


def _chosen(found: T | None) -> T:
    if found is None:
        raise UsageError("panel.case.choice_gone")
    return found


def _received_files(store: MediaStore, folder: Path) -> list[Uploaded]:
    """Put the files of the form into the store. Raises AttachmentRefused."""
    received = []
    for number, sent in enumerate(request.files.getlist("files")):
        if sent.filename:
            file = folder / str(number)
            sent.save(file)
            received.append(attachments.put(store, file, sent.filename))
    return received


def _message_of(session: Session, case: Case, form: Form) -> Message:
    """Return the message that a form is about. Raises NoSuchCase for one of another case."""
    message = session.get(Message, form.row_id("message"))
    if message is None or message.case_id != case.id:
        raise NoSuchCase(case.number)
    return message


def _transcript_field(form: Form) -> str:
    return f"transcript-{form.row_id('message')}"
