"""The texting half of a SIP account (MESSAGE, RFC 3428): the base of the account of `haichieu.sip.endpoint`."""

# mypy: allow-subclassing-any

from collections.abc import Callable
from typing import Any

from haichieu.sip.events import SipEvent, TextAnswered, TextReceived, user_of
from haichieu.sip.library import SipLibraryMissing

try:
    import pjsua2 as pj
except ModuleNotFoundError as missing:
    raise SipLibraryMissing from missing


class TextingAccount(pj.Account):
    """Sends texts, and notes those that come and what became of those that went."""

    def __init__(self, note: Callable[[SipEvent], None]) -> None:
        super().__init__()
        self._note = note
        self._addressees: dict[str, Any] = {}

    def text(self, uri: str, text: str) -> None:
        """Send a text; what becomes of it comes as an event."""
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
        """Let go of everything that must be gone before the account is."""
        self._addressees.clear()

    def onInstantMessage(self, prm: Any) -> None:  # noqa: N802
        """Note a text that came."""
        self._note(TextReceived(user_of(prm.fromUri), user_of(prm.toUri), prm.msgBody))

    def onInstantMessageStatus(self, prm: Any) -> None:  # noqa: N802
        """Note what became of one of ours."""
        self._note(TextAnswered(prm.code, prm.reason))
