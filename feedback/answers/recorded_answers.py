"""Answers that an official uploads as a recording.

Converting the sound takes seconds, so it happens outside a transaction: first `ready`, then `answer_with`.
"""

import datetime
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.models import Case, Message
from feedback.states import Way
from haichieu.audio.ingest import TelephoneForms, telephone_forms
from haichieu.media import MediaStore, Stored

MOST_SECONDS = 300
"""The maximum duration of a call that plays an answer."""
MOST_BYTES = 60_000_000
"""Five minutes of the largest format that a browser or telephone records."""


def ready(upload: Path, folder: Path) -> TelephoneForms:
    """Check a recording and convert it to the telephone formats. Raises UnusableSound."""
    return telephone_forms(upload, folder, most_seconds=MOST_SECONDS)


def answer_with(
    session: Session,
    store: MediaStore,
    case: Case,
    stored: Stored,
    author: str,
    ways: Sequence[Way],
    at: datetime.datetime,
) -> Message:
    """Answer a case, and those merged into it, with a recording. Raises AnswerRefused or IllegalTransition."""
    sound = store.add(session, stored)
    return replies.answer(session, case, Answer(author, ways, sound=sound), at)
