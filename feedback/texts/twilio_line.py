"""Texts through Twilio's own client: sending, looking up, and mapping of its errors."""

import datetime
from dataclasses import dataclass
from urllib.parse import quote

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from feedback.texts.outbox import HandedOver, LineBroken, LineBusy, OutcomeUnknown, TextRefused
from feedback.texts.text_inbox import InboundText
from haichieu.settings import Settings

NAME = "twilio"
LONGEST = 1600
"""Twilio's limit of characters (error 21617)."""
ANSWER_SECONDS = 20.0
LOOK_AT = 50
"""The number of latest texts to a number that are searched for one of ours."""
PAGE = 200
"""Texts per request when received texts are listed."""
CLOCKS_DIFFER = datetime.timedelta(minutes=2)
STATUS_PATH = "/webhooks/twilio/status"

_UNSUBSCRIBED = 21610
_NOT_A_NUMBER = {21211, 21214, 21217, 21401, 21614}
_NOT_REACHED = {21408, 21612}
_TOO_LONG = 21617


@dataclass(frozen=True)
class TwilioAccount:
    """The account, the sender's number, and the address of the status callback."""

    sid: str
    token: str
    number: str
    base_url: str = ""
    public_url: str = ""


def twilio_account(settings: Settings) -> TwilioAccount | None:
    """Return the account in the settings, None when texts do not go through Twilio."""
    if not (settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_number):
        return None
    return TwilioAccount(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.twilio_number,
        settings.twilio_base_url,
        settings.public_url,
    )


class TwilioLine:
    """One account. Its calls block: use a thread."""

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        # It sends once: a retry below us would double a text that Twilio took and did not answer for.
        http = TwilioHttpClient(timeout=ANSWER_SECONDS, max_retries=0)
        self._client = Client(account.sid, account.token, http_client=http)
        if account.base_url:
            self._client.api.base_url = account.base_url

    def send(self, number: str, text: str, reply_id: int | None) -> HandedOver:
        """Send one text, without status callbacks if it is no reply. Raises a subclass of OutboxError."""
        if len(text) > LONGEST:
            raise TextRefused("text.twilio.too_long", count=len(text), most=LONGEST)
        options = {}
        if self._account.public_url and reply_id is not None:
            url = f"{self._account.public_url.rstrip('/')}{STATUS_PATH}?reply={quote(str(reply_id))}"
            options["status_callback"] = url
        try:
            message = self._client.messages.create(to=number, from_=self._account.number, body=text, **options)
        except TwilioRestException as refusal:
            raise _meaning(refusal) from None  # whose own words hold the number
        except requests.exceptions.RequestException as problem:
            raise LineBusy(_UNREACHABLE) if _never_connected(problem) else OutcomeUnknown(_NO_ANSWER) from None
        return HandedOver(message.sid, int(message.num_segments or 0) or None)

    def look_up(self, number: str, text: str, since: datetime.datetime) -> list[HandedOver]:
        """Return the texts with this content that Twilio accepted for that number since then, newest first.

        Raises OutboxError.
        """
        try:
            listed = self._client.messages.list(to=number, from_=self._account.number, limit=LOOK_AT)
        except (TwilioException, requests.exceptions.RequestException):
            raise OutcomeUnknown(_NO_ANSWER) from None
        return [
            HandedOver(message.sid, int(message.num_segments or 0) or None)
            for message in listed
            if message.body == text and (message.date_created is None or message.date_created >= since - CLOCKS_DIFFER)
        ]

    def received(self, since: datetime.datetime) -> list[InboundText]:
        """Return the texts to our number that Twilio received since then, the oldest first. Raises OutcomeUnknown."""
        try:
            listed = self._client.messages.list(to=self._account.number, date_sent_after=since, page_size=PAGE)
        except (TwilioException, requests.exceptions.RequestException):
            raise OutcomeUnknown(_NO_ANSWER) from None
        return [
            InboundText(
                sender=message.from_ or "",
                to=message.to or "",
                body=message.body or "",
                external_id=message.sid,
                files=int(message.num_media or 0),
                at=message.date_sent or message.date_created,
            )
            for message in reversed(listed)
            if message.direction == "inbound"
        ]

    def status(self, provider_id: str) -> str:
        """Return Twilio's state of a text. Raises OutcomeUnknown."""
        try:
            return str(self._client.messages(provider_id).fetch().status)
        except (TwilioException, requests.exceptions.RequestException):
            raise OutcomeUnknown(_NO_ANSWER) from None


_UNREACHABLE = "text.twilio.unreachable"
_NO_ANSWER = "text.twilio.no_answer"


def _never_connected(problem: requests.exceptions.RequestException) -> bool:
    if isinstance(problem, requests.exceptions.ConnectTimeout):
        return True
    cause = problem.args[0] if problem.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _meaning(refusal: TwilioRestException) -> TextRefused | LineBroken | LineBusy | OutcomeUnknown:
    code, error = refusal.code or 0, f"Twilio {refusal.code or refusal.status}"
    if code == _UNSUBSCRIBED:
        return TextRefused("text.twilio.unsubscribed", unsubscribed=True, error=error)
    if code in _NOT_A_NUMBER:
        return TextRefused("text.twilio.not_a_number", error=error)
    if code in _NOT_REACHED:
        return TextRefused("text.twilio.not_reached", error=error)
    if code == _TOO_LONG:
        return TextRefused("text.twilio.refused_as_too_long", error=error)
    if refusal.status in (401, 403):
        return LineBroken("text.twilio.account_refused", error=error)
    if refusal.status == 429:
        return LineBusy("text.twilio.overloaded", error=error)
    if refusal.status >= 500:
        return OutcomeUnknown("text.twilio.failing", error=error)
    return TextRefused("text.twilio.refused", error=error)
