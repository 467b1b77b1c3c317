"""Signs that a loudspeaker in a call is still there: its sound, its reports, and its answers to OPTIONS.

A speaker that sends RTP or RTCP is judged by that, and an OPTIONS request it loses does not count. One that sends
neither is judged by OPTIONS alone. Where the signs contradict each other or end, the speaker is asked within the call
(a re-INVITE, RFC 3261 §14): Asterisk ends the call of one that does not answer or no longer knows it.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from haichieu.sip.registered_device import OPTIONS_SECONDS

SILENT_SECONDS = 12.0
"""Two reports are missing: RTCP comes about every five seconds (RFC 3550 §6.2)."""

ANSWER_SECONDS = 75.0
"""An unanswered request has ended the call by then: re-INVITE and BYE take 32 s each (timers B and F, RFC 3261 §17)."""

ASK_AGAIN_SECONDS = 120.0

_REPORTED = ("rtt", "stdevrtt", "rxjitter", "remote_normdevjitter", "remote_stdevjitter", "txploss")
_NEGATIVE = 1 << 23
"""The cumulative number of packets lost has 24 bits with a sign (RFC 3550 §6.4.1); duplicates make it negative."""


@dataclass(frozen=True)
class ReceiverReport:
    """The last report of a speaker: packets lost, and jitter in milliseconds."""

    lost: int
    jitter_ms: float

    def since(self, earlier: "ReceiverReport | None") -> "ReceiverReport":
        """Return what was lost after an earlier report of the same call."""
        return ReceiverReport(max(self.lost - earlier.lost, 0), self.jitter_ms) if earlier else self


def receiver_report(figures: Mapping[str, float]) -> ReceiverReport | None:
    """Return what a speaker has reported (RFC 3550 §6.4.2); None when it never did.

    Asterisk's figures of one that never reported are zeros; a score above zero shows that a report has arrived. The
    jitter that the other side reports has the name `rxjitter`.
    """
    if not figures.get("remote_maxmes"):
        return None
    lost = int(figures.get("txploss", 0))
    return ReceiverReport(lost if lost < _NEGATIVE else 0, round(float(figures.get("rxjitter", 0.0)) * 1000, 3))


class Verdict(Enum):
    """What the signs say about a speaker."""

    THERE = auto()
    ASK = auto()
    """It must be asked within the call."""
    GONE = auto()


class SignsOfLife:
    """The signs of one speaker in one call that began at `at`. OPTIONS goes out every `qualify_seconds`; 0 is never."""

    def __init__(self, at: datetime.datetime, qualify_seconds: float) -> None:
        self._qualify_seconds = qualify_seconds
        self._answered = self._last = at
        self._sends = False
        """It has sent RTP or RTCP since it was last asked."""
        self._seen: tuple[float, ...] | None = None
        self._lost_at: datetime.datetime | None = None
        self._asked_at: datetime.datetime | None = None

    def media(self, figures: Mapping[str, float], at: datetime.datetime) -> bool:
        """Take Asterisk's statistics of the call: what came in since the last ones is a sign; return if any did."""
        seen = (figures.get("rxcount", 0), *(figures.get(name, 0) for name in _REPORTED))
        if is_news := seen != (self._seen or (0,) * len(seen)):
            self._sends, self._last, self._asked_at = True, at, None
        self._seen = seen
        return is_news

    def lost(self, at: datetime.datetime) -> None:
        """Take the news that two OPTIONS requests in a row were not answered."""
        if self._lost_at is None:
            self._lost_at = at
            if not self._sends:
                answered = at - datetime.timedelta(seconds=2 * (self._qualify_seconds + OPTIONS_SECONDS))
                self._last = max(self._last, answered)

    def returned(self) -> None:
        """Take the news that OPTIONS is answered again."""
        self._lost_at = None

    def asked(self, at: datetime.datetime) -> None:
        """Note that the speaker is asked within the call."""
        self._asked_at = at

    def verdict(self, at: datetime.datetime) -> Verdict:
        """Return what to do about the speaker now."""
        if self._asked_at is not None and self._since(self._asked_at, at) > ANSWER_SECONDS:
            self._last, self._sends = max(self._last, self._asked_at), False
            if self._since(self._asked_at, at) > ASK_AGAIN_SECONDS:
                self._asked_at = None
        if not self._in_doubt(at):
            return Verdict.THERE
        if self._sends and self._lost_at is not None:
            return Verdict.GONE
        return Verdict.ASK if self._asked_at is None else Verdict.THERE

    def last(self, at: datetime.datetime) -> datetime.datetime:
        """Return until when the speaker was certainly there: `at`, or its last sign of life."""
        return self._last if self._in_doubt(at) else at

    def _in_doubt(self, at: datetime.datetime) -> bool:
        if self._asked_at is not None and self._last >= self._asked_at:
            return False  # it has answered, and is asked again in a while
        if self._sends:
            return self._since(self._last, at) > SILENT_SECONDS
        return self._lost_at is not None

    @staticmethod
    def _since(begin: datetime.datetime, at: datetime.datetime) -> float:
        return (at - begin).total_seconds()
