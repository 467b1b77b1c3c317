"""Parser of CAP 1.2 alerts: validates against the OASIS schema and the text of the standard.

`authenticity` decides whether an alert is genuine, `decisions` whether it is broadcast.
"""

import datetime
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from lxml import etree

from broadcast_bridge.alerts.errors import ElementWrong, NotCap
from broadcast_bridge.alerts.hostile_xml import parse
from haichieu.locale import message

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
DEFAULT_LANGUAGE = "en-US"
"""The language of an `info` that names none (CAP 1.2 §3.2.2)."""
LONGEST_NAME = 200
"""Characters of an identifier or a sender. The standard sets no limit; the database needs one."""
MOST_INFOS = 50
MOST_POINTS = 20_000
"""Corners of all polygons of one alert; the border of a district has some hundreds."""
MOST_REFERENCES = 200

_CAP = f"{{{NAMESPACE}}}"
_NAME = re.compile(r"[^\s,<&\x00-\x20]+")


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
class Point:
    """A place in WGS-84 degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Circle:
    """A centre and a radius in kilometres."""

    centre: Point
    radius_km: float


@dataclass(frozen=True)
class Area:
    """The area of an `info`: the union of everything it names."""

    description: str
    geocodes: tuple[NamedValue, ...]
    polygons: tuple[tuple[Point, ...], ...]
    circles: tuple[Circle, ...]


@dataclass(frozen=True)
class Info:
    """The description of one event in one language."""

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
    def base_language(self) -> str:
        """The language without its region, in lower case: `vi` for `vi-VN`."""
        return self.language.partition("-")[0].lower()


@dataclass(frozen=True)
class Alert:
    """One message, identified by sender, identifier and sent."""

    identifier: str
    sender: str
    sent: datetime.datetime
    status: Status
    message_type: MessageType
    scope: Scope
    source: str
    references: tuple[Reference, ...]
    infos: tuple[Info, ...]

    @property
    def name(self) -> Reference:
        """The reference by which other messages name this one."""
        return Reference(self.sender, self.identifier, self.sent)


def parse_alert(document: bytes) -> Alert:
    """Parse one alert. Times are returned in UTC.

    Raises NotReadable or one of its subclasses, NotCap or ElementWrong.
    """
    root = parse(document)
    schema = _schema()
    if not schema.validate(root):
        first = next(iter(schema.error_log))
        raise NotCap("alert.not_cap", line=first.line, problem=first.message.replace(_CAP, "")[:500])
    infos = root.findall(f"{_CAP}info")
    if len(infos) > MOST_INFOS:
        raise ElementWrong("info", message("alert.element.too_many", limit=MOST_INFOS))
    alert = Alert(
        identifier=_name(root, "identifier"),
        sender=_name(root, "sender"),
        sent=_moment("sent", _text(root, "sent")),
        status=Status(_text(root, "status")),
        message_type=MessageType(_text(root, "msgType")),
        scope=Scope(_text(root, "scope")),
        source=_text(root, "source"),
        references=_references(_text(root, "references")),
        infos=tuple(_info(info) for info in infos),
    )
    _require_what_the_type_needs(alert)
    if sum(len(polygon) for info in alert.infos for area in info.areas for polygon in area.polygons) > MOST_POINTS:
        raise ElementWrong("polygon", message("alert.element.too_many_points", limit=MOST_POINTS))
    return alert


@cache
def _schema() -> etree.XMLSchema:
    text = resources.files(__package__).joinpath("CAP-v1.2.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text))


def _info(element: etree._Element) -> Info:
    return Info(
        language=_text(element, "language") or DEFAULT_LANGUAGE,
        categories=_texts(element, "category"),
        event=_text(element, "event"),
        response_types=_texts(element, "responseType"),
        urgency=Urgency(_text(element, "urgency")),
        severity=Severity(_text(element, "severity")),
        certainty=Certainty(_text(element, "certainty")),
        effective=_optional_moment(element, "effective"),
        onset=_optional_moment(element, "onset"),
        expires=_optional_moment(element, "expires"),
        sender_name=_text(element, "senderName"),
        headline=_text(element, "headline"),
        description=_text(element, "description"),
        instruction=_text(element, "instruction"),
        parameters=_named_values(element, "parameter"),
        areas=tuple(_area(area) for area in element.findall(f"{_CAP}area")),
    )


def _area(element: etree._Element) -> Area:
    return Area(
        description=_text(element, "areaDesc"),
        geocodes=_named_values(element, "geocode"),
        polygons=tuple(_polygon(polygon) for polygon in _texts(element, "polygon")),
        circles=tuple(_circle(circle) for circle in _texts(element, "circle")),
    )


def _polygon(text: str) -> tuple[Point, ...]:
    points = tuple(_point("polygon", pair) for pair in text.split())
    if len(points) < 4 or points[0] != points[-1]:
        raise ElementWrong("polygon", message("alert.element.polygon"))
    return points


def _circle(text: str) -> Circle:
    centre, _, radius = text.partition(" ")
    kilometres = _number("circle", radius.strip())
    if kilometres < 0:
        raise ElementWrong("circle", message("alert.element.radius", value=radius))
    return Circle(_point("circle", centre), kilometres)


def _point(element: str, pair: str) -> Point:
    latitude, comma, longitude = pair.partition(",")
    if not comma:
        raise ElementWrong(element, message("alert.element.point", value=pair[:40]))
    point = Point(_number(element, latitude), _number(element, longitude))
    if abs(point.latitude) > 90 or abs(point.longitude) > 180:
        raise ElementWrong(element, message("alert.element.off_earth", value=pair[:40]))
    return point


def _number(element: str, text: str) -> float:
    if re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,20})?", text, re.ASCII) is None:
        raise ElementWrong(element, message("alert.element.number", value=text[:40]))
    return float(text)


def _references(text: str) -> tuple[Reference, ...]:
    names = text.split()
    if len(names) > MOST_REFERENCES:
        raise ElementWrong("references", message("alert.element.too_many", limit=MOST_REFERENCES))
    return tuple(_reference(name) for name in names)


def _reference(text: str) -> Reference:
    parts = text.split(",")
    if len(parts) != 3 or not all(0 < len(part) <= LONGEST_NAME for part in parts):
        raise ElementWrong("references", message("alert.element.reference", value=text[:80]))
    return Reference(parts[0], parts[1], _moment("references", parts[2]))


def _require_what_the_type_needs(alert: Alert) -> None:
    """Check what CAP 1.2 §3.2.1 requires of the message type."""
    if alert.message_type is not MessageType.ALERT and not alert.references:
        raise ElementWrong("references", message("alert.element.no_reference", type=str(alert.message_type)))
    if alert.name in alert.references:
        raise ElementWrong("references", message("alert.element.self_reference"))
    if alert.message_type in (MessageType.ALERT, MessageType.UPDATE) and not alert.infos:
        raise ElementWrong("info", message("alert.element.no_info"))
    for info in alert.infos:
        if not (info.event or info.headline or info.description or info.instruction):
            raise ElementWrong("event", message("alert.element.nothing_to_say"))


def _name(root: etree._Element, tag: str) -> str:
    text = _text(root, tag)
    if _NAME.fullmatch(text) is None or len(text) > LONGEST_NAME:
        raise ElementWrong(tag, message("alert.element.name", limit=LONGEST_NAME))
    return text


def _optional_moment(element: etree._Element, tag: str) -> datetime.datetime | None:
    text = _text(element, tag)
    return _moment(tag, text) if text else None


def _moment(element: str, text: str) -> datetime.datetime:
    """Return a time in UTC. References and 24:00 are not checked by the schema; times without a zone are rejected."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ElementWrong(element, message("alert.element.no_time_zone", value=text[:40]))
        return moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as problem:
        raise ElementWrong(element, message("alert.element.moment", value=text[:40])) from problem


def _named_values(element: etree._Element, tag: str) -> tuple[NamedValue, ...]:
    return tuple(NamedValue(_text(pair, "valueName"), _text(pair, "value")) for pair in element.findall(f"{_CAP}{tag}"))


def _texts(element: etree._Element, tag: str) -> tuple[str, ...]:
    return tuple("".join(found.itertext()).strip() for found in element.findall(f"{_CAP}{tag}"))


def _text(element: etree._Element, tag: str) -> str:
    return next(iter(_texts(element, tag)), "")
