"""Level meter: a listener on a broadcast's bridge that measures chime, siren, voice and sound alike.

To Asterisk it is one more speaker, a stream of G.711 to a port of ours (RFC 3551 §4.5.14). A broadcast does not depend
on its meter: failures here are only logged.
"""

import asyncio
import uuid
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from haichieu.ari.bridge import Bridge
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import HungUp
from haichieu.audio.sound import LOWEST_DBFS, dbfs, rms
from haichieu.background import in_background

LOOPBACK = "127.0.0.1"
MEASURE_SECONDS = 0.5
ANSWER_SECONDS = 3
RTP_HEADER_BYTES = 12
CHANNEL = "level-"
"""Prefix of the ids of its channels."""

Tell = Callable[[float], None]
"""Callback for the level (dBFS); runs in a thread."""


async def measure_level(client: AriClient, bridge: Bridge, tell: Tell) -> None:
    """Measure the sound of a bridge until cancelled or disconnected."""
    stream, heard = await asyncio.get_running_loop().create_datagram_endpoint(_Stream, local_addr=(LOOPBACK, 0))
    try:
        port = stream.get_extra_info("sockname")[1]
        async with Call(client, f"{CHANNEL}{uuid.uuid4().hex}", None, "") as call:
            async with asyncio.timeout(ANSWER_SECONDS):
                await call.place(f"UnicastRTP/{LOOPBACK}:{port}/c(ulaw)", role="level", timeout=ANSWER_SECONDS)
                await call.answered()
            await bridge.add([call.id])
            async with in_background(heard.report_until_cancelled(tell)):
                await call.until_hung_up()
    except HungUp:
        return  # Asterisk ended it: the broadcast is over
    finally:
        stream.close()


def level_of(payload: bytes) -> float:
    """Return the RMS of G.711 µ-law audio in dBFS, the lowest value when there is none."""
    return dbfs(rms(_MU_LAW[np.frombuffer(payload, np.uint8)])) if payload else LOWEST_DBFS


def _mu_law() -> npt.NDArray[np.float32]:
    """Return the amplitude of every µ-law code (ITU-T G.711, table 2)."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa.astype(np.int32) << 3) + 0x84) << exponent) - 0x84
    return (np.where(code & 0x80, -magnitude, magnitude) / 32768).astype(np.float32)


_MU_LAW = _mu_law()


class _Stream(asyncio.DatagramProtocol):
    """Stores the payload of packets until it is read."""

    def __init__(self) -> None:
        self._payloads: list[bytes] = []

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        """Take one packet (RFC 3550 §5.1: no contributing sources, no extension from a bridge of Asterisk's)."""
        self._payloads.append(data[RTP_HEADER_BYTES:])

    async def report_until_cancelled(self, tell: Tell) -> None:
        """Report the level since the last report, repeatedly, until cancelled."""
        while True:
            await asyncio.sleep(MEASURE_SECONDS)
            payloads, self._payloads = self._payloads, []
            await asyncio.to_thread(tell, level_of(b"".join(payloads)))
