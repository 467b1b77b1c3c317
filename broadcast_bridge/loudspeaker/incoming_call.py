"""Rules for the calls of a loudspeaker: which are accepted, which of two wins, and the figures of a call."""

import hmac
import re
import time
from dataclasses import dataclass, field

import numpy as np

from haichieu.audio.sound import SILENCE_DBFS, dbfs
from haichieu.sip.address import SocketAddress
from haichieu.sip.endpoint_events import Invite
from haichieu.sip.frames import FRAMES_A_SECOND, HeardFrame

STALE_SECONDS = 2.0
"""A call without packets for this long gives way to a newer one: its server has died or lost it."""

DEAD_SECONDS = 60.0
"""A call without packets for this long is hung up."""

_TOKEN = re.compile(r";token=([^;>\s]+)")


def comes_from(invite: Invite, server: SocketAddress, token: str) -> bool:
    """Return whether a call was sent by our station in answer to our registration.

    Its packet must come from the station's address and port (the socket accepts no other), and its request URI must
    contain the token of our REGISTER: the address of a UDP packet can be forged, the token cannot be guessed.
    """
    found = _TOKEN.search(invite.request_uri)
    return invite.source == server and found is not None and hmac.compare_digest(found.group(1), token)


def is_emergency(invite: Invite) -> bool:
    """Return whether a call asks to replace any other (RFC 3261 §20.26)."""
    return invite.headers.get("priority", "").strip().lower() == "emergency"


@dataclass
class SpeakerCall:
    """The current call: time since the last packet, and amount and level of its sound."""

    number: int
    caller: str
    packets: int = 0
    last_packet: float = field(default_factory=time.monotonic)
    frames: int = 0
    active_frames: int = 0
    _power: float = 0.0

    def received(self, packets: int) -> None:
        """Store the number of packets received so far."""
        if packets != self.packets:
            self.packets, self.last_packet = packets, time.monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since the last packet, to the second; pauses in speech are packets too."""
        return time.monotonic() - self.last_packet

    def hear(self, frame: HeardFrame) -> bool:
        """Count a frame, and return whether it is the first that is not silence."""
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
