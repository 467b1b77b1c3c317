"""Closes the gate for texts while the disk is full, and raises an alarm."""

import asyncio
import contextlib
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from dialplans.text_gate import has_room, set_gate
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.database import Database
from haichieu.locale import message

log = structlog.get_logger()

EVERY_SECONDS = 1.0
SUBJECT = "texts:disk"


class TextGateKeeper:
    """Tells Asterisk whether there is room for texts, on every change and after every connection."""

    def __init__(self, client: AriClient, database: Database, home: Path) -> None:
        self._client = client
        self._database = database
        self._home = home
        self._is_open: bool | None = None
        """What Asterisk knows; None when it may have forgotten."""
        self._reported: bool | None = None
        """What the alarm says; None until it was written once."""

    async def asterisk_connected(self) -> None:
        """Tell Asterisk again: it may have restarted. Raises AriError."""
        self._is_open = None
        await self.look()

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await self._client.connected.wait()
            with contextlib.suppress(AriError):
                await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Look once at the free space. Raises AriError."""
        is_open = has_room(self._home)
        if is_open is not self._is_open:
            await set_gate(self._client, is_open=is_open)
            self._is_open = is_open
            if not is_open:
                log.error("texts.refused", reason="disk full")
        if is_open is not self._reported:
            await self._database.run(partial(_report, is_open=is_open))  # on a full disk, perhaps only later
            self._reported = is_open


def _report(session: Session, *, is_open: bool) -> None:
    if is_open:
        alarm_is_over(session, AlarmKind.TEXTS_FAILING, SUBJECT)
    else:
        raise_alarm(session, AlarmKind.TEXTS_FAILING, SUBJECT, message("text.no_room"))
