"""File of the SIP accounts that Asterisk reads at its start, before or without the application.

While the switchboard is connected, accounts are in Asterisk's memory, where they change without a reload. The file is
for its next start: with the application down, speakers can still register and the emergency line reaches them.
"""

from collections.abc import Iterable
from pathlib import Path

from dialplans.accounts import DynamicObject
from dialplans.configuration import ACCOUNTS, as_value, write_secretly

MODULES = ("res_pjsip.so", "res_pjsip_endpoint_identifier_ip.so", "res_pjsip_outbound_registration.so")
"""The modules that read the file; reloading them does not affect calls (measured: no packet lost)."""


class AccountFile:
    """`<home>/etc/pjsip_accounts.conf`, for the station's user only."""

    def __init__(self, home: Path) -> None:
        self._path = home / "etc" / ACCOUNTS

    def write(self, objects: Iterable[DynamicObject]) -> None:
        """Write exactly these objects; an unchanged file is not touched."""
        text = "; Written by the switchboard; read when Asterisk starts.\n" + "".join(map(_section, objects))
        if not self._path.exists() or self._path.read_text("utf-8") != text:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_secretly(self._path, text)


def _section(item: DynamicObject) -> str:
    fields = (f"{name} = {as_value(value)}" for name, value in item.fields.items())
    return "\n".join([f"\n[{item.id}]", f"type = {item.object_type}", *fields, ""])
