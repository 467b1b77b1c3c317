"""Numbering plan of outgoing calls and texts: the endpoint of a number."""

import re
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.outgoing import OutgoingRefused, OutgoingRule, Use
from haichieu.phone_numbers import as_dialled
from haichieu.sip.models import Phone, Trunk

_DIGITS = re.compile(r"\+?[0-9]+", re.ASCII)


class NoWayOut(HaiChieuError):
    """No phone has the number, and no trunk takes outgoing calls."""


class NotDialled(HaiChieuError):
    """The number contains other signs than digits; they would be part of Asterisk's dial string."""

    def __init__(self) -> None:
        super().__init__("asterisk.not_dialled")


@dataclass(frozen=True)
class OutgoingCalls:
    """Dial strings for the calls of one kind, within the rule for outgoing numbers."""

    database: Database
    rule: OutgoingRule
    use: Use

    async def __call__(self, number: str) -> str:
        """Count a call to an E.164 number and return its dial string. Raises OutgoingRefused or NoWayOut."""
        found = await self.database.run(lambda session: self._find(session, number))
        if isinstance(found, OutgoingRefused):
            raise found
        return found

    def _find(self, session: Session, number: str) -> str | OutgoingRefused:
        return self.rule.take(session, self.use, number, now()) or endpoint_for(session, number)


def endpoint_for(session: Session, number: str) -> str:
    """Return Asterisk's dial string for an E.164 number: a phone of ours, else the first outgoing trunk.

    Raises NoWayOut or NotDialled.
    """
    phone = session.scalar(sa.select(Phone).where(Phone.caller_number == number))
    if phone is not None:
        return f"PJSIP/{phone.code}"
    trunk = session.scalar(sa.select(Trunk).where(Trunk.outbound).order_by(Trunk.id).limit(1))
    if trunk is None:
        raise NoWayOut("asterisk.no_outgoing_trunk")
    if not _DIGITS.fullmatch(number):
        raise NotDialled
    return f"PJSIP/{as_dialled(number, trunk.prefix_rules)}@{trunk.code}"


def text_address(session: Session, number: str) -> str | None:
    """Return the destination of a SIP MESSAGE to a number: a phone of ours, else the first trunk that takes texts.

    The result is ARI's address ("pjsip:…"), None when the number cannot be texted by SIP.
    """
    phone = session.scalar(sa.select(Phone).where(Phone.caller_number == number))
    if phone is not None:
        return f"pjsip:{phone.code}"
    trunk = session.scalar(sa.select(Trunk).where(Trunk.texts).order_by(Trunk.id).limit(1))
    if trunk is None or not _DIGITS.fullmatch(number):
        return None
    return f"pjsip:{trunk.code}/sip:{as_dialled(number, trunk.prefix_rules)}@{trunk.host}:{trunk.port}"


def may_text(session: Session, endpoint: str) -> bool:
    """Return whether texts from an account are stored: from phones, and from trunks that take texts."""
    phone = sa.exists().where(Phone.code == endpoint)
    trunk = sa.exists().where(Trunk.code == endpoint, Trunk.texts)
    return bool(session.scalar(sa.select(sa.or_(phone, trunk))))


def text_sender(session: Session, source: str, claimed: str) -> str:
    """Return the number of the sender of a stored text, from the user part of its From; empty when unknown.

    A phone has authenticated as the account in From, and has the number of that account. The sender that a trunk claims
    is trusted, as for calls.
    """
    if source != "phone":
        return claimed
    return session.scalar(sa.select(Phone.caller_number).where(Phone.code == claimed)) or ""
