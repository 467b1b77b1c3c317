"""Composes texts: Twilio's webhooks for the web process, the outbox for the worker, SIP MESSAGE for the switchboard."""

from flask import Blueprint
from sqlalchemy.orm import Session

from admin.webhooks.twilio import TwilioSecrets, twilio_webhooks
from dialplans.numbering import text_address, text_sender
from feedback.citizens import open_citizens
from feedback.texts.dispatcher import TextDispatcher
from feedback.texts.inbox import TextInbox
from feedback.texts.sip_texts import SipTexts
from feedback.texts.twilio_line import NAME, TwilioLine, twilio_account
from haichieu.ari.client import AriClient
from haichieu.database import Database
from haichieu.settings import Settings
from ivr.routing import unit_of_texts, unit_texted


def webhooks_of_texts(settings: Settings, database: Database) -> Blueprint:
    """What Twilio calls. It brings texts of our own number alone, whether or not the district file lists it."""
    inbox = TextInbox(database, open_citizens(settings.home.absolute()), _unit_for)
    secrets = TwilioSecrets(settings.twilio_account_sid, settings.twilio_auth_token, settings.public_url)
    return twilio_webhooks(database, inbox, secrets)


def text_dispatcher(settings: Settings, database: Database) -> TextDispatcher:
    """The worker's half of the outbox."""
    account = twilio_account(settings)
    book = open_citizens(settings.home.absolute())
    return TextDispatcher(database, book, NAME, TwilioLine(account) if account else None, _sip_reaches)


def sip_texts(settings: Settings, database: Database, client: AriClient) -> SipTexts:
    """The switchboard's half: texts as SIP MESSAGE, to the numbers of the district file alone."""
    book = open_citizens(settings.home.absolute())
    inbox = TextInbox(database, book, unit_texted)
    sender = f"sip:haichieu@{settings.external_address or settings.bind}:{settings.sip_port}"
    return SipTexts(client, database, book, inbox, text_sender, text_address, sender)


def _unit_for(session: Session, number: str) -> int | None:
    return unit_texted(session, number) or unit_of_texts(session)


def _sip_reaches(session: Session, number: str) -> bool:
    return text_address(session, number) is not None
