"""Answering a case: written with a preview, or recorded. A refused answer keeps its text."""

from pathlib import Path

from flask import Flask, Response, flash, jsonify, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.cases.case_page import ChangedMeanwhile, show_case
from admin.cases.conversation import mark_of, messages_of, zones_of
from admin.cases.scope import case_for_visitor, unit_of_case
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.layout.refusals import problem, refusal_message
from admin.panel import Panel
from admin.sounds.receiving import receive, streams_body
from feedback.answers import recorded_answers, replies
from feedback.answers.answer_sounds import AnswerSounds
from feedback.answers.answers_on_air import holds_number
from feedback.answers.replies import LONGEST_ANSWER, Answer, AnswerRefused
from feedback.cases.case_lifecycle import NoSuchCase
from feedback.cases.case_numbers import WrongCheckDigit
from feedback.cases.merging import merged_into
from feedback.models import Case
from feedback.states import CASE, CaseEvent, CaseStatus, Way
from feedback.texts.segments import segments
from haichieu.account_rights import Action
from haichieu.audio.ingest import UnusableSound
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed
from haichieu.state_machine import IllegalTransition


def register_answering(app: Flask, panel: Panel) -> None:
    """Add the form of the answer, its preview, its audio preview, and the recorded answer."""
    sounds = AnswerSounds(panel.database, panel.store, panel.synthesiser)

    @app.post("/cases/<number>/answer")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def answer_case_page(number: str) -> AnyResponse:
        """Show the preview of an answer; after confirmation, send it."""
        form = sent_form()
        if form.value("step") == "edit":
            return show_case(panel, number, form)
        try:
            with panel.database.session() as session:
                case = case_for_visitor(session, number)
                session.refresh(case, with_for_update=True)
                given = Answer(visitor().actor, _ways(form), _text(form))
                _require_fit(panel, session, case, given, form)
                if form.value("step") != "send":
                    return _preview(session, case, given, form)
                replies.answer(session, case, given, now())
        except (NotAllowed, NoSuchCase, WrongCheckDigit):
            raise
        except HaiChieuError as refusal:
            form.problems["answer"] = refusal_message(refusal)
            stale = isinstance(refusal, ChangedMeanwhile | IllegalTransition)
            return show_case(panel, number, form, 409 if stale else 422)
        flash(say("case.answer_sent"))
        return redirect(url_for("case_page", number=number), 303)

    @app.post("/cases/<number>/answer/spoken")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def spoken_answer(number: str) -> AnyResponse:
        """Return an answer as the citizen would hear it on the telephone, as a WAV file."""
        text = request.form.get("answer", "").strip()
        if len(text) > LONGEST_ANSWER:
            raise AnswerRefused("panel.case.answer_too_long")
        with panel.database.reading() as session:
            language = case_for_visitor(session, number).language
        with sounds.folder() as folder:
            spoken = sounds.speak(text, language, Path(folder)).narrow.read_bytes()
        return Response(spoken, content_type="audio/wav")

    @streams_body
    @app.post("/cases/<number>/answer/recording")
    @needs(Action.WORK_ON_CASES, where=unit_of_case)
    def record_answer(number: str) -> AnyResponse:
        """Send the recording in the body by the methods in the query; return the case's address."""
        asked = Form({name: request.args.getlist(name) for name in request.args})
        panel.store.require_space()
        try:
            with sounds.folder() as folder:
                upload = Path(folder) / "upload"
                receive(request.stream, request.content_length, upload, recorded_answers.MOST_BYTES)
                forms = recorded_answers.ready(upload, Path(folder))
                stored = panel.store.put(forms.narrow, forms.wide)
                with panel.database.session() as session:
                    case = case_for_visitor(session, number)
                    session.refresh(case, with_for_update=True)
                    _require_news_known(session, case, asked)
                    recorded_answers.answer_with(
                        session, panel.store, case, stored, visitor().actor, _ways(asked), now()
                    )
        except (ChangedMeanwhile, IllegalTransition) as refusal:
            return problem(409, "Conflict", refusal_message(refusal))
        except (AnswerRefused, UnusableSound) as refusal:
            return problem(422, "Unprocessable Content", refusal.message)
        flash(say("case.answer_sent"))
        answer = jsonify({"page": url_for("case_page", number=number)})
        answer.status_code = 201
        return answer


def _require_fit(panel: Panel, session: Session, case: Case, given: Answer, form: Form) -> None:
    """Raise unless the answer can be given and is based on all messages so far."""
    CASE.after(CaseStatus(case.status), CaseEvent.ANSWER)
    replies.check(case, given)
    known = panel.citizens.number_of(case.citizen) if case.citizen is not None else ""
    if Way.AIR in given.ways and holds_number(given.text, known):
        raise AnswerRefused("panel.case.holds_number")
    _require_news_known(session, case, form)


def _require_news_known(session: Session, case: Case, form: Form) -> None:
    if form.value("based_on") != mark_of(messages_of(session, case)):
        raise ChangedMeanwhile("panel.case.changed")


def _preview(session: Session, case: Case, given: Answer, form: Form) -> Response:
    return page(
        "case_answer.html",
        case=case,
        given=given,
        form=form,
        segments=segments(given.text),
        zones=zones_of(session, case),
        merged=merged_into(session, case),
    )


def _ways(form: Form) -> list[Way]:
    known = {str(way): way for way in Way}
    return [known[given] for given in form.values("way") if given in known]


def _text(form: Form) -> str:
    """Return the text as typed; browsers send every line end as two characters."""
    return form.value("answer").replace("\r\n", "\n").replace("\x00", "").strip()
