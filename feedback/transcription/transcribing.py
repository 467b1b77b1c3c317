"""Results of transcription, as rules over rows: transcribed, left to a person, or retried after a repair.

The result of a job is written in the transaction that settles it, so a killed worker has either finished it or not.
"""

import datetime

from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases.case_lifecycle import happen
from feedback.models import Case, Message, Transcript
from feedback.states import CaseEvent, CaseStatus
from feedback.transcription.confidence import Understood
from feedback.transcription.errors import LanguageNotKnown, SoundUnusable
from haichieu import jobs, locale
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.errors import message_of
from haichieu.jobs import MOST_ATTEMPTS, Claim, Job

AGAIN_AFTER = datetime.timedelta(seconds=30)
REPAIRED_AFTER = datetime.timedelta(seconds=60)
"""Pause before a broken engine is tried again."""
ENGINE = "transcriber"
"""The subject of the alarm over a broken engine."""


def write_down(
    session: Session, held: Claim, understood: Understood, engine: str, model: str, at: datetime.datetime
) -> None:
    """Store the transcript and queue the message for filing. Raises ClaimLost, and nothing has happened."""
    jobs.done(session, held, at)
    message = session.get_one(Message, held.subject_id)
    transcript = message.transcript
    if transcript is not None and transcript.corrected_by:
        return  # a person was faster, and knows better
    if transcript is None:
        transcript = Transcript(message=message)
        session.add(transcript)
    transcript.text = transcript.original_text = understood.text
    transcript.engine, transcript.model, transcript.language = engine, model, message.language
    transcript.confidence, transcript.doubtful = understood.confidence, understood.doubtful
    transcript.words, transcript.made_at = [word.as_json() for word in understood.words], at
    transcribed(session, message, "system", at)
    alarm_is_over(session, AlarmKind.TRANSCRIPTION_FAILED, _subject(message.case))


def transcribed(session: Session, message: Message, actor: str, at: datetime.datetime) -> None:
    """Advance a new case and file it (again), now that the message has its words."""
    message.case.updated_at = at
    if message.case.status == CaseStatus.NEW:
        happen(session, message.case, CaseEvent.TRANSCRIBE, actor, at)
    session.flush()
    jobs.renew(session, job_kinds.FILE, message.id, at)


def did_not_work(session: Session, held: Claim, problem: Exception, at: datetime.datetime) -> None:
    """Retry later, or leave the message to a person when that cannot help. Raises ClaimLost."""
    final = isinstance(problem, LanguageNotKnown | SoundUnusable) or held.attempts >= MOST_ATTEMPTS
    if not final:
        jobs.put_off(session, held, at + AGAIN_AFTER * held.attempts, message_of(problem))
        return
    jobs.fail(session, held, at, message_of(problem))
    alarm = not isinstance(problem, LanguageNotKnown)
    _leave_to_person(session, held.subject_id, message_of(problem), at, alarm=alarm)


def engine_is_down(session: Session, held: Claim, problem: Exception, at: datetime.datetime) -> None:
    """Release the message without counting the attempt, and raise the engine's alarm. Raises ClaimLost."""
    jobs.put_off(session, held, at + REPAIRED_AFTER, message_of(problem), counts=False)
    raise_alarm(session, AlarmKind.TRANSCRIBER_DOWN, ENGINE, message_of(problem))


def engine_is_up(session: Session) -> None:
    """Clear the engine's alarm."""
    alarm_is_over(session, AlarmKind.TRANSCRIBER_DOWN, ENGINE)


def give_up(session: Session, job: Job, at: datetime.datetime) -> None:
    """Leave a message to a person whose job has failed for good, as when its workers died over it too often."""
    if session.get(Message, job.subject_id) is not None:
        problem = job.problem or locale.message("jobs.never_finished", count=job.attempts)
        _leave_to_person(session, job.subject_id, problem, at, alarm=True)


def _leave_to_person(
    session: Session, message_id: int, problem: locale.Message, at: datetime.datetime, *, alarm: bool
) -> None:
    """File the message without its words, so that a person finds it and listens."""
    message = session.get_one(Message, message_id)
    jobs.add(session, job_kinds.FILE, message.id, at)
    if alarm:
        raise_alarm(session, AlarmKind.TRANSCRIPTION_FAILED, _subject(message.case), problem)


def _subject(case: Case) -> str:
    return f"case:{case.number}"
