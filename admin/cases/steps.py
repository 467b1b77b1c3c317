"""Work on a case that the citizen does not see: assignment, notes, corrections, merging, closing."""

from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from flask import Flask, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.cases.case_page import ChangedMeanwhile, show_case, step
from admin.cases.conversation import mark_of_transcript
from admin.cases.scope import case_for_visitor, unit_of_case
from admin.layout.language import say
from admin.layout.pages import Form, sent_form
from admin.panel import Panel
from feedback.answers import replies
from feedback.cases import assignment, attachments, merging, notes
from feedback.cases.attachments import AttachmentRefused, Uploaded
from feedback.cases.case_lifecycle import NoSuchCase, happen
from feedback.models import Case, Category, Department, Message, Reply
from feedback.states import CaseEvent
from feedback.transcription import correction
from haichieu.account_rights import Action, may
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.media import MediaStore
from haichieu.people import Account, Unit

T = TypeVar("T")

MOST_UPLOADED = 25_000_000
"""Total size of the files of one note, in bytes."""


def register_steps(app: Flask, panel: Panel) -> None:
    """Add the forms of a case's page except the answer."""

    @app.url_value_preprocessor
    def room_for_files(endpoint: str | None, _values: object) -> None:
        """Allow photographs in notes, which are larger than any other form."""
        if endpoint == "add_note":
            request.max_content_length = MOST_UPLOADED

    @app.post("/cases/<number>/assign")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def assign_case(number: str) -> Response:
        """Assign a case to a department or a person, or correct its unit and category."""
        form = sent_form()
        return step(panel, number, form, "assign", lambda session, case: _assign(session, case, form),
                    say("case.assigned"))  # fmt: skip

    @app.post("/cases/<number>/notes")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def add_note(number: str) -> Response:
        """Add a note with files that the citizen never sees."""
        form = sent_form()
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

    @app.post("/cases/<number>/transcript")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def correct_transcript(number: str) -> Response:
        """Correct a transcript."""
        form = sent_form()

        def work(session: Session, case: Case) -> None:
            message = session.get(Message, _whole(form.value("message")))
            if message is None or message.case_id != case.id:
                raise NoSuchCase(case.number)
            if form.value("based_on") != mark_of_transcript(message):
                raise ChangedMeanwhile("panel.case.transcript_changed")
            correction.correct(session, message, form.value("transcript"), visitor().actor, now())

        return step(panel, number, form, f"transcript-{_whole(form.value('message'))}", work, say("case.corrected"))

    @app.post("/cases/<number>/transcript/again")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def transcribe_again(number: str) -> Response:
        """Request a new transcription of a voice message."""
        form = sent_form()

        def work(session: Session, case: Case) -> None:
            message = session.get(Message, _whole(form.value("message")))
            if message is None or message.case_id != case.id:
                raise NoSuchCase(case.number)
            correction.again(session, message, visitor().actor, now())

        return step(panel, number, form, f"transcript-{_whole(form.value('message'))}", work, say("case.written_again"))

    @app.post("/cases/<number>/retry")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def retry_reply(number: str) -> Response:
        """Retry a failed text or call."""
        form = sent_form()

        def work(session: Session, case: Case) -> None:
            reply = session.get(Reply, _whole(form.value("reply")))
            if reply is None or reply.message.case_id != case.id:
                raise NoSuchCase(case.number)
            replies.retry(session, reply, visitor().actor, now())

        return step(panel, number, form, f"reply-{_whole(form.value('reply'))}", work, say("case.retried"))

    @app.post("/cases/<number>/close")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def close_case(number: str) -> Response:
        """Close a case and the cases merged into it."""
        return step(panel, number, Form(), "state",
                    lambda session, case: merging.close(session, case, visitor().actor, now()),
                    say("case.closed"))  # fmt: skip

    @app.post("/cases/<number>/reopen")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def reopen_case(number: str) -> Response:
        """Reopen an answered or closed case."""
        return step(panel, number, Form(), "state",
                    lambda session, case: happen(session, case, CaseEvent.REOPEN, visitor().actor, now()),
                    say("case.reopened"))  # fmt: skip

    @app.post("/cases/<number>/merge")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def merge_case(number: str) -> Response:
        """Merge two cases, mark them as different, or unmerge one."""
        form = sent_form()
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


def _assign(session: Session, case: Case, form: Form) -> None:
    """Apply only the changed fields, so that other users' changes are preserved."""
    who, moment = visitor().actor, now()

    def changed(name: str) -> str:
        return form.value(name) if form.value(name) != form.value(f"was_{name}") else ""

    unit, category, department, account = (changed(name) for name in ("unit", "category", "department", "account"))
    if unit:
        place = _chosen(session.scalar(sa.select(Unit).where(Unit.code == unit)))
        require_in(session, Action.WORK_ON_CASES, [place.id])
        assignment.place(session, case, place, who, who, moment)
    if category:
        about = _chosen(session.scalar(sa.select(Category).where(Category.code == category)))
        assignment.categorise(session, case, about, who, who, moment)
    if department or account or not (unit or category):
        office = session.scalar(sa.select(Department).where(Department.code == department)) if department else None
        worker = _chosen(session.get(Account, _whole(account))) if account else None
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


def _whole(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
