"""Text messages of a SIP account (MESSAGE, RFC 3428): base class of the account of `haichieu.sip.endpoint`."""

# mypy: allow-subclassing-any

from collections.abc import Callable
from typing import Any

from haichieu.sip.endpoint_events import SipEvent, TextAnswered, TextReceived
from haichieu.sip.library import SipLibraryMissing
from haichieu.sip.uri import user_of

try:
    import pjsua2 as pj
except ModuleNotFoundError as missing:
    raise SipLibraryMissing from missing


class TextingAccount(pj.Account):
    """Sends texts, and notes received texts and the results of sent ones."""

    def __init__(self, note: Callable[[SipEvent], None]) -> None:
        super().__init__()
        self._note = note
        self._addressees: dict[str, Any] = {}

    def text(self, uri: str, text: str) -> None:
        """Send a text; an event reports the result."""
        if uri not in self._addressees:
            config = pj.BuddyConfig()
            config.uri, config.subscribe = uri, False
            addressee = pj.Buddy()
            addressee.create(self, config)
            self._addressees[uri] = addressee
        parameters = pj.SendInstantMessageParam()
        parameters.contentType, parameters.content = "text/plain", text
        self._addressees[uri].sendInstantMessage(parameters)

    def forget_addressees(self) -> None:
        """Release the objects that must be destroyed before the account."""
        self._addressees.clear()

    def onInstantMessage(self, prm: Any) -> None:  # noqa: N802
        """Note a text that came."""
        self._note(TextReceived(user_of(prm.fromUri), user_of(prm.toUri), prm.msgBody))

    def onInstantMessageStatus(self, prm: Any) -> None:  # noqa: N802
        """Note the result of a sent text."""
        self._note(TextAnswered(prm.code, prm.reason))
