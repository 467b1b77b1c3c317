"""Sockets and clock of the fan-out process: one thread that waits for sound, SIP, reports and commands."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from broadcast_bridge.fan_out import capture
from broadcast_bridge.fan_out.control import ControlServer, socket_path
from broadcast_bridge.fan_out.session_description import Address
from broadcast_bridge.fan_out.sip_endpoint import SipEndpoint
from broadcast_bridge.fan_out.speaker_seats import Engine
from broadcast_bridge.fan_out.streams import LOOPBACK, Stream, sending_sockets

log = structlog.get_logger()

TICK_SECONDS = 0.1
IDLE_SECONDS = 0.3
STOPPED_SECONDS = 0.7
"""After a pause as long as this, Asterisk has taken over the speakers."""
LISTEN_EVERY, LISTEN_TICKS = 20, 1
"""Ticks: for a tenth of a second in every two, the sound of speakers is looked at as a sign of life."""
MOST_AT_ONCE = 512


@dataclass(frozen=True)
class Place:
    """Where the fan-out is, and where its Asterisk: SIP on loopback, sound on the address of the station."""

    home: Path
    sip_port: int
    host: str
    rtp_port: int
    announced_host: str
    asterisk_hosts: frozenset[str]
    asterisk_port: int
    password: bytes
    """Of the copies of SIP messages that Asterisk sends."""


class FanOutServer:
    """Runs until cancelled."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._control = ControlServer()
        self._awake_at = time.monotonic()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve; calls `ready` once everything is open. Raises OSError when a port is taken."""
        place, loop = self._place, asyncio.get_running_loop()
        rtp, rtcp = sending_sockets(place.host, place.rtp_port)
        sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with rtp, rtcp, sip:
            sip.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sip.bind((LOOPBACK, place.sip_port))
            sip.setblocking(False)
            self._rtp, self._rtcp, self._sip = rtp, rtcp, sip
            self._engine = Engine(
                rtp,
                rtcp,
                self._control.tell,
                lambda stream: loop.add_reader(stream.source, self._read_source, stream),
                self._stop_reading,
            )
            self._endpoint = SipEndpoint(
                self._engine, (place.announced_host, place.rtp_port), (LOOPBACK, place.sip_port), self._is_asterisk
            )
            self._control.serve(self._engine)
            path = socket_path(place.home)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            server = await asyncio.start_unix_server(self._control.connected, path, limit=1 << 24)
            loop.add_reader(sip, self._read_sip)
            loop.add_reader(rtcp, self._read_rtcp)
            try:
                async with server:
                    ready()
                    await asyncio.gather(self._control.beat(), self._tick())
            finally:
                for one in (sip, rtcp):
                    loop.remove_reader(one)
                with contextlib.suppress(OSError):
                    path.unlink()

    def _is_asterisk(self, address: Address) -> bool:
        return address[0] in self._place.asterisk_hosts and address[1] == self._place.asterisk_port

    def _wake(self) -> None:
        """Leave the speakers to Asterisk if this process was stopped for so long that Asterisk has taken them over."""
        at = time.monotonic()
        stopped, self._awake_at = at - self._awake_at, at
        if stopped > STOPPED_SECONDS and self._engine.is_sending:
            log.warning("fan_out.was_stopped", seconds=round(stopped, 2))
            self._engine.abandon()

    def _stop_reading(self, stream: Stream) -> None:
        asyncio.get_running_loop().remove_reader(stream.source)

    def _read_source(self, stream: Stream) -> None:
        self._wake()
        stream.receive()

    def _read_sip(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                data, sender = self._sip.recvfrom(65535)
            except BlockingIOError:
                return
            if data.startswith(capture.MAGIC):
                captured = capture.read(data, self._place.password)
                if captured is not None and self._engine.agreements.take(captured):
                    self._engine.answered(captured.call_id)
            elif (response := self._endpoint.answer(data, sender)) is not None:
                with contextlib.suppress(OSError):
                    self._sip.sendto(response, sender)

    def _read_rtcp(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                data, sender = self._rtcp.recvfrom(2048)
            except BlockingIOError:
                return
            self._engine.hear_rtcp(data, sender)

    def _read_rtp(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                _, sender = self._rtp.recvfrom(2048)
            except BlockingIOError:
                return
            self._engine.hear_rtp(sender)

    async def _tick(self) -> None:
        """Keep the time; the sound of speakers is read now and then only: most of it would be silence."""
        loop, ticks = asyncio.get_running_loop(), 0
        while True:
            self._wake()
            self._read_sip()  # what has come in time is not late because we are
            self._engine.tick(time.monotonic())
            ticks += 1
            if ticks % LISTEN_EVERY == 0:
                with contextlib.suppress(BlockingIOError):
                    for _ in range(20 * MOST_AT_ONCE):
                        self._rtp.recv(16)
                loop.add_reader(self._rtp, self._read_rtp)
            elif ticks % LISTEN_EVERY == LISTEN_TICKS:
                loop.remove_reader(self._rtp)
            await asyncio.sleep(TICK_SECONDS if self._engine.is_sending else IDLE_SECONDS)
