"""Answering a case: written, or recorded. A refused answer keeps its text."""

from pathlib import Path

from flask import Flask, Response, flash, jsonify, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access import sessions
from admin.access.models import WebSession
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.cases.case_page import ChangedMeanwhile, lead_on, onward, show_case, step
from admin.cases.conversation import mark_of, messages_of
from admin.cases.scope import case_for_visitor, unit_of_case
from admin.layout.language import say
from admin.layout.pages import Form
from admin.layout.refusals import problem, refusal_message
from admin.panel import Panel
from admin.sounds.receiving import receive, streams_body
from feedback.answers import recorded_answers, replies, taking_back
from feedback.answers.answer_sounds import AnswerSounds
from feedback.answers.replies import LONGEST_ANSWER, TO_TAKE_BACK, Answer, AnswerRefused
from feedback.cases import merging
from feedback.cases.case_lifecycle import NoSuchCase
from feedback.cases.case_numbers import WrongCheckDigit
from feedback.models import Case, Message
from feedback.states import CASE, CaseEvent, CaseStatus, Way
from haichieu.account_rights import Action
from haichieu.audio.ingest import UnusableSound
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed
from haichieu.phone_numbers import holds_number
from haichieu.state_machine import IllegalTransition

SEND, SEND_AND_CLOSE = "send", "close"
"""Values of the buttons of the answer; any other shows a preview."""


def answer_case(panel: Panel, number: str, form: Form) -> AnyResponse:
    """Answer a case, close it with the answer, or show the page with a preview.

    An answer waits before it leaves, so that it can be taken back (`feedback.answers.taking_back`).
    """
    asked = form.value("step")
    moment = now()
    try:
        with panel.database.session() as session:
            case = case_for_visitor(session, number)
            session.refresh(case, with_for_update=True)
            given = Answer(
                visitor().actor, _ways(form), _text(form), None, TO_TAKE_BACK, form.value("with_voice") == "yes"
            )
            _require_fit(panel, session, case, given, form)
            if asked in (SEND, SEND_AND_CLOSE):
                leads_to = onward(panel, session, case, goes_on=asked == SEND_AND_CLOSE)
                replies.answer(session, case, given, moment)
                if asked == SEND_AND_CLOSE:
                    merging.close(session, case, visitor().actor, moment)
    except (NotAllowed, NoSuchCase, WrongCheckDigit):
        raise
    except HaiChieuError as refusal:
        form.problems["answer"] = refusal_message(refusal)
        stale = isinstance(refusal, ChangedMeanwhile | IllegalTransition)
        return show_case(panel, number, form, 409 if stale else 422)
    if asked not in (SEND, SEND_AND_CLOSE):
        return show_case(panel, number, form, preview=given)
    return lead_on(leads_to, say("case.answered_and_closed") if asked == SEND_AND_CLOSE else say("case.answered"))


def take_back_answer(panel: Panel, number: str, form: Form) -> AnyResponse:
    """Take an answer back before it leaves; its text is in the form of the case again."""
    who = visitor()

    def work(session: Session, case: Case) -> None:
        message = session.get(Message, form.row_id("message"))
        if message is None or message.case_id != case.id:
            raise NoSuchCase(case.number)
        taken = taking_back.take_back(session, message, who.actor, now())
        if who.login_id is not None:
            kept = {"answer": [taken.text], "way": [str(way) for way in taken.ways]}
            if taken.with_voice:
                kept["with_voice"] = ["yes"]
            sessions.keep_form(session.get_one(WebSession, who.login_id), f"/cases/{case.number}", kept)

    return step(panel, number, Form(), "answer", work, say("case.taken_back"))


def register_answering(app: Flask, panel: Panel) -> None:
    """Add the audio preview of an answer, and the recorded answer."""
    sounds = AnswerSounds(panel.database, panel.store, panel.synthesiser)

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
                    leads_to = onward(panel, session, case)
                    _require_news_known(session, case, asked)
                    recorded_answers.answer_with(
                        session, panel.store, case, stored, visitor().actor, _ways(asked), now()
                    )
        except (ChangedMeanwhile, IllegalTransition) as refusal:
            return problem(409, "Conflict", refusal_message(refusal))
        except (AnswerRefused, UnusableSound) as refusal:
            return problem(422, "Unprocessable Content", refusal.message)
        flash(say("case.answered"))
        answer = jsonify({"page": leads_to.address})
        answer.status_code = 201
        return answer


def _require_fit(panel: Panel, session: Session, case: Case, given: Answer, form: Form) -> None:
    """Raise unless the answer can be given and is based on all messages so far."""
    CASE.after(CaseStatus(case.status), CaseEvent.ANSWER)
    replies.check(session, case, given)
    known = panel.citizens.number_of(case.citizen) if case.citizen is not None else ""
    if Way.AIR in given.ways and holds_number(given.text, known):
        raise AnswerRefused("panel.case.holds_number")
    _require_news_known(session, case, form)


def _require_news_known(session: Session, case: Case, form: Form) -> None:
    if form.value("based_on") != mark_of(messages_of(session, case)):
        raise ChangedMeanwhile("panel.case.changed")


def _ways(form: Form) -> list[Way]:
    known = {str(way): way for way in Way}
    return [known[given] for given in form.values("way") if given in known]


def _text(form: Form) -> str:
    """Return the text as typed; browsers send every line end as two characters."""
    return form.value("answer").replace("\r\n", "\n").replace("\x00", "").strip()
