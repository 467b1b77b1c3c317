"""Certificates that a village heard what a duty requires, sealed in the audit trail.

A certificate is an entry of the audit trail: its facts are the detail of the entry, and its code consists of the
position of the entry and the beginning of its digest, which seals it and everything before it. The printed code leads
back to the entry; a changed entry no longer has this digest.
"""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.duties.duty_outlook import villages_not_covered
from broadcast_bridge.duties.duty_proof import proof_of
from broadcast_bridge.duties.errors import CertificateRefused, NoSuchCertificate
from broadcast_bridge.duties.models import Duty, DutyVillage
from broadcast_bridge.duties.states import CERTIFIED
from haichieu import audit
from haichieu.audit import AuditEntry
from haichieu.station import the_station

ACTION = "duty.certify"
_CODE = re.compile(r"([0-9]{1,9})-([0-9a-f]{16})")
_SHOWN = 16


@dataclass(frozen=True)
class Certificate:
    """A certificate that was issued; `facts` are the detail of its audit entry."""

    code: str
    duty_id: int
    unit_id: int
    issued_at: datetime.datetime
    issued_by: str
    facts: Mapping[str, str | int]

    @property
    def runs(self) -> list[str]:
        """The runs: local start time, speakers that played it, speakers, and those that reported sound."""
        return str(self.facts["runs"]).split("; ")


def certify(session: Session, duty: Duty, unit_id: int, who: str) -> int:
    """Issue the certificate of one village, or find the same one, and return the id of its audit entry.

    Raises CertificateRefused when the village has not heard enough.
    """
    village = next((one for one in duty.villages if one.unit_id == unit_id), None)
    if village is None or village.state not in CERTIFIED:
        raise CertificateRefused("duty.certificate.not_met")
    facts = _facts(session, duty, village)
    subject = f"duty:{duty.id}/unit:{unit_id}"
    newest = session.scalar(
        sa.select(AuditEntry)
        .where(AuditEntry.subject == subject, AuditEntry.action == ACTION)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    if newest is not None and newest.detail == facts:
        return newest.id
    audit.record(session, who, ACTION, subject, **facts)
    session.flush()
    return session.scalars(
        sa.select(AuditEntry.id).where(AuditEntry.subject == subject).order_by(AuditEntry.id.desc()).limit(1)
    ).one()


def code_of(session: Session, entry_id: int) -> str:
    """Return the code of a certificate, once its entry is committed."""
    entry = session.get_one(AuditEntry, entry_id)
    return f"{entry.position}-{(entry.digest or '')[:_SHOWN]}"


def certificate_coded(session: Session, code: str) -> Certificate:
    """Return the certificate with this code, checked against the audit trail.

    Raises NoSuchCertificate, or CertificateRefused when its entry was altered.
    """
    match = _CODE.fullmatch(code.strip().lower())
    found = audit.entry_at(session, int(match[1])) if match else None
    if match is None or found is None:
        raise NoSuchCertificate("duty.certificate.unknown", code=code[:40])
    entry, is_whole = found
    if entry.action != ACTION or not (entry.digest or "").startswith(match[2]):
        raise NoSuchCertificate("duty.certificate.unknown", code=code[:40])
    if not is_whole:
        raise CertificateRefused("duty.certificate.altered")
    duty_id, unit_id = (int(number) for number in re.findall(r"[0-9]+", entry.subject))
    return Certificate(match[0], duty_id, unit_id, entry.at, entry.actor, entry.detail)


def _facts(session: Session, duty: Duty, village: DutyVillage) -> dict[str, str | int]:
    runs = proof_of(session, duty).heard.get(village.unit_id, ())
    return {
        "station": the_station(session).name,
        "title": duty.title,
        "rule": duty.rule,
        "kind": duty.law.kind,
        "number": duty.law.number,
        "articles": duty.law.articles,
        "decision": duty.decision,
        "decided_on": duty.decided_on.isoformat(),
        "deadline": duty.deadline.isoformat(),
        "village": village.name,
        "state": village.state,
        "met_on": village.met_on.isoformat() if village.met_on else "",
        "not_covered": "; ".join(villages_not_covered(session, [duty])[duty.id]),
        "runs": "; ".join(
            f"{run.at.isoformat(timespec='minutes')} {run.played}/{run.speakers} {run.confirmed} #{run.broadcast_id}"
            for run in runs
            if run.at.date() >= duty.decided_on and (village.met_on is None or run.at.date() <= village.met_on)
        ),
    }
