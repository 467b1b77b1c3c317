"""Consents of citizens, one per case and purpose, and the one rule about what of a case may go on air.

Silence is no consent (Law 91/2025, art. 9): each has a recording or a text as proof. Withdrawing it is effective at
once, and takes what was made for the air off it.
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
from feedback.states import Channel, DataRight, Purpose, RequestState
from haichieu import jobs
from haichieu.errors import HaiChieuError
from haichieu.locale import message
from haichieu.media import Media


class NoConsent(HaiChieuError):
    """The citizen has not consented to this, or has withdrawn the consent."""

    def __init__(self, purpose: Purpose) -> None:
        super().__init__(f"consent.missing.{purpose}")


@dataclass(frozen=True)
class Proof:
    """What shows a consent: a recording, with its name in Asterisk's spool, or a text."""

    channel: Channel
    sound: Media | None = None
    message: Message | None = None
    recording: str | None = None


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
            channel=proof.channel,
            sound=proof.sound,
            message_id=proof.message.id if proof.message else None,
            recording=proof.recording,
            given_at=at,
        )
    )
    session.flush()
    note(session, case, "citizen", "consented", at, after=message(f"consent.purpose.{purpose}"))


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


def withdraw(session: Session, case: Case, who: str, at: datetime.datetime) -> bool:
    """Withdraw every consent in a case, and take its answers off the air; return whether there was any."""
    valid = session.scalars(sa.select(Consent).where(Consent.case_id == case.id, Consent.withdrawn_at.is_(None))).all()
    if not valid:
        return False
    for one in valid:
        one.withdrawn_at, one.withdrawn_by = at, who
    take_off_air(session, [case.id], at)
    note(session, case, who, "consent_withdrawn", at)
    return True


def take_off_air(session: Session, case_ids: Sequence[int], at: datetime.datetime) -> None:
    """Have the programmes withdrawn that were made of the answers of these cases."""
    made = sa.select(Reply.id).join(Message, Message.id == Reply.message_id)
    for reply_id in session.scalars(made.where(Message.case_id.in_(case_ids), Reply.programme_id.is_not(None))).all():
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
