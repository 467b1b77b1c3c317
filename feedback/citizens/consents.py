"""Consents of citizens, one per case and purpose, and the one rule about what of a case may go on air.

Silence is no consent (Law 91/2025, art. 9): each has a recording or a text as proof, or the name of the official who
took it orally or on paper. Withdrawing it is effective at once, and takes what was made for the air off it.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from feedback import job_kinds
from feedback.cases.case_lifecycle import note
from feedback.citizens.models import Consent, DataRequest
from feedback.models import Case, Message, Reply
from feedback.states import BY_HAND, ConsentForm, DataRight, Purpose, RequestState
from haichieu import jobs, locale
from haichieu.errors import HaiChieuError
from haichieu.locale import message
from haichieu.media import Media


class NoConsent(HaiChieuError):
    """The citizen has not consented to this, or has withdrawn the consent."""

    def __init__(self, purpose: Purpose) -> None:
        super().__init__(f"consent.missing.{purpose}")


class ConsentRefused(HaiChieuError):
    """A consent cannot be entered like this."""


@dataclass(frozen=True)
class Proof:
    """What shows a consent: a recording, with its name in Asterisk's spool, a text, or the official who took it."""

    form: ConsentForm
    sound: Media | None = None
    message: Message | None = None
    recording: str | None = None
    taken_by: str = ""


def consents_of(session: Session, case: Case) -> Sequence[Consent]:
    """Return all consents of a case, withdrawn ones included, in order."""
    query = sa.select(Consent).where(Consent.case_id == case.id).options(selectinload(Consent.sound))
    return session.scalars(query.order_by(Consent.id)).all()


def valid_purposes(session: Session, case: Case) -> frozenset[Purpose]:
    """Return what the citizen of a case consents to now."""
    valid = sa.select(Consent.purpose).where(Consent.case_id == case.id, Consent.withdrawn_at.is_(None))
    return frozenset(Purpose(one) for one in session.scalars(valid))


def give(session: Session, case: Case, purpose: Purpose, proof: Proof, at: datetime.datetime) -> None:
    """Record a consent, in addition to an earlier one for the same purpose."""
    session.add(
        Consent(
            case_id=case.id,
            purpose=purpose,
            form=proof.form,
            taken_by=proof.taken_by,
            sound=proof.sound,
            message_id=proof.message.id if proof.message else None,
            recording=proof.recording,
            given_at=at,
        )
    )
    session.flush()
    said = message("consent.entry", purpose=named(purpose), form=message(f"consent.form.{proof.form}"))
    note(session, case, proof.taken_by or "citizen", "consented", at, after=said)


def take(session: Session, case: Case, purposes: Sequence[Purpose], form: str, who: str, at: datetime.datetime) -> None:
    """Record what a citizen consented to before an official (`who`), orally or on paper. Raises ConsentRefused."""
    if not purposes:
        raise ConsentRefused("consent.no_purpose")
    if form not in list(BY_HAND):
        raise ConsentRefused("consent.no_form")
    if case.citizen_id is None and not any(one.text or one.sound_id is not None for one in case.messages):
        raise ConsentRefused("data_request.nothing_left")
    for purpose in purposes:
        give(session, case, purpose, Proof(ConsentForm(form), taken_by=who), at)


def named(purpose: Purpose) -> locale.Message:
    """Return what the citizen consents to, in words."""
    return message(f"consent.purpose.{purpose}")


def require_for_air(session: Session, case: Case, *, voice: bool = False) -> None:
    """Raise NoConsent unless the answer to a case, and with `voice` the citizen's recording, may go on air.

    The office's words, which must not name the citizen (see `answers_on_air`), need none; a citizen who has withdrawn
    the consent, or has objected, has said no. A voice always needs one.
    """
    if not may_be_answered_on_air(session, case):
        raise NoConsent(Purpose.ANSWER_ON_AIR)
    if voice and Purpose.VOICE_ON_AIR not in valid_purposes(session, case):
        raise NoConsent(Purpose.VOICE_ON_AIR)


def may_be_answered_on_air(session: Session, case: Case) -> bool:
    """Return False if the citizen has withdrawn the consent to that, or has objected without giving one since."""
    if Purpose.ANSWER_ON_AIR in valid_purposes(session, case):
        return True
    return not _has_withdrawn(session, case) and not _has_objected(session, case)


def _has_withdrawn(session: Session, case: Case) -> bool:
    ended = Consent.purpose == Purpose.ANSWER_ON_AIR, Consent.withdrawn_at.is_not(None)
    return session.scalar(sa.select(Consent.id).where(Consent.case_id == case.id, *ended).limit(1)) is not None


def _has_objected(session: Session, case: Case) -> bool:
    """Return whether an objection concerns the case, or all data of its citizen, and was not refused."""
    about = [DataRequest.case_id == case.id]
    if case.citizen_id is not None:
        about.append(sa.and_(DataRequest.case_id.is_(None), DataRequest.citizen_id == case.citizen_id))
    objections = sa.select(DataRequest.id).where(
        DataRequest.kind == DataRight.OBJECTION, DataRequest.state != RequestState.REFUSED, sa.or_(*about)
    )
    return session.scalar(objections.limit(1)) is not None


def withdraw(session: Session, case: Case, who: str, at: datetime.datetime, purpose: Purpose | None = None) -> bool:
    """Withdraw the consent in a case to one purpose, or to all; return whether there was any.

    Its answers leave the air; without the consent to the voice, only those that begin with it.
    """
    such = [Consent.case_id == case.id, Consent.withdrawn_at.is_(None)]
    if purpose is not None:
        such.append(Consent.purpose == purpose)
    valid = session.scalars(sa.select(Consent).where(*such)).all()
    if not valid:
        return False
    for one in valid:
        one.withdrawn_at, one.withdrawn_by = at, who
    take_off_air(session, [case.id], at, with_voice_only=purpose is Purpose.VOICE_ON_AIR)
    note(session, case, who, "consent_withdrawn", at, after="" if purpose is None else named(purpose))
    return True


def take_off_air(
    session: Session, case_ids: Sequence[int], at: datetime.datetime, *, with_voice_only: bool = False
) -> None:
    """Have the programmes withdrawn that were made of the answers of these cases."""
    made = sa.select(Reply.id).join(Message, Message.id == Reply.message_id)
    made = made.where(Message.case_id.in_(case_ids), Reply.programme_id.is_not(None))
    if with_voice_only:
        made = made.where(Reply.with_voice)
    for reply_id in session.scalars(made).all():
        jobs.renew(session, job_kinds.TAKE_OFF_AIR, reply_id, at)


def programmes_of(session: Session, case_ids: Sequence[int]) -> frozenset[int]:
    """Return the programmes that were made of the answers of these cases."""
    made = sa.select(Reply.programme_id).join(Message, Message.id == Reply.message_id)
    found = session.scalars(made.where(Message.case_id.in_(case_ids), Reply.programme_id.is_not(None)))
    return frozenset(one for one in found if one is not None)


def forget(session: Session, case_ids: Sequence[int]) -> set[int]:
    """Delete the consents of cases that are erased; return the ids of their recordings, which the caller deletes."""
    query = sa.select(Consent.sound_id).where(Consent.case_id.in_(case_ids), Consent.sound_id.is_not(None))
    sounds = {one for one in session.scalars(query) if one is not None}
    session.execute(sa.delete(Consent).where(Consent.case_id.in_(case_ids)))
    return sounds
