"""The fan-out: calls of Asterisk become listeners of streams, and go over to direct sound when a speaker has agreed.

Until a speaker has answered the re-INVITE, its sound goes to Asterisk, which passes it on; from then on to the speaker.
So the sound that is heard is always that of the fan-out, without a gap and without anything heard twice.
"""

import contextlib
import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from broadcast_bridge.fan_out.capture import Agreements
from broadcast_bridge.fan_out.rtcp import blocks, goodbye, is_rtcp
from broadcast_bridge.fan_out.rtp import PAYLOAD_TYPES
from broadcast_bridge.fan_out.session_description import Address, Description
from broadcast_bridge.fan_out.streams import Listener, Stream

AGREES_SECONDS = 0.8
"""A speaker that has not agreed by then is served by Asterisk alone. Until then it hears through Asterisk, too."""
REPORT_SECONDS = 5.0
"""Between two sender reports (RFC 3550 §6.2)."""

News = Callable[[str, str], None]
"""Takes a listener's key, and `direct`, `refused`, `late` or `ended`."""


@dataclass(eq=False)
class Seat:
    """A listener with its call: where Asterisk takes its sound, where the speaker does, and what the speaker says."""

    listener: Listener
    stream: Stream | None = None
    """What it hears, while a speaker sits here."""
    asterisk: Address | None = None
    speaker: Address | None = None
    """The address that Asterisk has named in a re-INVITE."""
    call_id: str = ""
    """The Call-ID of the speaker, once it is known."""
    wants_sound: bool = True
    result: str = ""
    """How the attempt at direct sound ended; empty until it has."""
    request: bytes | None = None
    """The re-INVITE to the speaker after which it ended."""
    deadline: float = math.inf
    reported_at: float = field(default_factory=time.monotonic)


class Engine:
    """All streams and seats. Every method is called from the one thread."""

    def __init__(
        self,
        rtp: socket.socket,
        rtcp: socket.socket,
        news: News,
        opened: Callable[[Stream], None] = lambda _: None,
        closing: Callable[[Stream], None] = lambda _: None,
    ) -> None:
        """`opened` and `closing` begin and end the reading of the source of a stream."""
        self.streams: dict[str, Stream] = {}
        self.seats: dict[str, Seat] = {}
        self.agreements = Agreements(rtp.getsockname()[1])
        self._rtp, self._rtcp = rtp, rtcp
        self._news = news
        self._opened, self._closing = opened, closing
        self._by_ssrc: dict[int, Seat] = {}
        self._by_address: dict[Address, Seat] = {}
        self._by_call_id: dict[str, Seat] = {}
        self._taken: set[Seat] = set()

    @property
    def is_sending(self) -> bool:
        """Whether a speaker has a seat."""
        return bool(self._taken)

    def open(self, name: str, codec: str) -> Stream:
        """Open a stream, or return the one that is open."""
        if name not in self.streams:
            self.streams[name] = Stream(codec, self._rtp)
            self._opened(self.streams[name])
        return self.streams[name]

    def close(self, name: str) -> None:
        """Close a stream; its listeners get nothing more."""
        if (stream := self.streams.pop(name, None)) is None:
            return
        for seat in [seat for seat in self.seats.values() if seat.stream is stream]:
            self._leave(seat)
        self._closing(stream)
        stream.close()

    def expect(self, key: str, codec: str) -> None:
        """Accept the call with this key, and make it a seat for a speaker with this codec."""
        if codec in PAYLOAD_TYPES and key not in self.seats:
            self.seats[key] = Seat(Listener(key, codec))

    def start(self, key: str, name: str) -> None:
        """Begin to send a stream through Asterisk: a speaker takes the seat."""
        seat, stream = self.seats.get(key), self.streams.get(name)
        if seat is None or stream is None or stream.codec != seat.listener.codec:
            return
        self._leave(seat)
        self._renew(seat)
        seat.stream, seat.result, seat.request = stream, "", None
        self._taken.add(seat)
        stream.listeners.append(seat.listener)
        seat.deadline = math.inf
        self._aim(seat)

    def watch(self, key: str, call_id: str) -> None:
        """Send directly once the speaker, whose call has this Call-ID, agrees."""
        seat = self.seats.get(key)
        if seat is not None and seat.stream is not None:
            seat.call_id, seat.deadline = call_id, time.monotonic() + AGREES_SECONDS
            self._by_call_id[call_id] = seat
            self._aim(seat)

    def stop(self, key: str) -> None:
        """Send nothing: the speaker has left the seat."""
        if (seat := self.seats.get(key)) is not None:
            self._leave(seat)

    def drop(self, key: str) -> None:
        """Forget a seat."""
        if (seat := self.seats.pop(key, None)) is not None:
            self._leave(seat)
            self._by_ssrc.pop(seat.listener.ssrc, None)

    def abandon(self) -> None:
        """Leave all speakers to Asterisk, and drop what has arrived meanwhile."""
        for key in list(self.seats):
            self.ended(key)
        for stream in self.streams.values():
            stream.discard()

    # The calls of Asterisk.

    def is_expected(self, key: str) -> bool:
        """Return whether there is to be a call with this key."""
        return key in self.seats and self.seats[key].asterisk is None

    def offered(self, key: str, description: Description) -> str | None:
        """Take the address of a call, also in a re-INVITE; return the codec, or None to refuse."""
        seat = self.seats.get(key)
        if seat is None or description.codec != seat.listener.codec:
            return None
        if seat.asterisk is None:
            seat.asterisk = description.address
        seat.speaker = None if description.address == seat.asterisk else description.address
        seat.wants_sound = description.wants_sound
        self._aim(seat)
        return seat.listener.codec

    def ended(self, key: str) -> None:
        """Take the end of a call."""
        self.drop(key)
        self._news(key, "ended")

    # What speakers say.

    def answered(self, call_id: str) -> None:
        """Take the news that the speaker of a call has answered a re-INVITE."""
        if (seat := self._by_call_id.get(call_id)) is not None:
            self._aim(seat)

    def hear_rtcp(self, data: bytes, sender: Address) -> None:
        """Take the reports of a speaker about its own stream."""
        if not is_rtcp(data):
            return
        if (seat := self._by_address.get((sender[0], sender[1] - 1))) is not None:
            seat.listener.signs += 1
        for block in blocks(data):
            seat = self._by_ssrc.get(block.ssrc)
            if seat is not None and seat.listener.direct and _host(seat.listener.destination) == sender[0]:
                seat.listener.take(block)
                if (sender[0], sender[1] - 1) not in self._by_address:
                    seat.listener.signs += 1

    def hear_rtp(self, sender: Address) -> None:
        """Take a packet of sound of a speaker as a sign of life."""
        if (seat := self._by_address.get(sender)) is not None:
            seat.listener.signs += 1

    def tick(self, at: float) -> None:
        """Send the sender reports that are due, and give up speakers that do not agree in time."""
        for seat in list(self._taken):
            if not seat.result and at >= seat.deadline:
                self._decide(seat, "late")
            elif seat.listener.direct and at - seat.reported_at >= REPORT_SECONDS:
                seat.reported_at = at
                self._report(seat)

    def _report(self, seat: Seat) -> None:
        destination = seat.listener.destination
        if destination is not None and seat.stream is not None:
            with contextlib.suppress(OSError):
                self._rtcp.sendto(seat.stream.report(seat.listener), (destination[0], destination[1] + 1))

    def _aim(self, seat: Seat) -> None:
        """Send to the speaker if it has agreed, else to Asterisk."""
        listener = seat.listener
        former = listener.destination if listener.direct else None
        if former is not None:
            self._by_address.pop(former, None)
        status = self.agreements.answer(seat.call_id) if seat.call_id else None
        agreed = status is not None and status < 300
        direct = agreed and seat.speaker is not None and seat.result in ("", "direct")
        if seat.stream is None or not seat.wants_sound:
            listener.aim(None, direct=False)
        elif direct and seat.speaker is not None:
            listener.aim(seat.speaker, direct=True)
            self._by_address[seat.speaker] = seat
        else:
            listener.aim(seat.asterisk, direct=False)
        if former is not None and not listener.direct:
            with contextlib.suppress(OSError):
                self._rtcp.sendto(goodbye(listener.ssrc), (former[0], former[1] + 1))
        if direct and not seat.result:
            self._decide(seat, "direct")
        elif status is not None and status >= 300 and not seat.result:
            self._decide(seat, "refused")

    def _decide(self, seat: Seat, how: str) -> None:
        seat.result, seat.listener.settled = how, True
        seat.request = self.agreements.request(seat.call_id)
        self._news(seat.listener.key, how)

    def _leave(self, seat: Seat) -> None:
        if seat.stream is not None:
            if self._by_call_id.get(seat.call_id) is seat:  # else its speaker has another seat already
                if seat.request in (None, self.agreements.request(seat.call_id)):  # else it was asked for the next one
                    self.agreements.forget(seat.call_id)
                del self._by_call_id[seat.call_id]
            self._taken.discard(seat)
            seat.stream.listeners.remove(seat.listener)
        seat.stream, seat.call_id = None, ""
        self._aim(seat)

    def _renew(self, seat: Seat) -> None:
        """Give the next speaker of a seat a stream of its own, with figures of its own."""
        old = seat.listener
        self._by_ssrc.pop(old.ssrc, None)
        seat.listener = Listener(old.key, old.codec)
        while seat.listener.ssrc in self._by_ssrc:
            seat.listener = Listener(old.key, old.codec)
        self._by_ssrc[seat.listener.ssrc] = seat


def _host(address: Address | None) -> str:
    return address[0] if address else ""
