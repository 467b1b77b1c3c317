"""Monitoring of speakers through Asterisk: registrations and qualify answers update the rows and notify the studio.

After each event Asterisk is asked for the state of the endpoint ("online" means that at least one contact answers
OPTIONS), since the events of a replaced contact arrive in no reliable order.
"""

import asyncio
from collections.abc import Callable

import structlog

from broadcast_bridge.speakers import direct_calls, reachability
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.ari.events import Event
from haichieu.database import Database, now
from haichieu.errors import shown

log = structlog.get_logger()

ONLINE = "online"
REACHABLE = "Reachable"


class SpeakerSupervisor:
    """Keeps `Speaker.reachable` equal to Asterisk's state.

    `returned` is called for every speaker that can be reached again, also at a new address (it was restarted: a call to
    the old address is dead, though no BYE came); `lost` for every one that no longer can.
    """

    def __init__(
        self,
        client: AriClient,
        database: Database,
        node: str,
        returned: Callable[[str], None],
        lost: Callable[[str], None],
        *,
        check_direct_calls: bool,
    ) -> None:
        self._client = client
        self._database = database
        self._node = node
        self._returned = returned
        self._lost = lost
        self._changed = asyncio.Event()
        self._back: list[str] = []
        self._check_direct_calls = check_direct_calls
        self._addresses: dict[str, str] = {}
        self._moved: dict[str, str] = {}
        """The addresses that have changed since the last look."""

    def hear(self, event: Event) -> None:
        """Take an endpoint event; never blocks."""
        contact = event.body.get("contact_info", {})
        if contact.get("contact_status") == REACHABLE:
            self._back.append(contact["aor"])
            address = direct_calls.address_of(contact.get("uri", ""))
            if address is not None and self._addresses.get(contact["aor"]) != address.ip:
                self._addresses[contact["aor"]] = self._moved[contact["aor"]] = address.ip
        self._changed.set()

    async def run(self) -> None:
        """Follow the speakers until cancelled. One look serves all the events that arrived meanwhile."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            back, self._back = self._back, []
            try:
                await self.look("registration or qualify")
            except AriError as problem:
                log.warning("supervision.asterisk_unavailable", problem=shown(problem))
            for code in back:
                self._returned(code)
            await self._plan_checks()

    async def _plan_checks(self) -> None:
        moved, self._moved = self._moved, {}
        if moved and self._check_direct_calls:
            await self._database.run(lambda session: direct_calls.seen_at(session, moved, now()))

    async def look(self, why: str) -> None:
        """Compare every speaker with Asterisk's state."""
        endpoints = await self._client.endpoints()
        await self._note({endpoint["resource"] for endpoint in endpoints if endpoint["state"] == ONLINE}, why)

    async def asterisk_lost(self) -> None:
        """Mark every speaker as unreachable."""
        await self._note(set(), "Asterisk is down")

    async def _note(self, online: set[str], why: str) -> None:
        news = await self._database.run(lambda session: reachability.note_all(session, online, why, now(), self._node))
        for code in news:
            log.info("speaker.reachable" if code in online else "speaker.unreachable", speaker=code, why=why)
            if code not in online:
                self._lost(code)
