"""States and events of cases and of the deliveries of answers. The database's constraints are made from them."""

from enum import StrEnum

from haichieu.state_machine import StateMachine


class Channel(StrEnum):
    """The medium of a case or message: call, text, a visit to the office, or the panel."""

    CALL = "call"
    TEXT = "text"
    VISIT = "visit"
    PANEL = "panel"


class Direction(StrEnum):
    """The direction of a message: from the citizen (in), from the office (out), or an internal note."""

    IN = "in"
    OUT = "out"
    NOTE = "note"


class CaseStatus(StrEnum):
    """States of a case."""

    NEW = "new"
    TRANSCRIBED = "transcribed"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    CLOSED = "closed"
    REOPENED = "reopened"


class CaseEvent(StrEnum):
    """Events of a case."""

    TRANSCRIBE = "transcribe"
    ASSIGN = "assign"
    ANSWER = "answer"
    CLOSE = "close"
    REOPEN = "reopen"


_S, _E = CaseStatus, CaseEvent
CASE = StateMachine(
    "case",
    _S.NEW,
    {
        (_S.NEW, _E.TRANSCRIBE): _S.TRANSCRIBED,
        (_S.NEW, _E.ASSIGN): _S.ASSIGNED,
        (_S.NEW, _E.ANSWER): _S.ANSWERED,
        (_S.NEW, _E.CLOSE): _S.CLOSED,
        (_S.TRANSCRIBED, _E.ASSIGN): _S.ASSIGNED,
        (_S.TRANSCRIBED, _E.ANSWER): _S.ANSWERED,
        (_S.TRANSCRIBED, _E.CLOSE): _S.CLOSED,
        (_S.ASSIGNED, _E.ASSIGN): _S.ASSIGNED,
        (_S.ASSIGNED, _E.ANSWER): _S.ANSWERED,
        (_S.ASSIGNED, _E.CLOSE): _S.CLOSED,
        # Another answer may follow the first.
        (_S.ANSWERED, _E.ANSWER): _S.ANSWERED,
        (_S.ANSWERED, _E.CLOSE): _S.CLOSED,
        (_S.ANSWERED, _E.REOPEN): _S.REOPENED,
        (_S.CLOSED, _E.REOPEN): _S.REOPENED,
        (_S.REOPENED, _E.ASSIGN): _S.ASSIGNED,
        (_S.REOPENED, _E.ANSWER): _S.ANSWERED,
        (_S.REOPENED, _E.CLOSE): _S.CLOSED,
    },
)


class Way(StrEnum):
    """Delivery methods of an answer."""

    TEXT = "text"
    CALL = "call"
    AIR = "air"


class ReplyState(StrEnum):
    """States of a delivery."""

    WAITING = "waiting"
    UNDER_WAY = "under_way"
    SENT = "sent"
    """Accepted by the provider of texts."""
    DELIVERED = "delivered"
    """Confirmed by the provider."""
    HEARD = "heard"
    """Played to the citizen to its end, or confirmed by key."""
    FILED = "filed"
    """Made into a programme, which is approved and broadcast separately."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class ReplyEvent(StrEnum):
    """Events of a delivery."""

    BEGIN = "begin"
    PUT_OFF = "put_off"
    SEND = "send"
    DELIVER = "deliver"
    HEAR = "hear"
    FILE = "file"
    FAIL = "fail"
    CANCEL = "cancel"
    RETRY = "retry"


_R, _V = ReplyState, ReplyEvent
REPLY = StateMachine(
    "reply",
    _R.WAITING,
    {
        (_R.WAITING, _V.BEGIN): _R.UNDER_WAY,
        (_R.WAITING, _V.CANCEL): _R.CANCELLED,
        (_R.WAITING, _V.FAIL): _R.FAILED,
        (_R.UNDER_WAY, _V.BEGIN): _R.UNDER_WAY,  # by another worker, after the first one died
        (_R.UNDER_WAY, _V.PUT_OFF): _R.WAITING,
        (_R.UNDER_WAY, _V.SEND): _R.SENT,
        (_R.UNDER_WAY, _V.HEAR): _R.HEARD,
        (_R.UNDER_WAY, _V.FILE): _R.FILED,
        (_R.UNDER_WAY, _V.FAIL): _R.FAILED,
        (_R.SENT, _V.DELIVER): _R.DELIVERED,
        (_R.SENT, _V.FAIL): _R.FAILED,
        (_R.FAILED, _V.DELIVER): _R.DELIVERED,  # a provider may take back what it said
        (_R.FAILED, _V.RETRY): _R.WAITING,  # by a person
    },
)


class Purpose(StrEnum):
    """What a citizen consents to; each is asked, recorded and withdrawn by itself (Law 91/2025, art. 9)."""

    ANSWER_ON_AIR = "answer"
    """The answer of the office is broadcast."""
    VOICE_ON_AIR = "voice"
    """The citizen's recorded message is broadcast before the answer."""


class ConsentForm(StrEnum):
    """How a consent was given."""

    CALL = "call"
    """Said on the hotline, and recorded."""
    TEXT = "text"
    ORAL = "oral"
    """Said to an official, and not recorded."""
    PAPER = "paper"
    """Signed on paper, which the office keeps."""


BY_HAND = (ConsentForm.ORAL, ConsentForm.PAPER)
"""The forms that an official enters; the official's name takes the place of a recording."""


class DataRight(StrEnum):
    """What a citizen can ask about their personal data (Law 91/2025, Decree 356/2025)."""

    ACCESS = "access"
    WITHDRAWAL = "withdrawal"
    """Withdrawal of consent."""
    OBJECTION = "objection"
    """Objection to the processing, without any consent before."""
    ERASURE = "erasure"


class RequestState(StrEnum):
    """States of a data request."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"


class RequestEvent(StrEnum):
    """Events of a data request."""

    SETTLE = "settle"
    REFUSE = "refuse"


DATA_REQUEST = StateMachine(
    "data request",
    RequestState.OPEN,
    {
        (RequestState.OPEN, RequestEvent.SETTLE): RequestState.DONE,
        (RequestState.OPEN, RequestEvent.REFUSE): RequestState.REFUSED,
    },
)


class Published(StrEnum):
    """How the result of a formal case was published (Decree 20/2008, art. 19)."""

    WEBSITE = "website"
    MEDIA = "media"
    LETTER = "letter"
    AIR = "air"
