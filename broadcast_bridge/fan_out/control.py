"""Control connection of the fan-out: one JSON object per line, over a Unix socket in the station's home.

The switchboard opens streams, announces calls and says which speaker sits where. The fan-out says how each attempt at
direct sound ended, shows several times a second that it works, and reports the figures of all speakers on request.
What a connection has opened ends when the next one begins: without a switchboard the speakers still have sound.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from broadcast_bridge.fan_out.speaker_seats import Engine
from broadcast_bridge.fan_out.streams import Listener

SOCKET = "run/fan-out.sock"
"""In the home."""
BEAT_SECONDS, IDLE_SECONDS = 0.2, 0.3
"""Between two signs of life, and between two while it has no seat."""
MOST_UNREAD = 4 << 20
"""Bytes that a switchboard may leave unread; one that hangs is given up."""


def socket_path(home: Path) -> Path:
    """Return the path of the control socket."""
    return home / SOCKET


class ControlServer:
    """Carries out what the switchboard wants. One switchboard at a time: a new one replaces the last."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None
        self._engine: Engine | None = None

    def serve(self, engine: Engine) -> None:
        """Use an engine, whose news go to `tell`."""
        self._engine = engine

    def tell(self, key: str, what: str) -> None:
        """Send news of one listener."""
        self._send({"is": what, "key": key})

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        engine = self._engine
        assert engine is not None  # noqa: S101
        if self._writer is not None:
            self._writer.close()
        self._writer = writer
        self._clear(engine)
        try:
            while line := await reader.readline():
                for command in json.loads(line):
                    self._do(engine, command)
        except (ConnectionError, ValueError):
            return
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()

    async def beat(self) -> None:
        """Show that the fan-out works, until cancelled."""
        while True:
            self._send({"is": "alive"})
            await asyncio.sleep(BEAT_SECONDS if self._engine and self._engine.seats else IDLE_SECONDS)

    def _do(self, engine: Engine, command: Mapping[str, Any]) -> None:
        match command:
            case {"do": "open", "stream": str(name), "codec": str(codec)}:
                self._send({"is": "opened", "key": name, "port": engine.open(name, codec).port})
            case {"do": "close", "stream": str(name)}:
                engine.close(name)
            case {"do": "expect", "key": str(key), "codec": str(codec)}:
                engine.expect(key, codec)
            case {"do": "start", "key": str(key), "stream": str(name)}:
                engine.start(key, name)
            case {"do": "watch", "key": str(key), "call_id": str(call_id)}:
                engine.watch(key, call_id)
            case {"do": "stop", "key": str(key)}:
                engine.stop(key)
            case {"do": "drop", "key": str(key)}:
                engine.drop(key)
            case {"do": "report"}:
                figures = {key: _figures(seat.listener) for key, seat in engine.seats.items() if seat.stream}
                self._send({"is": "report", "figures": figures})

    def _clear(self, engine: Engine) -> None:
        for key in list(engine.seats):
            engine.drop(key)
        for name in list(engine.streams):
            engine.close(name)

    def _send(self, news: Mapping[str, Any]) -> None:
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > MOST_UNREAD:
            writer.transport.abort()
            return
        writer.write(json.dumps(news, separators=(",", ":")).encode() + b"\n")


def _figures(listener: Listener) -> list[int | float | None]:
    return [listener.sent, listener.relayed, listener.signs, listener.lost, listener.jitter_ms]
