"""The sound of the attackers, which nothing else at a station resembles; as RTP, as keys, and searched for."""

import itertools
import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from haichieu.audio.sound import SILENCE_DBFS, Sound

HERTZ = 2350
"""In the middle of a bin of the frames below, and no frequency of a chime."""
RATE, FRAME = 8000, 160
TICK = FRAME / RATE
PCMA, EVENT = 8, 101
_KEYS = "0123456789*#"
_DIGIT_TICKS, _END_PACKETS = 5, 3
_SHARE = 0.3
"""Of the energy of a frame: half of it when the sound is as loud as the speech that it is mixed with."""

_LEAST = 3
"""A single frame of speech may resemble it."""


class RtpStream:
    """One stream of RTP packets (RFC 3550): the tone at full level, and keys (RFC 4733)."""

    def __init__(self, chance: random.Random) -> None:
        self._source = chance.getrandbits(32)
        self._sequence, self._stamp = chance.getrandbits(16), chance.getrandbits(31)

    def tone(self, kind: int = PCMA) -> bytes:
        """Return the next 20 ms of the tone."""
        self._stamp += FRAME
        return self._packet(kind, self._stamp, _TONE)

    def key(self, key: str) -> Iterator[bytes]:
        """Return the packets of one key, to be sent 20 ms apart."""
        begin = self._stamp = self._stamp + FRAME
        for tick in range(1, _DIGIT_TICKS + _END_PACKETS + 1):
            ended = tick > _DIGIT_TICKS
            length = min(tick, _DIGIT_TICKS) * FRAME
            payload = struct.pack("!BBH", _KEYS.index(key), (0x80 if ended else 0) | 10, length)
            yield self._packet(EVENT | (0x80 if tick == 1 else 0), begin, payload)
            self._stamp += FRAME

    def _packet(self, kind: int, stamp: int, payload: bytes) -> bytes:
        self._sequence += 1
        head = struct.pack("!BBHII", 0x80, kind, self._sequence & 0xFFFF, stamp & 0xFFFFFFFF, self._source)
        return head + payload


def hostile_seconds(sound: Sound) -> float:
    """Return for how long the tone of the attackers is in a recording, `_LEAST` frames or more at a time."""
    runs = [len(list(run)) for is_tone, run in itertools.groupby(map(_is_tone, _frames(sound))) if is_tone]
    return sum(run for run in runs if run >= _LEAST) * TICK


def open_udp_ports(pid: int) -> list[int]:
    """Return the UDP ports of a process: what someone who watches the network would know."""
    sockets = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            sockets.add(str((Path("/proc") / str(pid) / "fd" / number).readlink()))
        except OSError:
            continue
    ports = []
    for line in (Path("/proc") / str(pid) / "net" / "udp").read_text().splitlines()[1:]:
        fields = line.split()
        if f"socket:[{fields[9]}]" in sockets:
            ports.append(int(fields[1].rpartition(":")[2], 16))
    return sorted(ports)


def inject(sender: socket.socket, ports: list[int], streams: dict[int, RtpStream], chance: random.Random) -> int:
    """Send the next packet of the tone to each port of the station's address; return how many were sent."""
    for port in ports:
        stream = streams.setdefault(port, RtpStream(chance))
        try:
            sender.sendto(stream.tone(), ("127.0.0.1", port))
        except OSError:  # the buffer is full, or an earlier packet found nobody
            continue
    return len(ports)


def _is_tone(frame: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> bool:
    power = float(np.mean(np.square(frame)))
    if power <= 10 ** (SILENCE_DBFS / 10):
        return False
    spectrum = np.square(np.abs(np.fft.rfft(frame * np.hanning(len(frame)))))
    bin_ = round(HERTZ * len(frame) / RATE)
    return float(spectrum[bin_ - 1 : bin_ + 2].sum()) > _SHARE * float(spectrum.sum())


def _frames(sound: Sound) -> "Iterator[np.ndarray[tuple[int], np.dtype[np.float64]]]":
    samples = sound.samples.astype(np.float64)
    return (samples[begin : begin + FRAME] for begin in range(0, len(samples) - FRAME + 1, FRAME))


def _a_law(sample: float) -> int:
    """ITU-T G.711 A-law."""
    value = int(abs(sample) * 32767) >> 3
    exponent = max(0, value.bit_length() - 5)
    mantissa = (value >> max(1, exponent)) & 0x0F
    return (exponent << 4 | mantissa | (0x80 if sample >= 0 else 0)) ^ 0x55


_TONE = bytes(itertools.islice((_a_law(0.6 * np.sin(2 * np.pi * HERTZ * n / RATE)) for n in itertools.count()), FRAME))
