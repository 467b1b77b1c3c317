"""Internal notes of officials about a case. Citizens never receive them."""

import datetime

from sqlalchemy.orm import Session

from feedback.cases import case_search
from feedback.cases.case_lifecycle import Said, say
from feedback.models import Case, Message
from feedback.states import Channel, Direction
from haichieu.errors import HaiChieuError

LONGEST_NOTE = 5_000
"""Characters."""


class NoteRefused(HaiChieuError):
    """The note is empty, or too long."""


def add_note(session: Session, case: Case, text: str, author: str, at: datetime.datetime) -> Message:
    """Add an internal note. Raises NoteRefused."""
    if not 0 < len(text.strip()) <= LONGEST_NOTE:
        raise NoteRefused("case.note_length", most=LONGEST_NOTE)
    message = say(session, case, Said(Direction.NOTE, Channel.PANEL, author, text.strip()), at)
    case_search.index(session, case)
    return message
