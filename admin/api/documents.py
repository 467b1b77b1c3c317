"""Documents of the API. Names are those of the tables; times are ISO 8601 with a time zone."""

import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from broadcast_bridge.broadcasts.states import Priority
from feedback.states import CaseStatus, Channel, Way
from haichieu.errors import InvalidValue

MOST = 200


def _written(value: object) -> object:
    """Refuse a number in place of a date or time: pydantic would take it for seconds since 1970."""
    if not isinstance(value, str) or not value[4:5] == "-":
        raise InvalidValue("api.moment")
    return value


Day = Annotated[datetime.date, BeforeValidator(_written)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
Words = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")]
"""Text without control characters, which databases, telephones and speech synthesis do not accept."""
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,12}$")]


class _In(BaseModel):
    """Base of requests: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """A problem document (RFC 9457); `errors` lists the invalid fields of a request."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


class Paging(_In):
    """Paging of a list: at most `limit` items with an id lower than `before`."""

    limit: int = Field(50, ge=1, le=MOST)
    before: int | None = Field(None, ge=1, le=2**31 - 1)


class Speaker(BaseModel):
    """A loudspeaker cluster. `supervised` is false for a multicast group, which is never monitored."""

    id: str
    name: str
    unit: str
    reachable: bool
    supervised: bool
    since: datetime.datetime | None
    latitude: float | None
    longitude: float | None


class Speakers(BaseModel):
    """All speakers in the account's units."""

    items: list[Speaker]


class Delivery(BaseModel):
    """One broadcast at one speaker: the proof. `called_off` is why a speaker that missed it does not get it later.

    `heard`, `loss` and `jitter_ms` are null when the speaker reported nothing: they are unknown.
    """

    speaker: str
    name: str
    state: str
    reason: str | None
    called_off: str | None
    first_audio_at: datetime.datetime | None
    seconds: float
    heard: bool | None
    loss: float | None
    jitter_ms: float | None


class Broadcast(BaseModel):
    """One airing."""

    id: int
    kind: str
    title: str
    state: str
    reason: str | None
    priority: str
    zones: list[str]
    zone_names: str
    asked_by: str
    created_at: datetime.datetime
    due_at: datetime.datetime | None
    on_air_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    synthetic: Literal["none", "part", "all"]
    """How much of it a synthetic voice speaks (Decree 142/2026, art. 17)."""


class BroadcastWithDeliveries(Broadcast):
    """One airing with its result at each speaker."""

    deliveries: list[Delivery]


class Broadcasts(BaseModel):
    """A page of broadcasts, the newest first; `next` is the `before` of the next page."""

    items: list[Broadcast]
    next: int | None


_ONE_OF_TEXT_AND_PROGRAMME: list[JsonValue] = [
    {"required": [given], "properties": {given: {"type": kind}, other: {"type": "null"}}}
    for given, kind, other in (("text", "string", "programme"), ("programme", "integer", "text"))
]


class BroadcastWish(_In):
    """A request to broadcast exactly one of `text` and `programme`; `at` null means now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"oneOf": _ONE_OF_TEXT_AND_PROGRAMME})

    zones: list[Code] = Field(min_length=1, max_length=100)
    text: Annotated[Words, Field(max_length=20_000)] | None = None
    programme: int | None = Field(None, ge=1, le=2**31 - 1)
    priority: Priority = Priority.NORMAL
    at: Moment | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.programme is None):
            raise InvalidValue("api.text_or_programme")
        return self


class Transcript(BaseModel):
    """The transcript of a voice message."""

    text: str
    engine: str
    model: str
    language: str
    confidence: float | None
    doubtful: bool
    corrected: bool


class Reply(BaseModel):
    """The delivery of an answer by one method."""

    way: str
    state: str
    reason: str
    changed_at: datetime.datetime


class Message(BaseModel):
    """One message of a case. `sound_seconds` is null for written messages."""

    id: int
    direction: str
    channel: str
    author: str
    at: datetime.datetime
    text: str
    language: str
    sound_seconds: float | None
    transcript: Transcript | None
    replies: list[Reply]


class Case(BaseModel):
    """A citizen's case. `anonymous` means that nobody can be called back."""

    number: str
    status: str
    channel: str
    unit: str
    category: str | None
    department: str | None
    language: str
    anonymous: bool
    opened_at: datetime.datetime
    due_at: datetime.datetime | None
    answered_at: datetime.datetime | None
    closed_at: datetime.datetime | None


class CaseWithMessages(Case):
    """A case with all its messages."""

    messages: list[Message]


class CaseQuery(Paging):
    """Filter of cases: codes of a unit (with all units below it), a category, a department, and words of the messages.

    `overdue` true selects the cases whose due date has passed.
    """

    status: CaseStatus | None = None
    overdue: bool = False
    unit: Annotated[str, Field(max_length=40)] | None = None
    category: Annotated[str, Field(max_length=40)] | None = None
    department: Annotated[str, Field(max_length=40)] | None = None
    channel: Channel | None = None
    text: Annotated[str, Field(max_length=200)] = ""


class Cases(BaseModel):
    """A page of cases, the newest first; `next` is the `before` of the next page."""

    items: list[Case]
    next: int | None


class AnswerWish(_In):
    """An answer and the methods by which it is sent to the citizen."""

    text: Annotated[Words, Field(max_length=5000)]
    by: list[Way] = Field(min_length=1, max_length=3)


class Schedule(BaseModel):
    """Time, place and content of a schedule; `recurrence` in words, `next` the next start time.

    `obstacle` is why nothing would play then as things are.
    """

    id: int
    title: str
    unit: str
    what: str
    zones: list[str]
    priority: str
    recurrence: str
    next: datetime.datetime | None
    obstacle: str | None
    enabled: bool


class Schedules(BaseModel):
    """The schedules of the account's units."""

    items: list[Schedule]
    next: int | None


class Stopped(BaseModel):
    """The confirmation that a broadcast was asked to stop, and for how many speakers it was called off."""

    id: int
    state: str
    called_off: int
    stop_asked: Literal[True] = True
