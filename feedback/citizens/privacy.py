"""Privacy of citizens: access to their numbers, and erasure of their data.

After an erasure the frame of a case remains for statistics (number, place, category, dates, states), without the person
and the words.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases.suggestions import without_words
from feedback.citizens import consents
from feedback.citizens.registry import CitizenBook
from feedback.models import (
    Attachment,
    Case,
    CaseLink,
    Citizen,
    CitizenCall,
    FormalCase,
    Message,
    Reply,
    Transcript,
    VoiceDraft,
)
from feedback.states import REPLY, ReplyEvent, ReplyState
from haichieu import audit
from haichieu.account_rights import MAY, Action
from haichieu.errors import HaiChieuError, NotFound
from haichieu.jobs import Job
from haichieu.media import MediaStore, unnamed
from haichieu.people import Account, Role
from haichieu.phone_numbers import masked

TABLES = ("citizens", "citizen_calls", "cases", "case_links", "case_changes", "messages", "transcripts", "attachments",
          "replies", "voice_drafts", "formal_cases", "consents", "data_requests", "jobs", "media")  # fmt: skip
"""The tables that an erasure touches (for `Database.forget`)."""


class NoSuchCitizen(NotFound):
    """The station stores nothing about this number."""

    def __init__(self) -> None:
        super().__init__("citizen.not_found")


class CaseHeld(HaiChieuError):
    """A case may not be erased, for the reason of its hold."""

    def __init__(self, case: Case) -> None:
        super().__init__("data_request.held", number=case.number, reason=case.hold_reason)


@dataclass(frozen=True)
class Erased:
    """Counts of an erasure; `recordings` are names in Asterisk's spool that the caller has to delete."""

    cases: int
    messages: int
    files: int
    calls: int
    recordings: tuple[str, ...]


def number_for(book: CitizenBook, account: Account, case: Case) -> str:
    """Return the citizen's number as this account may see it: in clear, masked, or empty for an anonymous citizen."""
    if case.citizen is None:
        return ""
    number = book.number_of(case.citizen)
    return number if Action.SEE_NUMBERS in MAY[Role(account.role)] else masked(number)


def erase_citizen(
    session: Session,
    store: MediaStore,
    book: CitizenBook,
    number: str,
    actor: str,
    at: datetime.datetime,
    *,
    spooled: int = 0,
) -> Erased:
    """Erase the data of the citizen with this number (E.164). Raises NoSuchCitizen or CaseHeld.

    `spooled` messages were deleted before they were filed; they are counted with the others.
    The audit trail records the erasure and its actor, and names no citizen. Files are deleted when the transaction
    commits.
    """
    digest = book.digest(number)
    citizen = session.scalar(sa.select(Citizen).where(Citizen.number_hash == digest).with_for_update())
    calls = session.scalars(sa.select(CitizenCall).where(CitizenCall.number_hash == digest)).all()
    drafts = drafts_of(session, book, number)
    if citizen is None and not calls and not drafts and not spooled:
        raise NoSuchCitizen
    cases = [] if citizen is None else session.scalars(sa.select(Case).where(Case.citizen_id == citizen.id)).all()
    for case in cases:
        if case.hold_reason:
            raise CaseHeld(case)
    messages, files = empty_cases(session, store, cases, at)
    messages += spooled
    for row in (*calls, *drafts):
        session.delete(row)
    if citizen is not None:
        session.delete(citizen)
    session.flush()
    audit.record(session, actor, "citizen.erase", "citizen", cases=len(cases), messages=messages, files=files)
    return Erased(len(cases), messages, files, len(calls), tuple(draft.name for draft in drafts))


def empty_cases(session: Session, store: MediaStore, cases: Sequence[Case], at: datetime.datetime) -> tuple[int, int]:
    """Empty cases to their frame; return how many messages were emptied and how many files will be deleted.

    Answers repeat what they are about, so the office's words are deleted as well. Pending jobs are cancelled.
    """
    ids = [case.id for case in cases]
    messages = session.scalars(sa.select(Message).where(Message.case_id.in_(ids))).all()
    message_ids = [message.id for message in messages]
    replies = session.scalars(sa.select(Reply).where(Reply.message_id.in_(message_ids))).all()
    attachments = session.scalars(sa.select(Attachment).where(Attachment.message_id.in_(message_ids))).all()
    media = {message.sound_id for message in messages} | {attachment.media_id for attachment in attachments}
    media |= consents.forget(session, ids)
    for message in messages:
        message.text, message.sound, message.external_id = "", None, None
    for reply in replies:
        if reply.state in (ReplyState.WAITING, ReplyState.UNDER_WAY):
            event = ReplyEvent.CANCEL if reply.state == ReplyState.WAITING else ReplyEvent.FAIL
            reply.state, reply.changed_at = REPLY.after(ReplyState(reply.state), event), at
        reply.reason, reply.provider_id = None, None
    session.execute(sa.delete(Transcript).where(Transcript.message_id.in_(message_ids)))
    session.execute(sa.delete(Attachment).where(Attachment.message_id.in_(message_ids)))
    session.execute(sa.delete(CaseLink).where(sa.or_(CaseLink.case_id.in_(ids), CaseLink.other_id.in_(ids))))
    session.execute(sa.delete(Job).where(Job.kind.in_(job_kinds.OF_MESSAGES), Job.subject_id.in_(message_ids)))
    reply_ids = [reply.id for reply in replies]
    session.execute(sa.delete(Job).where(Job.kind.in_(job_kinds.OF_REPLIES), Job.subject_id.in_(reply_ids)))
    session.execute(sa.update(Case).where(Case.id.in_(ids)).values(citizen_id=None, search_text="", updated_at=at))
    nobody = {"name_locked": "", "address_locked": "", "phone_locked": "", "content": "", "result": ""}
    session.execute(sa.update(FormalCase).where(FormalCase.case_id.in_(ids)).values(**nobody))
    for case in cases:
        case.category_by, case.unit_by = without_words(case.category_by), without_words(case.unit_by)
    session.flush()
    gone = unnamed(session, {one for one in media if one is not None})
    return len(messages), store.discard(session, gone)


def drafts_of(session: Session, book: CitizenBook, number: str) -> list[VoiceDraft]:
    """Return the messages that this citizen is recording, or was when something failed."""
    drafts = session.scalars(sa.select(VoiceDraft).where(VoiceDraft.number_locked != "")).all()
    return [draft for draft in drafts if book.locks(draft.number_locked, number)]
