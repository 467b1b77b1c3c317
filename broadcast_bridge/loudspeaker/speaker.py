"""The loudspeaker: stays registered and takes one call at a time from its own station, until SIGTERM."""

import contextlib
import json
import secrets
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from broadcast_bridge.loudspeaker.incoming_call import (
    DEAD_SECONDS,
    STALE_SECONDS,
    SpeakerCall,
    comes_from,
    is_emergency,
)
from broadcast_bridge.loudspeaker.outputs import BadOutput, Output, PlayerOutput, RecordingOutput
from haichieu.errors import HaiChieuError
from haichieu.locale import FALLBACK, Message, message, render
from haichieu.sip.address import (
    SIP_PORT,
    SIP_TLS_PORT,
    ServerAddress,
    ServerNotFound,
    SocketAddress,
    local_address_towards,
)
from haichieu.sip.endpoint import CallFailed, SipEndpoint
from haichieu.sip.endpoint_events import (
    Answered,
    ConnectionLost,
    Ended,
    Incoming,
    Registered,
    RegistrationFailed,
    ServerNotTrusted,
    SipEvent,
)
from haichieu.sip.endpoint_options import EndpointOptions
from haichieu.sip.server_trust import BadTrust, ServerTrust
from haichieu.sip.socket_filter import NoSuchSocket, end_connection

DEFAULT_DEVICE = "default"
AGAIN_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before the next registration, by number of failures; the last one repeats."""
ANSWER_SECONDS = (5.0, 10.0, 20.0, 40.0)
"""How long the answer to a registration is waited for over TLS, by number of times in vain. Asterisk drops requests
until it has started completely, while its sockets accept them. Over UDP they are repeated; over TLS they are lost, and
the library waits 32 s (RFC 3261, timer F)."""
SILENT_SERVER_SECONDS = 2.0
"""Longest pause while no server answers: it may be starting again, and over TLS it cannot call us before we return."""

_RATE = 8000
_IN_CALL_SECONDS = 0.01
_IDLE_SECONDS = 0.1
_COUNT_SECONDS = 0.5
_NOTICE_SECONDS = 10.0
_FORBIDDEN = 403
_WRONG_PASSWORD = (401, _FORBIDDEN, 407)
_UNKNOWN_ID = (404, 604)
_NO_ANSWER = (0, 408, 502, 503)


@dataclass(frozen=True)
class LoudspeakerOptions:
    """Options of `haichieu speaker`: `server` is HOST:PORT; `record` or `output`, else the default device.

    `bind` is the local address, by default the one that routes to the server. With `events`, one JSON object per line
    is printed: registered, registration_failed, server_not_trusted, call_started, sound, call_ended, refused, trouble.
    With `tls`, SIP uses TLS and sound SRTP; either `fingerprint` or `ca_file` tells the right server from others.
    """

    server: str
    id: str
    password: str = field(repr=False)
    record: Path | None = None
    output: str | None = None
    bind: str = ""
    events: bool = False
    expires: int = 30
    language: str = FALLBACK
    tls: bool = False
    fingerprint: str = ""
    ca_file: Path | None = None

    @property
    def trust(self) -> ServerTrust | None:
        """How the server's certificate is checked; None without TLS. Raises BadTrust."""
        if self.tls:
            return ServerTrust.of(self.fingerprint, self.ca_file)
        if self.fingerprint or self.ca_file:
            raise BadTrust("sip.trust.without_tls")
        return None


def run_loudspeaker(options: LoudspeakerOptions) -> int:
    """Run a loudspeaker until SIGTERM or Ctrl-C, and return the exit status.

    0 after an orderly end, 1 when the output cannot be used, 2 when the options are wrong. A server that is unreachable
    or rejects the registration is reported on standard error and tried again for ever.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    try:
        server = ServerAddress.parse(options.server, SIP_TLS_PORT if options.trust else SIP_PORT)
        output = _output(options)
        try:
            speaker = Loudspeaker(options, server, output, stopping)
            speaker.run()
        finally:
            output.close()
    except HaiChieuError as problem:
        print(render(problem.message, options.language), file=sys.stderr)
        return problem.exit_status
    return 0


def _output(options: LoudspeakerOptions) -> Output:
    if options.record and options.output:
        raise BadOutput("speaker.output.record_and_output")
    if options.record:
        return RecordingOutput(options.record, _RATE)
    return PlayerOutput(DEFAULT_DEVICE if options.output is None else options.output, _RATE)


class Loudspeaker:
    """One loudspeaker; it ends when `stopping` becomes true."""

    def __init__(self, options: LoudspeakerOptions, server: ServerAddress, output: Output, stopping: list[int]) -> None:
        self._options = options
        self._server = server
        self._output = output
        self._stopping = stopping
        self._token = secrets.token_hex(16)
        self._call: SpeakerCall | None = None
        self._told: Message | None = None
        self._distrusted: Message | None = None
        self._registered = False
        self._failures = 0
        self._register_at = 0.0
        self._answer_by = float("inf")
        self._unanswered = 0
        self._count_at = 0.0
        self._refusal_told = -_NOTICE_SECONDS

    def run(self) -> None:
        """Serve until told to stop; start over when the route to the server has changed."""
        while not self._stopping:
            try:
                address, local = self._route()
            except ServerNotFound as problem:
                self._tell(problem.message)
                self._pause()
                continue
            endpoint = EndpointOptions(
                user=self._options.id,
                bind=local,
                password=self._options.password,
                expires=self._options.expires,
                contact_token=self._token,
                only_from=address,
                trust=self._options.trust,
                user_agent="HaiChieu loudspeaker",
            )
            with SipEndpoint(endpoint) as sip:
                self._serve(sip, address, local)
                if self._call:
                    sip.hang_up(self._call.number)
            if self._call:
                self._ended(self._call, "stopped", None)

    def _route(self) -> tuple[SocketAddress, str]:
        address = self._server.resolve()
        return address, self._options.bind or local_address_towards(address)

    def _serve(self, sip: SipEndpoint, address: SocketAddress, local: str) -> None:
        """Serve until told to stop, or until the address of the server or the route to it changes."""
        self._register(sip, address)
        while not self._stopping:
            for event in sip.poll(_IN_CALL_SECONDS if self._call else _IDLE_SECONDS):
                self._happened(sip, address, event)
            self._hear(sip)
            if time.monotonic() >= self._answer_by and not self._call:
                self._answer_by, self._unanswered = float("inf"), self._unanswered + 1
                with contextlib.suppress(NoSuchSocket):  # it has just ended by itself
                    end_connection(address)
            if time.monotonic() >= self._register_at:
                try:
                    if self._route() != (address, local) and not self._call:
                        return
                except ServerNotFound as problem:
                    self._failed(problem.message)
                    continue
                self._register(sip, address)

    def _register(self, sip: SipEndpoint, address: SocketAddress) -> None:
        sip.register(address)
        self._register_at = float("inf")
        longest = ANSWER_SECONDS[min(self._unanswered, len(ANSWER_SECONDS) - 1)]
        self._answer_by = time.monotonic() + longest if self._options.tls else float("inf")

    def _happened(self, sip: SipEndpoint, server: SocketAddress, event: SipEvent) -> None:
        if isinstance(event, Registered | RegistrationFailed):
            self._answer_by = float("inf")
        match event:
            case Registered(expires=expires):
                if not self._registered:
                    self._emit("registered", expires=expires)
                self._registered, self._failures, self._unanswered, self._told = True, 0, 0, None
            case ServerNotTrusted(fingerprint=fingerprint):
                self._emit("server_not_trusted", fingerprint=fingerprint)
                self._distrusted = message("sip.trust.wrong", server=str(server), fingerprint=fingerprint or "?")
            case ConnectionLost():
                self._registered = False
                self._register_at = time.monotonic()
            case RegistrationFailed(code=code, reason=reason):
                self._registered = False
                self._emit("registration_failed", code=code, reason=reason)
                longest = SILENT_SERVER_SECONDS if code in _NO_ANSWER and not self._distrusted else AGAIN_SECONDS[-1]
                self._failed(self._distrusted or self._not_registered(server, code, reason), longest)
                self._distrusted = None
            case Incoming():
                self._incoming(sip, server, event)
            case Answered(call=call) if self._call and call == self._call.number:
                self._emit("call_started", caller=self._call.caller)
            case Ended(call=call, reason=reason, seconds=seconds) if self._call and call == self._call.number:
                self._hear(sip)
                self._ended(self._call, reason, seconds)

    def _incoming(self, sip: SipEndpoint, server: SocketAddress, event: Incoming) -> None:
        if not comes_from(event.invite, server, self._token):
            sip.refuse(event.call, 403)
            self._refused(event, "not_from_station")
            return
        if self._call:
            if self._call.silent_for < STALE_SECONDS and not is_emergency(event.invite):
                sip.refuse(event.call, 486)
                self._refused(event, "busy")
                return
            sip.hang_up(self._call.number)
            self._hear(sip)
            self._ended(self._call, "replaced", None)
        try:
            sip.answer(event.call)
        except CallFailed:
            return
        self._call = SpeakerCall(event.call, event.invite.caller)

    def _hear(self, sip: SipEndpoint) -> None:
        """Pass on what arrived, and hang up when nothing arrives any more."""
        frames = sip.heard()
        if self._call is None:
            return
        for frame in frames:
            if self._call.hear(frame):
                self._emit("sound", at=frame.at)
        if frames:
            self._output.write(b"".join(frame.pcm for frame in frames))
        if trouble := self._output.trouble():
            self._emit("trouble", reason=render(trouble, "en"))
            self._print(trouble)
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + _COUNT_SECONDS
            self._call.received(sip.packets_received(self._call.number))
            if self._call.silent_for > DEAD_SECONDS:
                sip.hang_up(self._call.number)

    def _ended(self, call: SpeakerCall, reason: str, seconds: float | None) -> None:
        self._call = None
        self._output.end_of_call()
        self._emit(
            "call_ended",
            reason=reason,
            seconds=round(call.frames / 50 if seconds is None else seconds, 3),
            sound_seconds=round(call.sound_seconds, 2),
            level_db=round(call.level_db, 1),
        )

    def _refused(self, event: Incoming, reason: str) -> None:
        """Report a rejected call, but not every packet of a flood."""
        if time.monotonic() - self._refusal_told < _NOTICE_SECONDS:
            return
        self._refusal_told = time.monotonic()
        source = event.invite.source
        self._emit("refused", reason=reason, source=str(source))
        self._print(message("speaker.call_refused", source=str(source), reason=message(f"speaker.refusal.{reason}")))

    def _failed(self, problem: Message, longest: float = AGAIN_SECONDS[-1]) -> None:
        self._tell(problem)
        self._register_at = time.monotonic() + min(self._next_pause(), longest)

    def _not_registered(self, server: SocketAddress, code: int, reason: str) -> Message:
        if code == _FORBIDDEN and not self._options.tls:
            return message("speaker.registration.needs_tls", server=str(server), id=self._options.id)
        if code in _WRONG_PASSWORD:
            return message("speaker.registration.wrong_password", server=str(server), id=self._options.id)
        if code in _UNKNOWN_ID:
            return message("speaker.registration.unknown_id", server=str(server), id=self._options.id)
        return message("speaker.registration.failed", server=str(server), code=code, reason=reason)

    def _tell(self, problem: Message) -> None:
        """Report each kind of problem once, however often it is tried again."""
        if problem != self._told:
            self._print(problem)
        self._told = problem

    def _print(self, problem: Message) -> None:
        print(render(problem, self._options.language), file=sys.stderr, flush=True)

    def _next_pause(self) -> float:
        self._failures += 1
        return AGAIN_SECONDS[min(self._failures, len(AGAIN_SECONDS)) - 1]

    def _pause(self) -> None:
        until = time.monotonic() + self._next_pause()
        while not self._stopping and time.monotonic() < until:
            time.sleep(_IDLE_SECONDS)

    def _emit(self, event: str, **facts: object) -> None:
        if self._options.events:
            print(json.dumps({"event": event, "at": time.time(), **facts}), flush=True)
