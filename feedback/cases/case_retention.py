"""Retention: how long cases and their recordings are stored after closing, and deletion when it is over."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.citizens.privacy import empty_cases
from feedback.models import Attachment, Case, Citizen, CitizenCall, Message, ReceivedText, Transcript
from feedback.states import CaseStatus
from haichieu import audit
from haichieu.media import MediaStore, unnamed

AT_ONCE = 500
CALLS_KEPT = datetime.timedelta(days=7)
"""Rows of missed calls contain a number, so they are deleted after this time."""
TEXT_IDS_KEPT = datetime.timedelta(days=90)
"""After this time no provider delivers a text again, and no list of received texts goes back so far."""


@dataclass(frozen=True)
class Rules:
    """Days that data are stored after a case was closed; 0 is for ever."""

    sound_days: int = 730
    cases_days: int = 1825


@dataclass(frozen=True)
class Discarded:
    """Counts of what a run deleted."""

    sounds: int
    cases: int
    citizens: int
    calls: int
    files: int

    def __bool__(self) -> bool:
        return any(vars(self).values())


def apply(session: Session, store: MediaStore, rules: Rules, at: datetime.datetime) -> Discarded:
    """Delete what has passed its retention, at most `AT_ONCE` of each kind; repeat until a run deletes nothing.

    Recordings and files go first, the words and the citizen with the case. The frame of a case remains.
    """
    has_words = sa.exists().where(Message.case_id == Case.id, Message.text != "")
    was_spoken = sa.exists().where(Message.case_id == Case.id, Message.sound_id.is_not(None))
    has_transcript = sa.exists().where(Message.case_id == Case.id, Transcript.message_id == Message.id)
    known = (Case.search_text != "", Case.citizen_id.is_not(None))
    old = _cases(session, rules.cases_days, at, *known, has_words, was_spoken, has_transcript)
    _, files = empty_cases(session, store, old, at) if old else (0, 0)
    sounds, more = _drop_sounds(session, store, rules.sound_days, at)
    calls = session.scalars(
        sa.select(CitizenCall)
        .where(CitizenCall.state.in_(["done", "expired"]), CitizenCall.expires_at < at - CALLS_KEPT)
        .limit(AT_ONCE)
    ).all()
    session.execute(sa.delete(ReceivedText).where(ReceivedText.received_at < at - TEXT_IDS_KEPT))
    citizens = _forgotten(session, rules.cases_days, at)
    for row in (*calls, *citizens):
        session.delete(row)
    session.flush()
    discarded = Discarded(sounds, len(old), len(citizens), len(calls), files + more)
    if discarded:
        audit.record(session, "retention", "cases.discard", "cases", **vars(discarded))
    return discarded


def _cases(session: Session, days: int, at: datetime.datetime, *holds: sa.ColumnElement[bool]) -> list[Case]:
    """Return cases without a hold that were closed before the last `days` and match one of the conditions."""
    if not days:
        return []
    query = sa.select(Case).where(
        *(Case.status == CaseStatus.CLOSED, Case.hold_reason == ""),
        Case.closed_at < at - datetime.timedelta(days=days),
        sa.or_(*holds),
    )
    return list(session.scalars(query.order_by(Case.id).limit(AT_ONCE)))


def _drop_sounds(session: Session, store: MediaStore, days: int, at: datetime.datetime) -> tuple[int, int]:
    has_sound = sa.exists().where(Message.case_id == Case.id, Message.sound_id.is_not(None))
    has_file = sa.exists().where(Message.case_id == Case.id, Attachment.message_id == Message.id)
    ids = [case.id for case in _cases(session, days, at, has_sound, has_file)]
    if not ids:
        return 0, 0
    messages = session.scalars(sa.select(Message).where(Message.case_id.in_(ids))).all()
    attachments = [attachment for message in messages for attachment in message.attachments]
    media = {message.sound_id for message in messages} | {attachment.media_id for attachment in attachments}
    sounds = sum(message.sound_id is not None for message in messages)
    for message in messages:
        message.sound = None
    for attachment in attachments:
        session.delete(attachment)
    session.flush()
    return sounds + len(attachments), store.discard(
        session, unnamed(session, {one for one in media if one is not None})
    )


def _forgotten(session: Session, days: int, at: datetime.datetime) -> list[Citizen]:
    """Return citizens without a case who were last seen before the retention of cases."""
    if not days:
        return []
    has_case = sa.exists().where(Case.citizen_id == Citizen.id)
    query = sa.select(Citizen).where(~has_case, Citizen.seen_at < at - datetime.timedelta(days=days)).limit(AT_ONCE)
    return list(session.scalars(query))
