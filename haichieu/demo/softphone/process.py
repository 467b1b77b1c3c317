"""The phone process: reads commands from standard input, writes events to standard output, one JSON object a line.

Commands: `{"do": "call", "to": "1900", "headers": {…}}`, `{"do": "answer"}`, `{"do": "hangup"}`,
`{"do": "digits", "digits": "246810#", "gap": 0}`, `{"do": "play", "file": …, "tag": 1}`,
`{"do": "record", "file": …}`, `{"do": "text", "to": "1022", "text": …}`.
Events, each with `at` in epoch seconds: ready, registered, registration_failed, incoming, ringing, answered,
digits_sent, digit_heard, playing, played, ended, text_received, text_answered, and refused when a command cannot be
done or was cut short.
Standard input closing, or SIGTERM, hangs up and ends the process.
"""

import argparse
import json
import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haichieu.audio import WavRecording, read_wav, resample
from haichieu.errors import HaiChieuError, UsageError
from haichieu.sip.address import ServerAddress, SocketAddress
from haichieu.sip.endpoint import SipEndpoint, SipError
from haichieu.sip.endpoint_events import (
    Answered,
    ConnectionLost,
    DigitHeard,
    Ended,
    Incoming,
    Registered,
    RegistrationFailed,
    Ringing,
    ServerNotTrusted,
    SipEvent,
    TextAnswered,
    TextReceived,
    Unregistered,
)
from haichieu.sip.endpoint_options import CODECS, DIGIT_SECONDS, G711, EndpointOptions
from haichieu.sip.frames import Playing
from haichieu.sip.server_trust import ServerTrust

_IN_CALL_SECONDS = 0.01
_IDLE_SECONDS = 0.05
"""A command waits this long at most. Polled as often as in a call, a phone that waits costs a hundredth of a core."""
_AGAIN_SECONDS = 1.0
_BUSY = 486


class BadCommand(UsageError):
    """A command is unknown, lacks something, or makes no sense now."""


class Phone:
    """One phone with at most one call, its playback, keys and recording."""

    def __init__(self, endpoint: SipEndpoint, server: SocketAddress | None, record: Path | None) -> None:
        self._endpoint = endpoint
        self._server = server
        self._registrar: SocketAddress | None = None
        self._register_at: float | None = None
        self._registered = False
        self._call: int | None = None
        self._playing: deque[tuple[dict[str, Any], Playing]] = deque()
        self._announced: Playing | None = None
        self._keys: deque[tuple[float, str]] = deque()
        self._pressed: tuple[float, str] | None = None
        self._recording = WavRecording(record, endpoint.rate) if record else None

    def keep_registered(self, registrar: SocketAddress) -> None:
        """Register now, and again a second after each failure."""
        self._registrar = registrar
        self._endpoint.register(registrar)

    def step(self) -> None:
        """Let the phone work for a moment."""
        for event in self._endpoint.poll(_IDLE_SECONDS if self._call is None else _IN_CALL_SECONDS):
            self._happened(event)
        for frame in self._endpoint.heard():
            if self._recording:
                self._recording.write(frame.pcm)
        self._report_playing()
        self._press_keys()
        if self._registrar and self._register_at and time.monotonic() >= self._register_at:
            self._register_at = None
            self._endpoint.register(self._registrar)

    def obey(self, command: dict[str, Any]) -> None:
        """Execute a command. Raises HaiChieuError when it fails."""
        match command:
            case {"do": "call", "to": str(to)}:
                if self._call is not None:
                    raise BadCommand("demo.phone.busy")
                self._call = self._endpoint.call(self._uri(to), command.get("headers"))
            case {"do": "text", "to": str(to), "text": str(text)}:
                self._endpoint.text(self._uri(to), text)
            case {"do": "answer"}:
                self._endpoint.answer(self._current())
            case {"do": "hangup"}:
                self._endpoint.hang_up(self._current())
            case {"do": "digits", "digits": str(digits)} if digits:
                self._queue_keys(digits, float(command.get("gap", 0)))
            case {"do": "play", "file": str(file)}:
                sound = resample(read_wav(Path(file)), self._endpoint.rate)
                self._playing.append(({"file": file, "tag": command.get("tag")}, self._endpoint.play(sound.pcm())))
            case {"do": "record", "file": str(file)}:
                self.close()
                self._recording = WavRecording(Path(file), self._endpoint.rate)
            case _:
                raise BadCommand("demo.phone.unknown_command", command=json.dumps(command))

    def close(self) -> None:
        """Close the recording."""
        if self._recording:
            self._recording.close()
            self._recording = None

    def _current(self) -> int:
        if self._call is None:
            raise BadCommand("demo.phone.no_call")
        return self._call

    def _uri(self, to: str) -> str:
        if to.startswith("sip:"):
            return to
        if self._server is None:
            raise BadCommand("demo.phone.no_server", to=to)
        return f"sip:{to}@{self._server}{self._endpoint.options.uri_parameters}"

    def _happened(self, event: SipEvent) -> None:
        match event:
            case Registered(expires=expires):
                if not self._registered:
                    emit("registered", expires=expires)
                self._registered = True
            case RegistrationFailed(code=code, reason=reason):
                self._registered = False
                self._register_at = time.monotonic() + _AGAIN_SECONDS
                emit("registration_failed", code=code, reason=reason)
            case ServerNotTrusted(fingerprint=fingerprint):
                emit("server_not_trusted", fingerprint=fingerprint)
            case ConnectionLost():
                self._registered = False
                self._register_at = time.monotonic()
            case Unregistered():
                self._registered = False
            case Incoming(call=call, invite=invite):
                if self._call is not None:
                    self._endpoint.refuse(call, _BUSY)
                    return
                self._call = call
                self._endpoint.ring(call)
                emit("incoming", caller=invite.caller, dialled=invite.dialled, source=str(invite.source))
            case Ringing(call=call, code=code) if call == self._call:
                emit("ringing", code=code)
            case Answered(call=call) if call == self._call:
                emit("answered")
            case DigitHeard(call=call, digit=digit) if call == self._call:
                emit("digit_heard", digit=digit)
            case TextReceived(sender=sender, to=to, text=text):
                emit("text_received", sender=sender, to=to, text=text)
            case TextAnswered(code=code, reason=reason):
                emit("text_answered", code=code, reason=reason)
            case Ended(call=call, code=code, reason=reason, seconds=seconds) if call == self._call:
                self._call = None
                self._cut_short()
                emit("ended", code=code, reason=reason, seconds=round(seconds, 3))

    def _cut_short(self) -> None:
        """End pending sounds and keys: the call is over."""
        self._endpoint.stop_playing()
        for which, _ in self._playing:
            emit("refused", do="play", reason="the call ended", **which)
        self._playing.clear()
        if self._pressed:
            emit("refused", do="digits", reason="the call ended")
        self._keys.clear()
        self._pressed = None

    def _report_playing(self) -> None:
        while self._playing:
            which, playing = self._playing[0]
            if playing.started and self._announced is not playing:
                self._announced = playing
                emit("playing", **which, started=playing.started)
            if playing.ended is None:
                return
            emit("played", **which, started=playing.started, ended=playing.ended)
            self._playing.popleft()

    def _queue_keys(self, digits: str, gap: float) -> None:
        """Queue keys: without a gap as one burst, else one by one."""
        self._current()
        begin = max(time.monotonic(), self._pressed[0] if self._pressed else 0.0)
        groups = list(digits) if gap > 0 else [digits]
        for index, group in enumerate(groups):
            self._keys.append((begin + index * (DIGIT_SECONDS + gap), group))
        self._pressed = (begin + len(digits) * (DIGIT_SECONDS + gap), digits)

    def _press_keys(self) -> None:
        while self._keys and time.monotonic() >= self._keys[0][0]:
            try:
                self._endpoint.send_digits(self._current(), self._keys.popleft()[1])
            except SipError as problem:
                emit("refused", do="digits", reason=str(problem))
                self._keys.clear()
                self._pressed = None
        if self._pressed and time.monotonic() >= self._pressed[0]:
            emit("digits_sent", digits=self._pressed[1])
            self._pressed = None


def emit(event: str, **facts: object) -> None:
    """Write one event line."""
    print(json.dumps({"event": event, "at": time.time(), **facts}), flush=True)


class _Commands:
    """Lines of standard input, taken without waiting."""

    def __init__(self) -> None:
        self.closed = False
        self._rest = b""

    def take(self) -> list[dict[str, Any]]:
        if self.closed or not select.select([0], [], [], 0)[0]:
            return []
        data = os.read(0, 65536)
        self.closed = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [self._command(line) for line in lines if line.strip()]

    def _command(self, line: bytes) -> dict[str, Any]:
        try:
            command = json.loads(line)
        except ValueError:
            return {"unreadable": line.decode(errors="replace")}
        return command if isinstance(command, dict) else {"unreadable": command}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a phone until its standard input closes or SIGTERM comes; returns the exit status."""
    given = _parser().parse_args(arguments)
    # The first line of standard input, so that no process list shows it.
    password = _first_line() if given.password == "-" else given.password  # noqa: S105
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    try:
        server = ServerAddress.parse(given.server).resolve() if given.server else None
        options = EndpointOptions(
            user=given.id or given.caller_number or "anonymous",
            bind=given.bind,
            port=given.port,
            password=password,
            codecs=tuple(given.codecs.split(",")),
            trust=ServerTrust.of(given.fingerprint, None) if given.fingerprint else None,
        )
        with SipEndpoint(options) as endpoint:
            phone = Phone(endpoint, server, given.record)
            emit("ready", port=endpoint.local_port)
            if given.id and server:
                phone.keep_registered(server)
            commands = _Commands()
            while not stopping and not commands.closed:
                phone.step()
                for command in commands.take():
                    try:
                        phone.obey(command)
                    except HaiChieuError as problem:
                        emit("refused", do=command.get("do"), reason=str(problem), tag=command.get("tag"))
            phone.close()
    except (HaiChieuError, OSError) as problem:
        print(problem, file=sys.stderr)
        return problem.exit_status if isinstance(problem, HaiChieuError) else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m haichieu.demo.softphone", description=__doc__)
    parser.add_argument("--server", help="HOST:PORT to register with or to send calls to")
    parser.add_argument("--id", help="account to register; without it the phone acts as a trunk")
    parser.add_argument("--password", default="", help="'-' takes the first line of standard input")
    parser.add_argument("--caller-number", help="From user of a phone without an account")
    parser.add_argument("--bind", default="127.0.0.1", help="local address")
    parser.add_argument("--port", type=int, default=0, help="local SIP port, 0 for any")
    parser.add_argument("--codecs", default=",".join(G711), help=f"best first, of: {', '.join(CODECS)}")
    parser.add_argument("--fingerprint", default="", help="use TLS and SRTP, with a server of this certificate")
    parser.add_argument("--record", type=Path, help="WAV file that gets everything heard")
    return parser


def _first_line() -> str:
    line = b""
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return line.decode()
