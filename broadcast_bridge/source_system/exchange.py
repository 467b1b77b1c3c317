"""Data exchanged with a source system, and the interface of a dialect. Free of any transport.

Down come bulletins, withdrawals and commands to devices; up go receipts, the log of each broadcast at each speaker, the
results of commands, daily counts, and device states.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from broadcast_bridge.broadcasts.states import DeliveryState, Priority
from broadcast_bridge.source_system.states import BulletinState, ContentKind, DeviceAction
from haichieu.locale import Message


@dataclass(frozen=True)
class Issued:
    """A bulletin as its source issued it. `areas` and `devices` are ids of the source.

    Without `starts`, a priority bulletin is aired as soon as possible. `declared_seconds` is the length of the sound
    according to the source. A bulletin that is issued again with another content replaces the earlier one; `revision`,
    where the source counts them, tells which is newer.
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
    revision: int = 0


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


@dataclass(frozen=True)
class Rescheduled:
    """Other start times and another validity of a bulletin that was issued before."""

    external_id: str
    starts: Sequence[datetime.datetime]
    valid_until: datetime.datetime | None


@dataclass(frozen=True)
class Ordered:
    """A command to devices: those that it names, else those in its areas, else all of the source.

    `value` is the volume in per cent. `ordered_at` is None where the protocol does not tell.
    """

    external_id: str
    action: DeviceAction
    value: int | None = None
    areas: Sequence[str] = ()
    devices: Sequence[str] = ()
    ordered_at: datetime.datetime | None = None


Item = Issued | Withdrawn | Rescheduled | Ordered | Unusable


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


class AtDevice(_Body):
    """The result of a command at one device, with the reason in Vietnamese."""

    device: str
    name: str
    done: bool
    reason: str


class CommandResult(_Body):
    """The result of a command. `done` is true when every device carried it out."""

    key: str
    command: str
    action: DeviceAction
    value: int | None
    done: bool
    reason: str
    devices: list[AtDevice]
    at: datetime.datetime


class UnitCounts(_Body):
    """Counts of one unit with all units below it; `broadcasts` and `seconds` are of those that a speaker played."""

    unit: str
    name: str
    speakers: int
    reachable: int
    broadcasts: int
    seconds: float
    played: int
    missed: int
    received: int
    chosen: int
    declined: int
    refused: int


class DayCounts(_Body):
    """Counts of one day of the station's calendar, for each unit that the source knows."""

    key: str
    day: datetime.date
    units: list[UnitCounts]


Report = Receipt | AiringLog | CommandResult | DayCounts


@dataclass(frozen=True)
class DeviceStatus:
    """The state of a speaker now. `playing` is the title of what is on air there, None when nothing is.

    `since` is when the speaker became reachable, None for one that is not, or of which nobody can tell.
    """

    external_id: str
    name: str
    reachable: bool
    playing: str | None
    volume_db: float
    latitude: float | None
    longitude: float | None
    since: datetime.datetime | None = None


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

    async def wait(self, path: str, seconds: float, **query: str) -> Json:
        """Return the answer to a signed GET that the source may keep waiting for so long."""

    async def post(self, path: str, body: Json, *, signed: bool = True) -> Json:
        """Return the answer to a POST, signed in unless told otherwise."""

    async def download(self, link: str, file: Path) -> None:
        """Write the sound at a link into a file."""


@runtime_checkable
class WaitingDialect(Protocol):
    """A dialect whose sources say at once when there is something to fetch."""

    async def has_news(self, wire: Wire, cursor: str, seconds: float) -> bool:
        """Return whether items follow the cursor, as soon as there are any, or after so many seconds."""


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
