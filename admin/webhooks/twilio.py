"""Twilio webhooks: `POST /webhooks/twilio/sms` receives a text, `POST /webhooks/twilio/status` a delivery status.

Every request is checked against Twilio's signature of the public URL and the fields; nothing else of a request is
trusted or logged. A repeated request is filed once.
"""

from dataclasses import dataclass

import structlog
from flask import Blueprint, Response, current_app, request
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from admin.access.permissions import open_to_all
from feedback.texts.deliveries import note_status
from feedback.texts.receipts import Wish
from feedback.texts.text_inbox import InboundText, TextInbox
from haichieu.database import Database, now
from haichieu.errors import EnvironmentProblem, NotAllowed, UsageError

log = structlog.get_logger()

LARGEST = 64 * 1024
"""Bytes; a text of 1600 characters, each sent as twelve, stays far below it."""
SIGNATURE = "X-Twilio-Signature"
PREFIX = "/webhooks/twilio"


_CARRIED_OUT = {str(wish).upper(): wish for wish in Wish}
"""Twilio's `OptOutType`: a command that it has carried out and answered, whatever its word was."""


class BadRequest(UsageError):
    """The request lacks what Twilio always sends."""

    http_status = 400


@dataclass(frozen=True)
class TwilioSecrets:
    """What authenticates Twilio: the account, its token, and our URL as Twilio calls it."""

    account_sid: str
    auth_token: str
    public_url: str

    @property
    def complete(self) -> bool:
        """Whether requests can be checked at all."""
        return bool(self.account_sid and self.auth_token and self.public_url)


def twilio_webhooks(database: Database, inbox: TextInbox, secrets: TwilioSecrets) -> Blueprint:
    """Return the two routes."""
    routes = Blueprint("twilio", __name__, url_prefix=PREFIX)
    validator = RequestValidator(secrets.auth_token)

    @routes.before_request
    def prove() -> None:
        """Refuse every request that is not signed by Twilio."""
        request.max_content_length = LARGEST
        if not secrets.complete:
            raise EnvironmentProblem("api.twilio_not_set_up")
        query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
        url = f"{secrets.public_url.rstrip('/')}{request.path}{query}"
        signature = request.headers.get(SIGNATURE, "")
        if not (validator.validate(url, request.form, signature) and _is_for(secrets.account_sid)):
            log.warning("twilio.refused", path=request.path)
            raise NotAllowed("api.twilio_signature")

    @routes.post("/sms")
    @open_to_all
    def sms() -> Response:
        """File a text; the case number is sent like any other text, once and accounted for."""
        files = request.form.get("NumMedia", "0")
        filed = inbox.take(
            InboundText(
                sender=request.form.get("From", ""),
                to=request.form.get("To", ""),
                body=request.form.get("Body", ""),
                external_id=_sid(),
                files=int(files) if files.isascii() and files.isdecimal() else 0,
                carried_out=_CARRIED_OUT.get(request.form.get("OptOutType", "")),
            )
        )
        answer = MessagingResponse()
        if filed.say:
            answer.message(filed.say)
        return current_app.response_class(str(answer), mimetype="text/xml")

    @routes.post("/status")
    @open_to_all
    def status() -> tuple[str, int]:
        """Record the delivery status of an outgoing text."""
        reply = request.args.get("reply", "")
        with database.session() as session:
            changed = note_status(
                session,
                _sid(),
                int(reply) if reply.isascii() and reply.isdecimal() and len(reply) < 19 else None,
                request.form.get("MessageStatus", ""),
                request.form.get("ErrorCode", ""),
                now(),
            )
        log.info("twilio.status", status=request.form.get("MessageStatus", "")[:20], changed=changed)
        return "", 204

    return routes


def _is_for(account_sid: str) -> bool:
    return request.form.get("AccountSid", account_sid) == account_sid


def _sid() -> str:
    name = request.form.get("MessageSid", "")
    if not 1 <= len(name) <= 64:
        raise BadRequest("api.twilio_sid")
    return name
