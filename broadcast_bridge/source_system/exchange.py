"""Data exchanged with a source system, and the interface of a dialect. Free of any transport.

Down come bulletins and withdrawals; up go receipts, the log of each broadcast at each speaker, and device states.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from broadcast_bridge.broadcasts.states import DeliveryState, Priority
from broadcast_bridge.source_system.states import BulletinState, ContentKind
from haichieu.locale import Message


@dataclass(frozen=True)
class Issued:
    """A bulletin as its source issued it. `areas` and `devices` are ids of the source.

    Without `starts`, a priority bulletin is aired as soon as possible. `declared_seconds` is the length of the sound
    according to the source.
    """

    external_id: str
    title: str
    kind: ContentKind
    priority: Priority
    text: str = ""
    link: str = ""
    declared_seconds: float | None = None
    language: str = "vi"
    field: str = ""
    author: str = ""
    areas: Sequence[str] = ()
    devices: Sequence[str] = ()
    starts: Sequence[datetime.datetime] = ()
    valid_until: datetime.datetime | None = None


@dataclass(frozen=True)
class Withdrawn:
    """A bulletin is withdrawn: the one with this id, and those whose id is this id, a slash, and more."""

    external_id: str


@dataclass(frozen=True)
class Unusable:
    """An item that cannot be used. Without an id, its source cannot be notified either."""

    external_id: str
    problem: Message
    title: str = ""


Item = Issued | Withdrawn | Unusable


@dataclass(frozen=True)
class Batch:
    """Items in the order in which the source issued them; `cursor` asks for those that follow."""

    items: Sequence[Item]
    cursor: str
    more: bool = False


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True)


class Named(_Body):
    """The words of a bulletin that a report repeats."""

    id: str
    title: str
    kind: ContentKind
    priority: Priority
    field: str
    author: str
    link: str
    declared_seconds: float | None
    areas: list[str]
    devices: list[str]
    issued_at: datetime.datetime


class Receipt(_Body):
    """A new state of a bulletin, with the reason in Vietnamese."""

    key: str
    bulletin: Named
    state: BulletinState
    reason: str
    at: datetime.datetime


class AiringLog(_Body):
    """One broadcast of a bulletin at one speaker: the proof of what was heard there."""

    key: str
    bulletin: Named
    device: str
    device_name: str
    state: DeliveryState
    reason: str
    started_at: datetime.datetime
    heard_from: datetime.datetime | None
    seconds: float
    volume_db: float


Report = Receipt | AiringLog


@dataclass(frozen=True)
class DeviceStatus:
    """The state of a speaker now. `playing` is the title of what is on air there, None when nothing is."""

    external_id: str
    name: str
    reachable: bool
    playing: str | None
    volume_db: float
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True)
class Access:
    """How a source is reached: the station's account there, and its id."""

    name: str
    address: str
    username: str
    password: str = field(repr=False)
    external_id: str
    station: str
    file_hosts: Sequence[str] = ()


@dataclass(frozen=True)
class Token:
    """A proof of sign-in, and until when it is valid if the source says so."""

    text: str = field(repr=False)
    until: datetime.datetime | None = None


Json = Mapping[str, object]


class Wire(Protocol):
    """Requests to one source. Each raises SourceProblem."""

    access: Access

    async def get(self, path: str, **query: str) -> Json:
        """Return the answer to a signed GET."""

    async def post(self, path: str, body: Json, *, signed: bool = True) -> Json:
        """Return the answer to a POST, signed in unless told otherwise."""

    async def download(self, link: str, file: Path) -> None:
        """Write the sound at a link into a file."""


class Dialect(Protocol):
    """The protocol of one kind of source system. Each method raises SourceProblem."""

    async def log_in(self, wire: Wire) -> Token:
        """Return a new proof of sign-in."""

    async def report_devices(self, wire: Wire, devices: Sequence[DeviceStatus], at: datetime.datetime) -> None:
        """Report the state of the speakers now, which is also the sign of life of the station."""

    async def fetch(self, wire: Wire, cursor: str) -> Batch:
        """Return the items that follow the cursor; "" is the beginning."""

    async def send(self, wire: Wire, report: Report) -> None:
        """Deliver one report. It may have been delivered before: its key is the same."""
