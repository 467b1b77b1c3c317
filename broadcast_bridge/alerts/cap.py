"""Model of CAP 1.2 alerts.

`cap_reader` reads them, `authenticity` decides whether one is genuine, `decisions` whether it is broadcast.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum

from broadcast_bridge.alerts.geometry import Circle, Point
from haichieu.locale import Message

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"


class Status(StrEnum):
    """How the alert is to be handled."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MessageType(StrEnum):
    """Effect of the message on earlier ones."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """Intended audience."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Urgency(StrEnum):
    """Time available to act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """Intensity of the threat."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """Confidence of the sender."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Reference:
    """An earlier message, identified by three values (CAP 1.2 §3.2.1)."""

    sender: str
    identifier: str
    sent: datetime.datetime


@dataclass(frozen=True)
class NamedValue:
    """A geocode or parameter: the name of the list it is from, and the value."""

    name: str
    value: str


@dataclass(frozen=True)
class Area:
    """The area of an `info`: the union of everything it names."""

    description: str
    geocodes: tuple[NamedValue, ...]
    polygons: tuple[tuple[Point, ...], ...]
    circles: tuple[Circle, ...]


@dataclass(frozen=True)
class Info:
    """The description of one event in one language, given as ISO 639 by `languages.language_of`."""

    language: str
    categories: tuple[str, ...]
    event: str
    response_types: tuple[str, ...]
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    effective: datetime.datetime | None
    onset: datetime.datetime | None
    expires: datetime.datetime | None
    sender_name: str
    headline: str
    description: str
    instruction: str
    parameters: tuple[NamedValue, ...]
    areas: tuple[Area, ...]

    @property
    def says_something(self) -> bool:
        """Return whether there are words to speak."""
        return bool(self.event or self.headline or self.description or self.instruction)


@dataclass(frozen=True)
class Alert:
    """One message, identified by sender, identifier and sent; `faults` are its parts that cannot be used."""

    identifier: str
    sender: str
    sent: datetime.datetime
    status: Status
    message_type: MessageType
    scope: Scope
    source: str
    references: tuple[Reference, ...]
    infos: tuple[Info, ...]
    faults: tuple[Message, ...] = ()

    @property
    def name(self) -> Reference:
        """The reference by which other messages name this one."""
        return Reference(self.sender, self.identifier, self.sent)
