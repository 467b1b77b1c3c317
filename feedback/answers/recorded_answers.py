"""Answers that somebody of the office has recorded as a file, in a browser or elsewhere: no words, a voice.

Making the sound takes seconds and no transaction: first `ready` in a folder of `AnswerSounds`, then `answer_with`.
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
from haichieu.media import MediaStore

MOST_SECONDS = 300
"""As long as a call that plays an answer lasts."""
MOST_BYTES = 60_000_000
"""Five minutes of the largest format that a browser or a telephone records."""


def ready(upload: Path, folder: Path) -> TelephoneForms:
    """Check a recording and make it what the station plays. Raises UnusableSound."""
    return telephone_forms(upload, folder, most_seconds=MOST_SECONDS)


def answer_with(
    session: Session,
    store: MediaStore,
    case: Case,
    forms: TelephoneForms,
    author: str,
    ways: Sequence[Way],
    at: datetime.datetime,
) -> Message:
    """Answer a case, and those merged into it, with a recording. Raises AnswerRefused or IllegalTransition."""
    sound = store.keep(session, forms.narrow, forms.wide)
    return replies.answer(session, case, Answer(author, ways, sound=sound), at)
