"""Composes texts: the outbox for the worker, SIP MESSAGE for the switchboard (which need not carry Twilio's client)."""

from sqlalchemy.orm import Session

from dialplans.numbering import text_address, text_sender
from feedback.citizens.registry import open_citizens
from feedback.texts.dispatcher import TextDispatcher
from feedback.texts.inbox import TextInbox
from feedback.texts.sip_texts import SipRoute, SipTexts
from haichieu.ari.client import AriClient
from haichieu.database import Database
from haichieu.settings import Settings
from ivr.calls.routing import number_of_texts, unit_texted


def text_dispatcher(settings: Settings, database: Database) -> TextDispatcher:
    """The worker's half of the outbox."""
    from feedback.texts.twilio_line import NAME, TwilioLine, twilio_account

    account = twilio_account(settings)
    book = open_citizens(settings.home.absolute())
    return TextDispatcher(database, book, NAME, TwilioLine(account) if account else None, _sip_reaches)


def sip_texts(settings: Settings, database: Database, client: AriClient) -> SipTexts:
    """The switchboard's half: texts as SIP MESSAGE, to the numbers of the district file alone."""
    book = open_citizens(settings.home.absolute())
    inbox = TextInbox(database, book, unit_texted)
    host = f"{settings.external_address or settings.bind}:{settings.sip_port}"

    def route_to(session: Session, number: str) -> SipRoute | None:
        to = text_address(session, number)
        return SipRoute(to, f"sip:{number_of_texts(session)}@{host}") if to else None

    return SipTexts(client, database, book, inbox, text_sender, route_to)


def _sip_reaches(session: Session, number: str) -> bool:
    return text_address(session, number) is not None
