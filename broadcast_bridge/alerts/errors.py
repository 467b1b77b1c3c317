"""Errors of alerts, one class per cause.

AlertRefused
├── NotReadable            not XML that the station accepts
│   ├── AlertTooLarge      more bytes than an alert may have
│   └── ForbiddenXml       a DTD, an entity, another encoding than UTF-8
├── NotCap                 no CAP alert, or one whose status, type or scope is not clear
├── ElementWrong           an element is missing or wrong without which nothing can be done
├── AlertExpired           its time is over
├── SentInFuture           the sender's clock is far ahead, or it is a replay prepared in advance
├── NoSuchSource           the sender belongs to no configured source
├── SourceSwitchedOff      the source is disabled
└── AlertForged            no proof that it comes from the source it names
"""

from haichieu.errors import HaiChieuError
from haichieu.locale import Message


class AlertRefused(HaiChieuError):
    """The alert is refused; the message says why."""


class NotReadable(AlertRefused):
    """The bytes are not XML that the station accepts."""


class AlertTooLarge(NotReadable):
    """There are more bytes than an alert may have."""

    def __init__(self, limit: int) -> None:
        super().__init__("alert.too_large", limit=limit)


class ForbiddenXml(NotReadable):
    """The document uses a part of XML that alerts do not need and attackers do."""


class NotCap(AlertRefused):
    """The document is no CAP alert, or it is not clear which status, type or scope it has."""


class ElementWrong(AlertRefused):
    """An element is missing or its content is wrong."""

    def __init__(self, element: str, problem: Message) -> None:
        super().__init__("alert.element", element=element, problem=problem)
        self.element = element
        self.problem = problem


class AlertExpired(AlertRefused):
    """The alert is no longer worth hearing."""


class SentInFuture(AlertRefused):
    """The alert claims to have been sent in the future."""


class NoSuchSource(AlertRefused):
    """The sender belongs to no configured source."""


class SourceSwitchedOff(AlertRefused):
    """The source is disabled."""


class AlertForged(AlertRefused):
    """Nothing proves that the alert comes from the source that it names."""
