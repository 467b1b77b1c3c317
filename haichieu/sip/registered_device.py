"""Properties of devices that register: NAT before them, and answers to OPTIONS.

Both are detected from their registrations; each can be set instead, where the detection is wrong.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

_ADDRESS = re.compile(r"sips?:(?:[^@;&/]*@)?(?P<host>\[[^\]]+\]|[^:;&>]+)")
_OWN_ADDRESS = re.compile(r";x-ast-orig-host=(?P<host>\[[^\]]+\]|[^:;&>]+)")
"""Where Asterisk keeps the address that the device itself has written. It deletes such a parameter of a device."""


OPTIONS_SECONDS = 3.0
"""How long Asterisk waits for the answer to an OPTIONS request."""


class ContactStatus(StrEnum):
    """Status of a contact in the events of Asterisk."""

    NEW = "NonQualified"
    """Registered, and not asked yet, or never asked."""
    REACHABLE = "Reachable"
    UNREACHABLE = "Unreachable"
    REMOVED = "Removed"


@dataclass(frozen=True)
class ContactNews:
    """One event of a contact: account, status, and its URI in Asterisk."""

    code: str
    status: str
    uri: str

    @property
    def is_behind_nat(self) -> bool:
        """Whether the device has given another address than the one that its packets come from."""
        own, seen = _OWN_ADDRESS.search(self.uri), _ADDRESS.search(self.uri)
        if own is None or seen is None or own["host"] == seen["host"]:
            return False
        try:
            ipaddress.ip_address(own["host"].strip("[]"))
        except ValueError:
            return False  # the name of a device says nothing about where it is
        return True


class RegisteredDevice:
    """Columns of a table of devices that register."""

    behind_nat: Mapped[bool | None]
    """The setting; None leaves it to `nat_seen`."""
    nat_seen: Mapped[bool] = mapped_column(default=False)
    """Whether its last registration came through NAT."""
    answers_options: Mapped[bool | None]
    """None until its first OPTIONS request; False if it has never answered one, and so is not asked any more."""

    @property
    def sends_from_elsewhere(self) -> bool:
        """Whether sound has to go to where its own sound comes from, instead of to the announced address."""
        return self.nat_seen if self.behind_nat is None else self.behind_nat

    @property
    def is_asked(self) -> bool:
        """Whether it is asked regularly if it is still there (OPTIONS, qualify)."""
        return self.answers_options is not False

    def note(self, news: ContactNews) -> bool:
        """Take over what an event says; return whether the account changes by it."""
        before = self.sends_from_elsewhere, self.is_asked
        if news.status == ContactStatus.REACHABLE:
            self.answers_options = True
        elif news.status == ContactStatus.UNREACHABLE and self.answers_options is None:
            # It has registered a moment ago, so it is there. Its registration tells when it no longer is.
            self.answers_options = False
        elif news.status == ContactStatus.REMOVED and self.answers_options is False:
            self.answers_options = None  # perhaps it had only been switched off: the next registration is asked again
        if news.status != ContactStatus.REMOVED:
            self.nat_seen = news.is_behind_nat
        return (self.sends_from_elsewhere, self.is_asked) != before
