"""Numbering plan of outgoing calls and texts: how a number is reached."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from dialplans.accounts import trunk_hosts, trunk_uri, with_port
from haichieu.ari.dialling import Leg
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
    """How to call the numbers of one kind, within the rule for outgoing numbers."""

    database: Database
    rule: OutgoingRule
    use: Use
    our_number: Callable[[Session], str]
    """Returns the number that is shown, where a trunk has none of its own."""

    async def __call__(self, number: str) -> tuple[Leg, ...]:
        """Count a call to an E.164 number and return its legs. Raises OutgoingRefused or NoWayOut."""
        found = await self.database.run(lambda session: self._find(session, number))
        if isinstance(found, OutgoingRefused):
            raise found
        return found

    def _find(self, session: Session, number: str) -> tuple[Leg, ...] | OutgoingRefused:
        refusal = self.rule.take(session, self.use, number, now())
        return refusal or legs_to(session, number, self.our_number(session))


def legs_to(session: Session, number: str, our_number: str) -> tuple[Leg, ...]:
    """Return how an E.164 number is called: a phone of ours, else every address of every outgoing trunk, in order.

    Raises NoWayOut or NotDialled.
    """
    phone = session.scalar(sa.select(Phone).where(Phone.caller_number == number))
    if phone is not None:
        return (Leg(f"PJSIP/{phone.code}", our_number),)
    trunks = session.scalars(sa.select(Trunk).where(Trunk.outbound).order_by(Trunk.id)).all()
    if not trunks:
        raise NoWayOut("asterisk.no_outgoing_trunk")
    if not _DIGITS.fullmatch(number):
        raise NotDialled
    return tuple(leg for trunk in trunks for leg in _legs_of(trunk, number, our_number))


def _legs_of(trunk: Trunk, number: str, our_number: str) -> list[Leg]:
    dialled = as_dialled(number, trunk.prefix_rules)
    hosts = trunk_hosts(trunk.host, trunk.port, trunk.hosts)
    # Behind a proxy there is one way: the proxy decides about the addresses.
    places = hosts[:1] if trunk.proxy else [place for host in hosts for place in (host, *_other_places(trunk, host))]
    uris = [trunk_uri(place, dialled, transport=trunk.transport) for place in places]
    return [
        Leg(
            f"PJSIP/{trunk.code}/{uri}",
            our_number,
            trunk.caller_number,
            tuple((prefix, replacement) for prefix, replacement in trunk.prefix_rules),
            trunk.withhold_number,
        )
        for uri in uris
    ]


def _other_places(trunk: Trunk, host: str) -> list[str]:
    """Return the addresses of a name for a second try; the first try, by the name, goes to the first of them.

    It may go to any of them if their SRV records have one priority, so the first comes again at the end. A TLS
    certificate is valid for the name only.
    """
    first, *others = trunk.found.get(host) or [""]
    return [*others, first] if others and trunk.transport != "tls" else []


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
    dialled = as_dialled(number, trunk.prefix_rules)
    return f"pjsip:{trunk.code}/{trunk_uri(with_port(trunk.host, trunk.port), dialled, transport=trunk.transport)}"


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
