"""Everything that can be wrong with an alert, each an error of its own that names the element.

AlertRefused
├── NotReadable            not XML that the station is willing to read
│   ├── AlertTooLarge      more bytes than an alert may have
│   └── ForbiddenXml       a DTD, an entity, another encoding than UTF-8
├── NotCap                 no CAP 1.2 alert by the OASIS schema
├── ElementWrong           the schema allows it, the standard's text does not
├── AlertExpired           its time is over
├── SentInFuture           the sender's clock is far ahead, or it is a replay prepared in advance
├── NoSuchSource           nobody that this station listens to
├── SourceSwitchedOff      a source that was switched off
└── AlertForged            no proof that it comes from the source it names
"""

from haichieu.errors import HaiChieuError


class AlertRefused(HaiChieuError):
    """The alert is not honoured; the message says why, in Vietnamese and English."""


class NotReadable(AlertRefused):
    """The bytes are not XML that the station is willing to read."""


class AlertTooLarge(NotReadable):
    """There are more bytes than an alert may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"Bản tin cảnh báo lớn hơn {limit} byte. / "
            f"The alert is larger than {limit} bytes: send it without resources."
        )


class ForbiddenXml(NotReadable):
    """The document uses a part of XML that alerts do not need and attackers do."""


class NotCap(AlertRefused):
    """The document is no CAP 1.2 alert by the OASIS schema."""


class ElementWrong(AlertRefused):
    """An element holds what the schema allows and the standard's text does not."""

    def __init__(self, element: str, vietnamese: str, english: str) -> None:
        super().__init__(f"<{element}>: {vietnamese}. / <{element}>: {english}.")
        self.element = element


class AlertExpired(AlertRefused):
    """The time in which the alert was worth hearing is over."""


class SentInFuture(AlertRefused):
    """The alert says that it will be sent later than now."""


class NoSuchSource(AlertRefused):
    """The sender is none that this station listens to."""


class SourceSwitchedOff(AlertRefused):
    """The source was switched off by an administrator."""


class AlertForged(AlertRefused):
    """Nothing proves that the alert comes from the source whose name it bears."""
