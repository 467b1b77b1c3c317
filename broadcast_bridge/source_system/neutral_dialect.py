"""The neutral dialect: JSON over HTTP, described in docs/source-system.md.

POST token       {"username", "password"}        → {"token", "expires_in"}
GET  messages    ?station=…&after=CURSOR         → {"messages": […], "cursor", "more"}
POST devices     {"station", "at", "devices"}
GET  news        ?station=…&after=CURSOR&wait=S  → {"news"}
POST reports     {"key", "type": "receipt", "log", "command" or "counts", …}
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system.errors import AnswerNotUnderstood
from broadcast_bridge.source_system.exchange import (
    AiringLog,
    Batch,
    CommandResult,
    DayCounts,
    DeviceStatus,
    Issued,
    Item,
    Ordered,
    Receipt,
    Report,
    Token,
    Unusable,
    Wire,
    Withdrawn,
)
from broadcast_bridge.source_system.states import ContentKind, DeviceAction
from haichieu.database import now
from haichieu.locale import Message, message
from haichieu.pydantic_messages import message_of_detail

REPORTS: Mapping[type[Report], str] = {
    Receipt: "receipt", AiringLog: "log", CommandResult: "command", DayCounts: "counts",
}  # fmt: skip
Id = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$")]
_TYPES = ("bulletin", "withdrawal", "command")
_MOST_AREAS = 2000


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


T = TypeVar("T", bound=_Table)


class _Audio(_Table):
    url: Annotated[str, Field(min_length=1, max_length=2000)]
    seconds: Annotated[float, Field(ge=0)] | None = None


class _Bulletin(_Table):
    type: Literal["bulletin"]
    id: Id
    title: Annotated[str, Field(min_length=1, max_length=1000)]
    priority: str
    kind: ContentKind
    text: Annotated[str, Field(max_length=100_000)] = ""
    audio: _Audio | None = None
    field: Annotated[str, Field(max_length=80)] = ""
    language: Annotated[str, Field(max_length=8)] = "vi"
    author: Annotated[str, Field(max_length=200)] = ""
    areas: Annotated[list[Id], Field(max_length=_MOST_AREAS)] = []
    devices: Annotated[list[Id], Field(max_length=_MOST_AREAS)] = []
    starts: Annotated[list[AwareDatetime], Field(max_length=200)] = []
    valid_until: AwareDatetime | None = None
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class _Command(_Table):
    type: Literal["command"]
    id: Id
    action: DeviceAction
    value: int | None = None
    areas: Annotated[list[Id], Field(max_length=_MOST_AREAS)] = []
    devices: Annotated[list[Id], Field(max_length=_MOST_AREAS)] = []
    at: AwareDatetime


class _News(_Table):
    news: bool


class _Withdrawal(_Table):
    type: Literal["withdrawal"]
    id: Id


class _Token(_Table):
    token: Annotated[str, Field(min_length=1, max_length=10_000)]
    expires_in: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


class _Messages(_Table):
    messages: list[object]
    cursor: Annotated[str, Field(max_length=500)]
    more: bool = False


class NeutralDialect:
    """Our own protocol, for systems that have none yet."""

    async def log_in(self, wire: Wire) -> Token:
        """Return a new token."""
        body = {"username": wire.access.username, "password": wire.access.password}
        found = _read(_Token, await wire.post("token", body, signed=False))
        until = now() + datetime.timedelta(seconds=found.expires_in) if found.expires_in is not None else None
        return Token(found.token, until)

    async def report_devices(self, wire: Wire, devices: Sequence[DeviceStatus], at: datetime.datetime) -> None:
        """Report all speakers in one request."""
        states = [
            {
                "id": one.external_id, "name": one.name, "reachable": one.reachable, "playing": one.playing,
                "volume_db": one.volume_db, "latitude": one.latitude, "longitude": one.longitude,
                "since": one.since.isoformat() if one.since is not None else None,
            }
            for one in devices
        ]  # fmt: skip
        await wire.post("devices", {"station": wire.access.external_id, "at": at.isoformat(), "devices": states})

    async def fetch(self, wire: Wire, cursor: str) -> Batch:
        """Return the messages after the cursor."""
        query = {"station": wire.access.external_id} | ({"after": cursor} if cursor else {})
        found = _read(_Messages, await wire.get("messages", **query))
        return Batch([_item(one) for one in found.messages], found.cursor, found.more)

    async def has_news(self, wire: Wire, cursor: str, seconds: float) -> bool:
        """Return whether messages follow the cursor; the source answers when there are any, or after `seconds`."""
        query = {"station": wire.access.external_id, "after": cursor, "wait": str(round(seconds))}
        return _read(_News, await wire.wait("news", seconds, **query)).news

    async def send(self, wire: Wire, report: Report) -> None:
        """Deliver a report; a second one with the same key is to be ignored."""
        station = {"station": wire.access.external_id, "type": REPORTS[type(report)]}
        await wire.post("reports", {**station, **report.model_dump(mode="json")})


def _read(model: type[T], answer: object) -> T:
    try:
        return model.model_validate(answer)
    except ValidationError as problem:
        raise AnswerNotUnderstood("source.not_understood", problem=_problem(problem)) from None


def _item(raw: object) -> Item:
    kind = raw.get("type") if isinstance(raw, dict) else None
    external_id, title = _text(raw, "id"), _text(raw, "title")
    if kind not in _TYPES:
        unknown = message("base.value.literal_error", values=_TYPES)
        return Unusable(external_id, message("source.field", field="type", problem=unknown), title)
    try:
        if kind == "withdrawal":
            return Withdrawn(_Withdrawal.model_validate(raw).id)
        if kind == "command":
            ordered = _Command.model_validate(raw)
            return Ordered(ordered.id, ordered.action, ordered.value, ordered.areas, ordered.devices, ordered.at)
        bulletin = _Bulletin.model_validate(raw)
    except ValidationError as problem:
        name = "" if kind == "command" else external_id  # no bulletin is to be made of it
        return Unusable(name, message("source.not_understood", problem=_problem(problem)), title)
    if bulletin.priority not in list(Priority):
        return Unusable(external_id, message("source.unknown_priority", priority=bulletin.priority[:40]), title)
    return Issued(
        external_id=bulletin.id,
        title=bulletin.title,
        kind=bulletin.kind,
        priority=Priority(bulletin.priority),
        text=bulletin.text,
        link=bulletin.audio.url if bulletin.audio else "",
        declared_seconds=bulletin.audio.seconds if bulletin.audio else None,
        language=bulletin.language,
        field=bulletin.field,
        author=bulletin.author,
        areas=bulletin.areas,
        devices=bulletin.devices,
        starts=bulletin.starts,
        valid_until=bulletin.valid_until,
        revision=bulletin.revision,
    )


def _text(raw: object, name: str) -> str:
    found = raw.get(name) if isinstance(raw, dict) else None
    return found[:120] if isinstance(found, str) else ""


def _problem(problem: ValidationError) -> Message:
    first = problem.errors()[0]
    return message("source.field", field=".".join(map(str, first["loc"])) or "-", problem=message_of_detail(first))
