"""The calls that a station may have at the same time.

Each call has an RTP and an RTCP port. An Asterisk that finds none free crashes instead of refusing the call
(https://github.com/asterisk/asterisk/issues/1757), and one without a free file plays nothing, so it is never asked for
one too many.
"""

from haichieu.ari.errors import NotAnswered

SPARE = 64
"""Port pairs for calls that Asterisk has not counted yet, or not given up yet: it handles 50 requests at once."""

FILES_OF_A_CALL = 8
"""Asterisk has five open for a caller who hears a prompt; a recording and a bridge add to them."""

WITH_RTP = "PJSIP/"

ANY_NUMBER = 1_000_000
"""For a client whose Asterisk is not limited."""


class Lines:
    """Lines for outgoing calls."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._used: set[str] = set()

    @property
    def free(self) -> int:
        """How many lines nobody has."""
        return self._most - len(self._used)

    def take(self, channel_id: str, endpoint: str) -> None:
        """Take a line for a channel, if its endpoint needs one. Raises NotAnswered with cause 34 when none is free."""
        if not endpoint.startswith(WITH_RTP):
            return
        if len(self._used) >= self._most:
            raise NotAnswered(NotAnswered.NO_LINE, "no line is free")
        self._used.add(channel_id)

    def give_back(self, channel_id: str) -> None:
        """Give back the line of a channel, if it has one."""
        self._used.discard(channel_id)


def shared_out(pairs: int, files: int) -> tuple[int, int]:
    """Return how many incoming and how many outgoing calls `pairs` of ports and so many open files are for."""
    usable = max(min(pairs, files // FILES_OF_A_CALL) - SPARE, 2)
    incoming = max(usable // 3, 1)
    return incoming, usable - incoming
