"""Conversation of a sender with the station: the case that a text belongs to, and the sender's limits."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases.case_numbers import case_numbers_in
from feedback.models import Case, Citizen, Message
from feedback.states import Channel, Direction
from feedback.texts.courtesies import is_courtesy

PARTS_WITHIN = datetime.timedelta(seconds=20)
"""Time between two parts of a long text. A network delivers each within about five seconds; nobody describes a second
matter in less than twenty."""
CONVERSATION = datetime.timedelta(days=30)
"""Thanks and reactions belong to what the station said at most this long ago."""
LIMITS = ((datetime.timedelta(hours=1), 10), (datetime.timedelta(days=1), 20))
"""Cases that the texts of one sender may open, and answers to them, in each period. Two machines that answer each other
stop at these."""
REMEMBERED = 40
"""Texts of a conversation that a reaction can quote."""


def own_case(session: Session, citizen: Citizen, text: str) -> Case | None:
    """Return the sender's own case whose number is in a text; None for another's, so that guessing reveals nothing."""
    numbers = case_numbers_in(text)
    if not numbers:
        return None
    found = session.scalars(sa.select(Case).where(Case.number.in_(numbers), Case.citizen_id == citizen.id)).all()
    return min(found, key=lambda case: numbers.index(case.number), default=None)


def case_of_our_words(session: Session, citizen: Citizen, at: datetime.datetime) -> Case | None:
    """Return the case in which the station last said something to the sender; None without a recent one."""
    said = sa.select(Case).join(Message).where(Message.direction == Direction.OUT, *_with(citizen, at - CONVERSATION))
    return session.scalar(said.order_by(Message.at.desc(), Message.id.desc()).limit(1))


def recent_words(session: Session, citizen: Citizen, at: datetime.datetime) -> Sequence[str]:
    """Return the texts of the conversation, the newest first."""
    said = sa.select(Message.text).join(Case).where(Message.direction != Direction.NOTE)
    newest = said.where(*_with(citizen, at - CONVERSATION)).order_by(Message.id.desc()).limit(REMEMBERED)
    return session.scalars(newest).all()


def case_of_first_part(session: Session, citizen: Citizen, at: datetime.datetime) -> Case | None:
    """Return the case of a text that the sender sent seconds before or after: both are parts of one."""
    texts = sa.select(Message).join(Case).where(*_with(citizen, at - PARTS_WITHIN), *_RECEIVED_TEXTS)
    near = texts.where(Message.at <= at + PARTS_WITHIN).order_by(Message.at.desc(), Message.id.desc()).limit(REMEMBERED)
    return next((message.case for message in session.scalars(near) if not is_courtesy(message.text)), None)


def latest_text_case(session: Session, citizen: Citizen, since: datetime.datetime) -> Case | None:
    """Return the newest case that a text of the sender opened since then."""
    newest = sa.select(Case).where(Case.citizen_id == citizen.id, Case.channel == Channel.TEXT, Case.opened_at > since)
    return session.scalar(newest.order_by(Case.id.desc()).limit(1))


def limit_reached(session: Session, citizen: Citizen, at: datetime.datetime) -> datetime.timedelta | None:
    """Return the period for which the sender has reached a limit; None below all of them."""
    for period, most in LIMITS:
        since = at - period
        opened = sa.select(sa.func.count(Case.id)).where(
            Case.citizen_id == citizen.id, Case.channel == Channel.TEXT, Case.opened_at > since
        )
        answered = sa.select(sa.func.count(Message.id)).join(Case).where(*_with(citizen, since), *_ACKNOWLEDGEMENTS)
        if max(session.scalars(opened).one(), session.scalars(answered).one()) >= most:
            return period
    return None


_RECEIVED_TEXTS = (Message.direction == Direction.IN, Message.channel == Channel.TEXT)
_ACKNOWLEDGEMENTS = (Message.direction == Direction.OUT, Message.channel == Channel.TEXT, Message.author == "system")


def _with(citizen: Citizen, since: datetime.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (Case.citizen_id == citizen.id, Message.at >= since)
