"""Control of a phone from a script: `async with SoftPhone(…) as phone: await phone.call("1900")`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from haichieu.demo.event_process import Event, EventProcess, EventProcessError
from haichieu.locale import Message
from haichieu.sip.endpoint_options import DIGIT_SECONDS, G711


class CallNotAnswered(EventProcessError):
    """A call ended before it was answered; `code` is the SIP status."""

    def __init__(self, to: str, code: int, reason: str) -> None:
        super().__init__("demo.not_answered", to=to, code=code, reason=reason)
        self.code = code


class CommandRefused(EventProcessError):
    """The phone could not execute a command: the file is missing, there is no call …"""


@dataclass(frozen=True)
class Played:
    """Epoch seconds of the first and last frame of a played file."""

    started: float
    ended: float


KEY_GAP_SECONDS = 0.06
"""No finger is faster, and Asterisk holds back a key that follows another within 45 ms."""


class SoftPhone(EventProcess):
    """One phone in its own process.

    With `id` and `password` it is a phone of the station and registers. Without, it is the far end of a trunk: it
    calls as `caller_number` from `port`, and accepts every call to that port. With the `fingerprint` of the server's
    certificate it uses TLS and SRTP.
    """

    def __init__(
        self,
        *,
        server: str | None = None,
        id: str | None = None,
        password: str = "",
        caller_number: str | None = None,
        bind: str = "127.0.0.1",
        port: int = 0,
        record: Path | None = None,
        codecs: Sequence[str] = G711,
        fingerprint: str = "",
    ) -> None:
        given = {
            "--server": server,
            "--id": id,
            "--caller-number": caller_number,
            "--record": str(record) if record else None,
            "--fingerprint": fingerprint,
        }
        arguments = [part for name, value in given.items() if value for part in (name, value)]
        arguments += ["--password", "-", "--bind", bind, "--port", str(port), "--codecs", ",".join(codecs)]
        super().__init__("haichieu.demo.softphone", arguments, secret=password)
        self._tag = 0

    async def ready(self, timeout: float = 10.0) -> int:
        """Wait until it listens; returns its SIP port."""
        return int((await self.take("ready", timeout=timeout))["port"])

    async def registered(self, timeout: float = 10.0) -> Event:
        """Wait until it is registered."""
        return await self.take("registered", timeout=timeout)

    async def dial(self, to: str, headers: Mapping[str, str] | None = None) -> None:
        """Start a call to a number at the server, or to a sip: address, without waiting."""
        self.forget("answered", "ended", "ringing", "refused")
        await self.send({"do": "call", "to": to, "headers": dict(headers or {})})

    async def ringing(self, timeout: float = 10.0) -> Event:
        """Wait until the other side rings."""
        return await self._unless_refused("ringing", timeout)

    async def call(self, to: str, timeout: float = 15.0, headers: Mapping[str, str] | None = None) -> Event:
        """Call and wait for the answer. Raises CallNotAnswered with the SIP status."""
        await self.dial(to, headers)
        event = await self.take("answered", "ended", "refused", timeout=timeout)
        if event["event"] == "answered":
            return event
        raise CallNotAnswered(to, event.get("code", 0), event["reason"])

    async def incoming(self, timeout: float = 15.0) -> Event:
        """Wait for a call; the event tells `caller`, `dialled` and `source`. It rings until answered."""
        event = await self.take("incoming", timeout=timeout)
        self.forget("answered", "ended", "ringing", "refused", before=event)
        return event

    async def answer(self, timeout: float = 5.0) -> Event:
        """Answer the call that rings."""
        await self.send({"do": "answer"})
        return await self._unless_refused("answered", timeout)

    async def digits(self, digits: str, gap: float = KEY_GAP_SECONDS) -> Event:
        """Press keys, `gap` seconds after each, and return then. Without a gap they leave as one burst."""
        await self.send({"do": "digits", "digits": digits, "gap": gap})
        return await self._unless_refused("digits_sent", len(digits) * (DIGIT_SECONDS + gap) + 5)

    async def begin_playing(self, file: Path) -> float:
        """Play a WAV file, and return when its first frame has left: the epoch seconds of that."""
        tag = await self._send_play(file)
        return float((await self._unless_refused("playing", 30.0, tag))["started"])

    async def play(self, file: Path, timeout: float = 600.0) -> Played:
        """Play a WAV file to its end."""
        tag = await self._send_play(file)
        event = await self._unless_refused("played", timeout, tag)
        return Played(event["started"], event["ended"])

    async def record(self, file: Path) -> None:
        """Record to another file from now on."""
        await self.send({"do": "record", "file": str(file)})

    async def hang_up(self) -> None:
        """End the call; `ended` tells when it is over."""
        await self.send({"do": "hangup"})

    async def ended(self, timeout: float = 10.0) -> Event:
        """Wait until the call is over, by whichever side; the event tells `code`, `reason` and `seconds`."""
        return await self.take("ended", timeout=timeout)

    async def text(self, to: str, text: str, timeout: float = 10.0) -> int:
        """Send a text message; returns the SIP status that it was answered with."""
        await self.send({"do": "text", "to": to, "text": text})
        return int((await self._unless_refused("text_answered", timeout))["code"])

    async def text_received(self, timeout: float = 15.0) -> Event:
        """Wait for a text message; the event tells `sender`, `to` and `text`."""
        return await self.take("text_received", timeout=timeout)

    async def _send_play(self, file: Path) -> int:
        self._tag += 1
        await self.send({"do": "play", "file": str(file), "tag": self._tag})
        return self._tag

    async def _unless_refused(self, name: str, timeout: float, tag: int | None = None) -> Event:
        event = await self.take(name, "refused", timeout=timeout, tag=tag)
        if event["event"] == "refused":
            raise CommandRefused(Message.verbatim(f"{event['do']}: {event['reason']}"))
        return event
