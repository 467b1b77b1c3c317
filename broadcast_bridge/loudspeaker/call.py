"""What a loudspeaker decides about calls: whose it takes, which of two wins, what it tells of one afterwards."""

import hmac
import re
import time
from dataclasses import dataclass, field

import numpy as np

from haichieu.audio.sound import SILENCE_DBFS, dbfs
from haichieu.sip.address import SocketAddress
from haichieu.sip.events import Invite
from haichieu.sip.frames import FRAMES_A_SECOND, HeardFrame

STALE_SECONDS = 2.0
"""A call without a packet for this long gives way to a newer one: its server has died or forgotten it."""

DEAD_SECONDS = 60.0
"""A call without a packet for this long is hung up."""

_TOKEN = re.compile(r";token=([^;>\s]+)")


def comes_from(invite: Invite, server: SocketAddress, token: str) -> bool:
    """Whether a call was sent by our station in answer to our registration.

    Its packet must bear the station's address and port (the socket takes no other), and its request URI the token
    that only our REGISTER told: the address of a UDP packet can be forged, the token cannot be guessed.
    """
    found = _TOKEN.search(invite.request_uri)
    return invite.source == server and found is not None and hmac.compare_digest(found.group(1), token)


def is_emergency(invite: Invite) -> bool:
    """Whether a call asks to be taken over any other (RFC 3261 §20.26)."""
    return invite.headers.get("priority", "").strip().lower() == "emergency"


@dataclass
class SpeakerCall:
    """The present call: how long packets have been missing, and how much sound at what level it brought."""

    number: int
    caller: str
    packets: int = 0
    last_packet: float = field(default_factory=time.monotonic)
    frames: int = 0
    active_frames: int = 0
    _power: float = 0.0

    def received(self, packets: int) -> None:
        """Note the number of packets that have come so far."""
        if packets != self.packets:
            self.packets, self.last_packet = packets, time.monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since packets stopped coming, to the second; pauses in speech are packets too."""
        return time.monotonic() - self.last_packet

    def hear(self, frame: HeardFrame) -> bool:
        """Count a frame; True when it is the first that is not silence."""
        samples = np.frombuffer(frame.pcm, "<i2").astype(np.float64) / 32768
        power = float(np.mean(np.square(samples))) if len(samples) else 0.0
        self.frames += 1
        if power <= 10 ** (SILENCE_DBFS / 10):
            return False
        self.active_frames += 1
        self._power += power
        return self.active_frames == 1

    @property
    def sound_seconds(self) -> float:
        """Seconds that were not silence."""
        return self.active_frames / FRAMES_A_SECOND

    @property
    def level_db(self) -> float:
        """RMS of what was not silence, in dBFS."""
        return dbfs((self._power / self.active_frames) ** 0.5) if self.active_frames else dbfs(0.0)
