"""Composition of texts: the outbox for the worker, SIP MESSAGE for the switchboard, which loads no Twilio client."""

from sqlalchemy.orm import Session

from dialplans.numbering import text_address
from feedback.texts.dispatcher import TextDispatcher
from feedback.texts.received_texts import ReceivedTexts
from feedback.texts.sip_texts import SipRoute, SipTexts
from feedback.texts.text_inbox import TextInbox, UnitFor
from haichieu.ari.client import AriClient
from haichieu.phone_numbers import normalise
from haichieu.processes.opened_station import OpenedStation
from haichieu.processes.spooled_texts import SpooledTexts
from ivr.calls.routing import is_our_number, number_of_texts, unit_of_text, unit_texted


def text_inbox(station: OpenedStation, unit_for: UnitFor) -> TextInbox:
    """Return what files inbound texts; it never answers the station's own numbers."""
    twilio = normalise(station.settings.twilio_number)

    def is_ours(session: Session, number: str) -> bool:
        return number == twilio or is_our_number(session, number)

    return TextInbox(station.database, station.citizens, unit_for, station.outgoing, is_ours)


def text_dispatcher(station: OpenedStation) -> TextDispatcher:
    """Return the worker's part of the outbox."""
    from feedback.texts.twilio_line import NAME, TwilioLine, twilio_account

    account = twilio_account(station.settings)
    line = TwilioLine(account) if account else None
    return TextDispatcher(station.database, station.citizens, NAME, line, _sip_reaches, station.outgoing)


def received_texts(station: OpenedStation) -> ReceivedTexts | None:
    """Return the worker's reconciliation with Twilio's list of received texts, if texts go through Twilio."""
    from feedback.texts.twilio_line import NAME, TwilioLine, twilio_account

    account = twilio_account(station.settings)
    if account is None:
        return None
    return ReceivedTexts(station.database, NAME, TwilioLine(account), text_inbox(station, unit_of_text))


def sip_texts(station: OpenedStation, client: AriClient) -> SipTexts:
    """Return the switchboard's part: texts as SIP MESSAGE, only to numbers of the district file."""
    settings = station.settings
    host = f"{settings.external_address or settings.bind}:{settings.sip_port}"

    def route_to(session: Session, number: str) -> SipRoute | None:
        to = text_address(session, number)
        return SipRoute(to, f"sip:{number_of_texts(session)}@{host}") if to else None

    return SipTexts(client, station.database, station.citizens, route_to, station.outgoing)


def spooled_texts(station: OpenedStation, texts: SipTexts) -> SpooledTexts:
    """Return the intake of texts. A wrong number loses no text of a trunk; a phone receives a reply about it."""
    phones, trunks = (text_inbox(station, unit_for) for unit_for in (unit_texted, unit_of_text))
    return SpooledTexts(station.home, station.database, phones, trunks, texts.say_soon)


def _sip_reaches(session: Session, number: str) -> bool:
    return text_address(session, number) is not None
