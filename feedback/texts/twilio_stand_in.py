"""A local stand-in for Twilio, for demo and tests: its Messages API over HTTP, and the signed webhooks that it calls.

It behaves as the real one does (`/2010-04-01`, basic authentication, JSON, error codes) and reaches no phone: texts are
collected in `texts`, and `bring_text` acts as a phone. Received texts are listed whether the webhook answered or not.
"""

import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

import phonenumbers

from feedback.texts.segments import segments

API = "/2010-04-01/Accounts"
LONGEST = 1600
_ERRORS = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "The 'To' number is not a valid phone number."),
    21602: (400, "Message body is required."),
    21606: (400, "The 'From' phone number is not a valid, message-capable number of this account."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit."),
}


class _Refusal(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Text:
    """One text that was sent, or received from a phone."""

    sid: str
    to: str
    sender: str
    body: str
    callback: str
    created: float
    status: str = "queued"
    direction: str = "outbound-api"
    files: int = 0


@dataclass(frozen=True)
class Answered:
    """The answer of the station's webhook."""

    status: int
    body: str


def sign(token: str, url: str, fields: Mapping[str, str]) -> str:
    """Return Twilio's signature: HMAC-SHA1, in base64, of the URL and each field's name and value, sorted by name."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@dataclass
class TwilioStandIn:
    """The stand-in, listening on a free loopback port while the context is open.

    `unsubscribed` are numbers that answered STOP to Twilio itself; `failing` has error codes for the next requests,
    `silent` is the number of requests that are carried out but not answered, `slow_seconds` the delay of an answer.
    """

    account_sid: str = "AC" + "0" * 31 + "1"
    token: str = "stand-in-token"  # noqa: S105 (that of nobody)
    number: str = "+12025550100"
    webhook: str = ""
    texts: list[Text] = field(default_factory=list)
    received: list[Text] = field(default_factory=list)
    unsubscribed: set[str] = field(default_factory=set)
    failing: list[int] = field(default_factory=list)
    silent: int = 0
    slow_seconds: float = 0.0
    requests: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="twilio-stand-in").start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        """The value for `twilio_base_url`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def bring_text(self, sender: str, body: str, *, to: str | None = None, **more: str) -> Answered:
        """Act as a phone that sends a text: call the webhook, signed. `more` are further fields, or replacements."""
        sid = self.receive(sender, body, to=to, files=int(more.get("NumMedia", 0))).sid
        fields = {
            "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": self.account_sid,
            "From": sender, "To": to or self.number, "Body": body, "NumMedia": "0",
            "NumSegments": str(segments(body)), "SmsStatus": "received", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return self.post(self.webhook, {**fields, **more})

    def receive(self, sender: str, body: str, *, to: str | None = None, files: int = 0) -> Text:
        """Receive a text from a phone without a call of the webhook, as when the station is away."""
        sid = "SM" + secrets.token_hex(16)
        text = Text(sid, to or self.number, sender, body, "", time.time(), "received", "inbound", files)
        with self._lock:
            self.received.append(text)
        return text

    def tell_status(self, text: Text, status: str, error_code: str = "") -> Answered:
        """Call the status callback of a text, signed."""
        text.status = status
        fields = {
            "MessageSid": text.sid, "SmsSid": text.sid, "AccountSid": self.account_sid, "From": text.sender,
            "To": text.to, "MessageStatus": status, "SmsStatus": status, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return self.post(text.callback, fields | ({"ErrorCode": error_code} if error_code else {}))

    def post(self, url: str, fields: Mapping[str, str], signature: str | None = None) -> Answered:
        """Post to a webhook as Twilio does, with its signature unless another is given."""
        asked = Request(url, urlencode(fields).encode(), method="POST")  # noqa: S310 (the station's own webhook)
        asked.add_header("X-Twilio-Signature", sign(self.token, url, fields) if signature is None else signature)
        asked.add_header("User-Agent", "TwilioProxy/1.1")
        try:
            with urlopen(asked, timeout=15) as answer:  # noqa: S310
                return Answered(answer.status, answer.read().decode())
        except HTTPError as refusal:
            with refusal:
                return Answered(refusal.code, refusal.read().decode())

    def answer(self, method: str, target: str, authorization: str, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Answer one API request; None for one that gets no answer. Raises _Refusal."""
        with self._lock:
            self.requests += 1
            expected = "Basic " + base64.b64encode(f"{self.account_sid}:{self.token}".encode()).decode()
            if not hmac.compare_digest(authorization.encode(), expected.encode()):
                raise _Refusal(20003)
            if self.failing:
                raise _Refusal(self.failing.pop(0))
            asked = urlsplit(target)
            resource = asked.path.removeprefix(f"{API}/{self.account_sid}/")
            if method == "POST" and resource == "Messages.json":
                made = self._create(form)
                if self.silent:
                    self.silent -= 1
                    return None
                return self._json(made)
            if method == "GET" and resource == "Messages.json":
                return self._list({name: values[0] for name, values in parse_qs(asked.query).items()}, asked.path)
            for text in self.texts:
                if method == "GET" and resource == f"Messages/{text.sid}.json":
                    return self._json(text)
            raise _Refusal(20404)

    def _create(self, form: Mapping[str, str]) -> Text:
        to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
        try:
            valid = to.startswith("+") and phonenumbers.is_possible_number(phonenumbers.parse(to))
        except phonenumbers.NumberParseException:
            valid = False
        for wrong, code in (
            (not valid, 21211),
            (sender != self.number, 21606),
            (not body, 21602),
            (len(body) > LONGEST, 21617),
            (to in self.unsubscribed, 21610),
        ):
            if wrong:
                raise _Refusal(code)
        text = Text("SM" + secrets.token_hex(16), to, sender, body, form.get("StatusCallback", ""), time.time())
        self.texts.append(text)
        return text

    def _list(self, asked: Mapping[str, str], path: str) -> dict[str, Any]:
        since = datetime.datetime.fromisoformat(asked.get("DateSent>", "1970-01-01T00:00:00Z")).timestamp()
        found = [
            self._json(text)
            for text in sorted((*self.texts, *self.received), key=lambda text: text.created, reverse=True)
            if asked.get("To", text.to) == text.to
            and asked.get("From", text.sender) == text.sender
            and text.created >= since
        ]
        size, page = int(asked.get("PageSize", 50)), int(asked.get("Page", 0))
        first = page * size
        shown = found[first : first + size]
        rest = urlencode({**asked, "Page": str(page + 1)}) if len(found) > first + size else ""
        return {
            "messages": shown, "page": page, "page_size": size, "start": first, "end": first + max(len(shown) - 1, 0),
            "uri": path, "first_page_uri": path, "next_page_uri": f"{path}?{rest}" if rest else None,
            "previous_page_uri": None,
        }  # fmt: skip

    def _json(self, text: Text) -> dict[str, Any]:
        path = f"{API}/{self.account_sid}/Messages/{text.sid}"
        moment = formatdate(text.created, usegmt=False)
        return {
            "account_sid": self.account_sid, "api_version": "2010-04-01", "body": text.body,
            "date_created": moment, "date_sent": None if text.status == "queued" else moment, "date_updated": moment,
            "direction": text.direction, "error_code": None, "error_message": None, "from": text.sender,
            "messaging_service_sid": None, "num_media": str(text.files), "num_segments": str(segments(text.body)),
            "price": None, "price_unit": "USD", "sid": text.sid, "status": text.status,
            "subresource_uris": {"media": f"{path}/Media.json"}, "to": text.to, "uri": f"{path}.json",
        }  # fmt: skip


def _handler(owner: TwilioStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._serve(dict(parse_qsl(body, keep_blank_values=True)))

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the addresses contain numbers."""

        def _serve(self, form: Mapping[str, str]) -> None:
            try:
                found = owner.answer(self.command, self.path, self.headers.get("Authorization", ""), form)
                status = 201 if self.command == "POST" else 200
            except _Refusal as refusal:
                status, words = _ERRORS[refusal.code]
                more = f"https://www.twilio.com/docs/errors/{refusal.code}"
                found = {"code": refusal.code, "message": words, "more_info": more, "status": status}
            time.sleep(owner.slow_seconds)
            self.close_connection = found is None
            if found is not None:
                with contextlib.suppress(ConnectionError):  # the client may be gone
                    self._write(status, json.dumps(found).encode())

        def _write(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
