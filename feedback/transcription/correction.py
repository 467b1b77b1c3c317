"""Corrections of transcripts by a person; the engine's original is retained."""

import datetime

from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases.case_lifecycle import note
from feedback.models import Message, Transcript
from feedback.transcription.transcribing import transcribed
from haichieu import jobs, locale
from haichieu.errors import HaiChieuError
from haichieu.jobs import JobState

LONGEST = 20_000
"""Characters."""


class CorrectionRefused(HaiChieuError):
    """The transcript cannot be changed like this."""


def correct(session: Session, message: Message, text: str, actor: str, at: datetime.datetime) -> Transcript:
    """Set the corrected text, empty for no words. The case is filed again.

    A message without a transcript gets one. Raises CorrectionRefused.
    """
    _require_spoken(message)
    if len(text) > LONGEST:
        raise CorrectionRefused("transcript.too_long", count=len(text), most=LONGEST)
    transcript = message.transcript
    if transcript is None:
        transcript = Transcript(
            message=message, text="", original_text="", engine="", model="", language=message.language, confidence=None,
            made_at=at,
        )  # fmt: skip
        session.add(transcript)
    before, transcript.text = _words(transcript.text), text.strip()
    transcript.corrected_by, transcript.corrected_at, transcript.doubtful = actor, at, False
    session.flush()
    note(session, message.case, actor, "transcript_corrected", at, before=before, after=_words(transcript.text))
    transcribed(session, message, actor, at)
    waiting = jobs.find(session, job_kinds.TRANSCRIBE, message.id)
    if waiting is not None and waiting.state in (JobState.WAITING, JobState.FAILED):
        waiting.state, waiting.settled_at = JobState.DONE, at
    return transcript


def again(session: Session, message: Message, actor: str, at: datetime.datetime) -> None:
    """Transcribe a message again, after a failure or with another engine. Raises CorrectionRefused."""
    _require_spoken(message)
    if message.transcript is not None and message.transcript.corrected_by:
        raise CorrectionRefused("transcript.corrected_by_hand")
    note(session, message.case, actor, "transcribe_again", at)
    jobs.renew(session, job_kinds.TRANSCRIBE, message.id, at)


def _words(text: str) -> locale.Message:
    """Return the number of words, for the history and the audit trail: they outlive the erasure of what was said."""
    return locale.message("transcript.words", count=len(text.split()))


def _require_spoken(message: Message) -> None:
    if message.sound_id is None:
        raise CorrectionRefused("transcript.not_spoken")
