"""Audio queues of a call in frames of 20 ms, for `haichieu.sip.endpoint`."""

from collections import deque
from dataclasses import dataclass

FRAMES_A_SECOND = 50


@dataclass
class Playing:
    """One sound being played: epoch seconds of its first and last frame."""

    frames: deque[bytes]
    started: float | None = None
    ended: float | None = None

    @classmethod
    def of(cls, pcm: bytes, rate: int) -> "Playing":
        """Cut 16-bit PCM into frames, the last filled up with silence; there is at least one."""
        size = 2 * rate // FRAMES_A_SECOND
        return cls(deque(pcm[at : at + size].ljust(size, b"\0") for at in range(0, max(len(pcm), 1), size)))


@dataclass(frozen=True)
class HeardFrame:
    """20 ms of sound that arrived: 16-bit PCM at the endpoint's rate, and when (epoch seconds)."""

    at: float
    pcm: bytes
