"""Errors between the switchboard and Asterisk.

AriError
├── AsteriskUnavailable   no answer: it is down, starting, or the address is wrong
│   └── NotConnected      no connection: it has not received the request
├── NotStarted            a channel of our own did not come up in time
├── NotPlayed             a sound file is missing, or in a format that Asterisk does not read
└── AriRefused            Asterisk answered with an error status
    ├── NoSuchThing       404: the channel, bridge or recording is gone
    │   └── NoMedia       the call is there, but sends and receives nothing
    └── WrongMoment       409 / 412: it exists, but not in a state for this
CallEnded
├── HungUp                the other side is gone; ends the handler of a call at its current await
└── NotAnswered           an outgoing call was not answered, with the cause
"""

from haichieu.errors import HaiChieuError


class AriError(HaiChieuError):
    """An ARI operation failed."""


class AsteriskUnavailable(AriError):
    """Asterisk cannot be reached."""


class NotConnected(AsteriskUnavailable):
    """No connection to Asterisk was made, so it has certainly not performed the request."""


class NotStarted(AriError):
    """A channel that Asterisk was to make for us did not come up in time."""


class NotPlayed(AriError):
    """A sound could not be played."""


class AriRefused(AriError):
    """Asterisk answered with an error."""

    def __init__(self, status: int, operation: str, message: str) -> None:
        super().__init__("ari.refused", operation=operation, status=status, text=message)
        self.status = status


class NoSuchThing(AriRefused):
    """The object does not exist (any more)."""


class NoMedia(NoSuchThing):
    """Asterisk has no RTP for a call that is there.

    It makes such a call when the RTCP port beside the chosen RTP port is taken by another program.
    """


class WrongMoment(AriRefused):
    """The object is not in a state in which this can be done."""


class CallEnded(HaiChieuError):
    """A call is over, or never came to be."""


class HungUp(CallEnded):
    """The other side of the call is gone."""


class Lost(HungUp):
    """The call vanished together with its Asterisk."""


class NotAnswered(CallEnded):
    """An outgoing call was not answered. `cause` is the Q.850 cause code."""

    BUSY = 17
    SILENT = 18
    """No response at all: SIP 408, or no sign of the other side."""
    NO_ANSWER = 19
    UNREACHABLE = 20
    REJECTED = 21
    REDIRECTED = 23
    """The other side answered 302; redirections are not followed."""
    NO_LINE = 34
    """All lines are in use: the station's own (see `outgoing_lines`), or the carrier's."""
    NO_CODEC = 58

    def __init__(self, cause: int, text: str, sip_status: int = 0) -> None:
        """`sip_status` is the final status of the other side, 0 when it sent none."""
        super().__init__("ari.not_answered", text=text, cause=cause)
        self.cause = cause
        self.sip_status = sip_status
        self.text = text
