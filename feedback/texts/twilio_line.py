"""Texts through Twilio, with its own client: handed over, looked up, and its errors in the outbox's words."""

import datetime
from dataclasses import dataclass
from urllib.parse import quote

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from feedback.texts.outbox import HandedOver, LineBroken, LineBusy, OutcomeUnknown, TextRefused
from haichieu.settings import Settings

NAME = "twilio"
LONGEST = 1600
"""Characters that Twilio takes in one text (error 21617)."""
ANSWER_SECONDS = 20.0
LOOK_AT = 50
"""How many of the latest texts to a number are looked at for one of ours."""
CLOCKS_DIFFER = datetime.timedelta(minutes=2)
STATUS_PATH = "/webhooks/twilio/status"

_UNSUBSCRIBED = 21610
_NOT_A_NUMBER = {21211, 21214, 21217, 21401, 21614}
_NOT_REACHED = {21408, 21612}
_TOO_LONG = 21617


@dataclass(frozen=True)
class TwilioAccount:
    """What is needed to send: the account, the number texts come from, and where we are told what became of them."""

    sid: str
    token: str
    number: str
    base_url: str = ""
    public_url: str = ""


def twilio_account(settings: Settings) -> TwilioAccount | None:
    """The account in the settings, None when texts do not go through Twilio."""
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
    """One account; its calls block, for a thread."""

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        # It sends once: a retry below us would double a text that Twilio took and did not answer for.
        http = TwilioHttpClient(timeout=ANSWER_SECONDS, max_retries=0)
        self._client = Client(account.sid, account.token, http_client=http)
        if account.base_url:
            self._client.api.base_url = account.base_url

    def send(self, number: str, text: str, reply_id: int) -> HandedOver:
        """Hand over one text. Raises OutboxError, as one of its kinds."""
        if len(text) > LONGEST:
            raise TextRefused(_too_long(len(text)))
        options = {}
        if self._account.public_url:
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
        """The texts like this one that Twilio took for that number since then, the newest first. Raises OutboxError."""
        try:
            listed = self._client.messages.list(to=number, from_=self._account.number, limit=LOOK_AT)
        except (TwilioException, requests.exceptions.RequestException):
            raise OutcomeUnknown(_NO_ANSWER) from None
        return [
            HandedOver(message.sid, int(message.num_segments or 0) or None)
            for message in listed
            if message.body == text and (message.date_created is None or message.date_created >= since - CLOCKS_DIFFER)
        ]

    def status(self, provider_id: str) -> str:
        """Twilio's word for how far a text of ours is. Raises OutcomeUnknown."""
        try:
            return str(self._client.messages(provider_id).fetch().status)
        except (TwilioException, requests.exceptions.RequestException):
            raise OutcomeUnknown(_NO_ANSWER) from None


_UNREACHABLE = "Không nối được tới Twilio. / Twilio cannot be reached."
_NO_ANSWER = "Twilio không trả lời. / Twilio gave no answer."


def _never_connected(problem: requests.exceptions.RequestException) -> bool:
    if isinstance(problem, requests.exceptions.ConnectTimeout):
        return True
    cause = problem.args[0] if problem.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _too_long(length: int) -> str:
    return (
        f"Tin nhắn dài {length} ký tự, Twilio nhận tối đa {LONGEST}: xin rút gọn hoặc trả lời cách khác. / "
        f"The text has {length} characters, Twilio takes {LONGEST}: shorten it or answer another way."
    )


def _meaning(refusal: TwilioRestException) -> TextRefused | LineBroken | LineBusy | OutcomeUnknown:
    code, error = refusal.code or 0, f"Twilio {refusal.code or refusal.status}"
    if code == _UNSUBSCRIBED:
        return TextRefused(
            f"Người dân đã từ chối nhận tin nhắn ({error}). / The citizen does not want texts ({error}).",
            unsubscribed=True,
        )
    if code in _NOT_A_NUMBER:
        return TextRefused(f"Số này không nhận được tin nhắn ({error}). / That number takes no texts ({error}).")
    if code in _NOT_REACHED:
        return TextRefused(f"Twilio không gửi được tới số này ({error}). / Twilio does not reach it ({error}).")
    if code == _TOO_LONG:
        return TextRefused(f"Tin nhắn quá dài ({error}). / The text is too long ({error}).")
    if refusal.status in (401, 403):
        return LineBroken(
            f"Twilio không chấp nhận tài khoản ({error}): xem twilio_account_sid và twilio_auth_token. / "
            f"Twilio does not accept the account ({error}): see twilio_account_sid and twilio_auth_token."
        )
    if refusal.status == 429:
        return LineBusy(f"Twilio đang quá tải ({error}). / Twilio takes no more just now ({error}).")
    if refusal.status >= 500:
        return OutcomeUnknown(f"Twilio gặp lỗi ({error}). / Twilio is in trouble ({error}).")
    return TextRefused(f"Twilio từ chối tin nhắn ({error}). / Twilio refused the text ({error}).")
