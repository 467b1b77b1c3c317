"""Tolerant reader of CAP alerts.

An alert is refused only if it is not clear what it is, who sent it or for whom. Any other fault costs the part that has
it: the part is left out and named in `Alert.faults`. Order, unknown elements and spaces do not matter.
"""

import datetime
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TypeVar
from zoneinfo import ZoneInfo

from lxml import etree

from broadcast_bridge.alerts.cap import (
    NAMESPACE,
    Alert,
    Area,
    Certainty,
    Info,
    MessageType,
    NamedValue,
    Reference,
    Scope,
    Severity,
    Status,
    Urgency,
)
from broadcast_bridge.alerts.errors import ElementWrong, NotCap
from broadcast_bridge.alerts.geometry import Point, read_circle, read_polygon
from broadcast_bridge.alerts.hostile_xml import parse
from broadcast_bridge.alerts.languages import language_of
from haichieu.locale import Message, message
from haichieu.locale.rendering import TIMEZONE

EARLIER_NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.1", "http://www.incident.com/cap/1.0")
"""CAP 1.1 and 1.0, whose elements mean the same."""
LONGEST_NAME = 200
"""Characters of an identifier or a sender. The standard sets no limit; the database needs one."""
MOST_INFOS = 500
MOST_POINTS = 100_000
"""Corners of all polygons of one alert; the border of a district has some hundreds."""
MOST_REFERENCES = 200
MOST_FAULTS = 10

_STATION_ZONE = ZoneInfo(TIMEZONE)
_CAP = f"{{{NAMESPACE}}}"
_SENDER = re.compile(r"[^\s,<&\x00-\x20]+")
_LONGEST_REFERENCES = 100_000
_TIME = r"\d{4}-\d\d-\d\dT\S{1,40}"
_REFERENCES = (
    re.compile(rf"(?<!\S)([^\s,]{{1,200}}),([^\s,]{{1,200}}),({_TIME})"),
    re.compile(rf"(?<!\S)([^\s,|]{{1,200}}),([^|]{{1,200}}?),\s*({_TIME})"),  # an identifier with spaces or commas
)

_Choice = TypeVar("_Choice", bound=StrEnum)
_Shape = TypeVar("_Shape")


def parse_alert(document: bytes) -> Alert:
    """Read one alert. Times are returned in UTC.

    Raises NotReadable or one of its subclasses, NotCap or ElementWrong.
    """
    root = alert_element(document)
    if root.tag != f"{_CAP}alert":
        raise _not_cap(root, "alert")
    reading = _Reading()
    sent = reading.sent(root)
    alert = Alert(
        identifier=reading.identifier(root, document),
        sender=_sender(root),
        sent=sent,
        status=_only(root, "status", Status),
        message_type=_only(root, "msgType", MessageType),
        scope=_only(root, "scope", Scope),
        source=_text(root, "source"),
        references=(),
        infos=reading.infos(root, sent),
    )
    references = reading.references(_text(root, "references"), alert.name)
    _require_what_the_type_needs(alert, references)
    if alert.message_type is MessageType.UPDATE and not references:
        reading.fault("references", message("alert.element.no_reference", type=str(alert.message_type)))
    return replace(alert, references=references, faults=reading.faults)


def alert_element(document: bytes) -> etree._Element:
    """Return the root element of an alert, that of CAP 1.0 and 1.1 as if it were CAP 1.2. Raises NotReadable."""
    root = parse(document)
    if root.tag == "alert":  # of a sender who left the namespace out
        for element in root.iter("{}*"):
            element.tag = f"{_CAP}{etree.QName(element).localname}"
    for earlier in EARLIER_NAMESPACES:
        if root.tag == f"{{{earlier}}}alert":
            for element in root.iter(f"{{{earlier}}}*"):
                element.tag = f"{_CAP}{etree.QName(element).localname}"
    return root


class _Reading:
    """The parts of one alert, with what is wrong with those that are left out."""

    def __init__(self) -> None:
        self._faults: dict[str, Message] = {}
        self._points = 0

    @property
    def faults(self) -> tuple[Message, ...]:
        return tuple(self._faults.values())[:MOST_FAULTS]

    def fault(self, element: str, problem: Message) -> None:
        """Note that an element, or a part of it, is left out."""
        fault = ElementWrong(element, problem).message
        self._faults[fault.to_json()] = fault

    def identifier(self, root: etree._Element, document: bytes) -> str:
        """Return the identifier, or one made from the content if it cannot be stored."""
        text = " ".join(_text(root, "identifier").split())
        if 0 < len(text) <= LONGEST_NAME:
            return text
        self.fault("identifier", message("alert.element.name", limit=LONGEST_NAME))
        return f"sha256-{hashlib.sha256(document).hexdigest()}"

    def sent(self, root: etree._Element) -> datetime.datetime:
        """Return the time of sending; without a zone, it is that of the station. Raises ElementWrong."""
        text = _text(root, "sent")
        try:
            return _moment("sent", text)
        except ElementWrong as wrong:
            moment = _moment("sent", text, _STATION_ZONE)
            self.fault("sent", wrong.problem)
            return moment

    def references(self, text: str, own: Reference) -> tuple[Reference, ...]:
        """Return the newest references; those that cannot be read, and one to the message itself, are left out."""
        found: dict[Reference, None] = {}
        rest = text[-_LONGEST_REFERENCES:]
        for form in _REFERENCES:
            for name in form.finditer(rest):
                try:
                    moment = _moment("references", name[3], _STATION_ZONE)
                    found[Reference(name[1], " ".join(name[2].split()), moment)] = None
                except ElementWrong as wrong:
                    self.fault("references", wrong.problem)
            rest = form.sub(" | ", rest)
        if rest := rest.replace("|", " ").strip():
            self.fault("references", message("alert.element.reference", value=rest[:80]))
        if own in found:
            self.fault("references", message("alert.element.self_reference"))
            del found[own]
        if len(found) > MOST_REFERENCES:
            self.fault("references", message("alert.element.too_many", limit=MOST_REFERENCES))
            return tuple(sorted(found, key=lambda reference: reference.sent)[-MOST_REFERENCES:])
        return tuple(found)

    def infos(self, root: etree._Element, sent: datetime.datetime) -> tuple[Info, ...]:
        elements = root.findall(f"{_CAP}info")
        if len(elements) > MOST_INFOS:
            self.fault("info", message("alert.element.too_many", limit=MOST_INFOS))
        return tuple(self._info(element, sent) for element in elements[:MOST_INFOS])

    def _info(self, element: etree._Element, sent: datetime.datetime) -> Info:
        words = {tag: _text(element, tag) for tag in ("event", "headline", "description", "instruction")}
        effective, expires = self._optional_moment(element, "effective"), self._optional_moment(element, "expires")
        if expires is not None and expires <= sent:
            self.fault("expires", message("alert.element.before_sent"))
            expires = None
        if effective is not None and expires is not None and effective >= expires:
            self.fault("effective", message("alert.element.after_expiry"))
            effective = None
        info = Info(
            language=language_of(_text(element, "language"), " ".join(words.values())),
            categories=_texts(element, "category"),
            response_types=_texts(element, "responseType"),
            urgency=self._choice(element, "urgency", Urgency.UNKNOWN),
            severity=self._choice(element, "severity", Severity.UNKNOWN),
            certainty=self._choice(element, "certainty", Certainty.UNKNOWN),
            effective=effective,
            onset=self._optional_moment(element, "onset"),
            expires=expires,
            sender_name=_text(element, "senderName"),
            parameters=_named_values(element, "parameter"),
            areas=tuple(self._area(area) for area in element.findall(f"{_CAP}area")),
            **words,
        )
        if not info.says_something:
            self.fault("event", message("alert.element.nothing_to_say"))
        return info

    def _area(self, element: etree._Element) -> Area:
        codes = _named_values(element, "geocode")
        for code in codes:
            if bool(code.name) != bool(code.value):
                self.fault("geocode", message("alert.element.half_a_code", value=(code.name or code.value)[:40]))
        return Area(
            description=_text(element, "areaDesc"),
            geocodes=tuple(code for code in codes if code.name and code.value),
            polygons=self._shapes(element, "polygon", self._polygon),
            circles=self._shapes(element, "circle", read_circle),
        )

    def _shapes(self, element: etree._Element, tag: str, read: Callable[[str], _Shape]) -> tuple[_Shape, ...]:
        shapes = []
        for text in filter(None, _texts(element, tag)):
            try:
                shapes.append(read(text))
            except ElementWrong as wrong:
                self.fault(tag, wrong.problem)
        return tuple(shapes)

    def _polygon(self, text: str) -> tuple[Point, ...]:
        corners = read_polygon(text)
        if self._points + len(corners) > MOST_POINTS:
            raise ElementWrong("polygon", message("alert.element.too_many_points", limit=MOST_POINTS))
        self._points += len(corners)
        return corners

    def _choice(self, element: etree._Element, tag: str, otherwise: _Choice) -> _Choice:
        text = _text(element, tag)
        found = _named(type(otherwise), text)
        if found is None:
            self.fault(tag, message("alert.element.value", value=text[:40]))
        return otherwise if found is None else found

    def _optional_moment(self, element: etree._Element, tag: str) -> datetime.datetime | None:
        text = _text(element, tag)
        try:
            return _moment(tag, text) if text else None
        except ElementWrong as wrong:
            self.fault(tag, wrong.problem)
            return None


def _only(root: etree._Element, tag: str, choices: type[_Choice]) -> _Choice:
    """Return a value that must be there exactly once, since it decides who may hear the alert. Raises NotCap."""
    texts = _texts(root, tag)
    found = _named(choices, texts[0]) if len(texts) == 1 else None
    if found is None:
        raise _not_cap(root, tag)
    return found


def _named(choices: type[_Choice], text: str) -> _Choice | None:
    """Return the value of an enumeration; its case and spaces inside do not matter."""
    wanted = "".join(text.split()).casefold()
    return next((choice for choice in choices if choice.casefold() == wanted), None)


def _not_cap(root: etree._Element, tag: str) -> NotCap | ElementWrong:
    """Return an error that says with the words of the OASIS schema what is wrong with an element."""
    schema = _schema()
    if schema.validate(root):
        return ElementWrong(tag, message("alert.element.missing"))
    said = [error for error in schema.error_log if tag in error.message]
    first = next(iter([*said, *schema.error_log]))
    return NotCap("alert.not_cap", line=first.line, problem=first.message.replace(_CAP, "")[:500])


@cache
def _schema() -> etree.XMLSchema:
    text = resources.files(__package__).joinpath("CAP-v1.2.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text))


def _require_what_the_type_needs(alert: Alert, references: tuple[Reference, ...]) -> None:
    """Check what CAP 1.2 §3.2.1 requires of the message type, as far as nothing can be done without it."""
    if alert.message_type in (MessageType.CANCEL, MessageType.ACK, MessageType.ERROR) and not references:
        raise ElementWrong("references", message("alert.element.no_reference", type=str(alert.message_type)))
    if alert.message_type in (MessageType.ALERT, MessageType.UPDATE):
        if not alert.infos:
            raise ElementWrong("info", message("alert.element.no_info"))
        if not any(info.says_something for info in alert.infos):
            raise ElementWrong("event", message("alert.element.nothing_to_say"))


def _sender(root: etree._Element) -> str:
    text = _text(root, "sender")
    if _SENDER.fullmatch(text) is None or len(text) > LONGEST_NAME:
        raise ElementWrong("sender", message("alert.element.name", limit=LONGEST_NAME))
    return text


def _moment(element: str, text: str, zone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Return a time in UTC, written in any form of ISO 8601; `zone` is for times without one. Raises ElementWrong."""
    try:
        moment = datetime.datetime.fromisoformat(re.sub(r"\s+(?=[+-])", "", text).upper())
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
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
    return next((text for text in _texts(element, tag) if text), "")
