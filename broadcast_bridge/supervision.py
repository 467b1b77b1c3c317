"""Watching the speakers through Asterisk: registrations and qualify answers become rows, and news for the studio.

Asterisk's own word on an endpoint ("online" means at least one contact that answers OPTIONS) is asked for
after each event, since events of a contact that is replaced come in no useful order.
"""

import asyncio
from collections.abc import Callable

import structlog

from broadcast_bridge import reachability
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.ari.events import Event
from haichieu.database import Database, now

log = structlog.get_logger()

ONLINE = "online"


class SpeakerSupervisor:
    """Keeps `Speaker.reachable` true to Asterisk. `returned` is told of every speaker that came back."""

    def __init__(self, client: AriClient, database: Database, returned: Callable[[str], None]) -> None:
        self._client = client
        self._database = database
        self._returned = returned
        self._changed: asyncio.Queue[None] = asyncio.Queue()

    def hear(self, event: Event) -> None:
        """Take an endpoint event; never blocks."""
        if self._changed.empty():
            self._changed.put_nowait(None)

    async def run(self) -> None:
        """Follow the speakers until cancelled. One look serves all the events that came meanwhile."""
        while True:
            await self._changed.get()
            try:
                await self.look("registration or qualify")
            except AriError as problem:
                log.warning("supervision.blind", problem=str(problem))

    async def look(self, why: str) -> None:
        """Compare every speaker with what Asterisk says now."""
        endpoints = await self._client.endpoints()
        online = {endpoint["resource"] for endpoint in endpoints if endpoint["state"] == ONLINE}
        await self._note(online, why)

    async def asterisk_lost(self) -> None:
        """Without Asterisk no speaker can be reached."""
        await self._note(set(), "Asterisk is down")

    async def _note(self, online: set[str], why: str) -> None:
        news = await self._database.run(lambda session: reachability.note_all(session, online, why, now()))
        for code in news:
            log.info("speaker.reachable" if code in online else "speaker.unreachable", speaker=code, why=why)
            if code in online:
                self._returned(code)
