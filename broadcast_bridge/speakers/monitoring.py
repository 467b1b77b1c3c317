"""Monitoring of devices through Asterisk: registrations and qualify answers update the rows and notify the studio.

After each event Asterisk is asked for the state of the endpoint ("online" means that at least one contact answers
OPTIONS, or is not asked), since the events of a replaced contact arrive in no reliable order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker
from broadcast_bridge.speakers import direct_calls, reachability
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.ari.events import Event
from haichieu.changes import AWAY_SECONDS
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.sip.models import Phone
from haichieu.sip.registered_device import OPTIONS_SECONDS, ContactNews, ContactStatus

log = structlog.get_logger()

ONLINE = "online"
NO_CONTACT = "it is not registered, or does not answer OPTIONS"
EVENT_SECONDS = 1.0
"""The event of a contact, which says why its endpoint is offline, comes within this time."""


class Returned(Protocol):
    """Takes the code of a speaker that can be reached again, and whether it has `moved` or was registered again."""

    def __call__(self, code: str, *, moved: bool) -> None: ...


class SpeakerSupervisor:
    """Keeps `Speaker.reachable` equal to Asterisk's state.

    `returned` is called for every speaker that can be reached again, also at a new address (it was restarted: a call to
    the old address is dead, though no BYE came). `lost` is called for every one that no longer can: at once if its
    registration has ended, else when it misses a second OPTIONS request, since some devices drop one now and then.
    `push` sends changed accounts to Asterisk: a registration tells whether a device is behind NAT, and silence after it
    that the device ignores OPTIONS.
    """

    def __init__(
        self,
        client: AriClient,
        database: Database,
        node: str,
        returned: Returned,
        lost: Callable[[str], None],
        push: Callable[[], Awaitable[object]],
        *,
        check_direct_calls: bool,
        qualify_seconds: float,
    ) -> None:
        self._client = client
        self._database = database
        self._node = node
        self._returned = returned
        self._lost = lost
        self._push = push
        self._patience = qualify_seconds + OPTIONS_SECONDS
        self._changed = asyncio.Event()
        self._news: list[ContactNews] = []
        self._check_direct_calls = check_direct_calls
        self._contacts: dict[str, str] = {}
        """The URI at which each device was registered last."""
        self._back: dict[str, bool] = {}
        """Devices that can be reached again since the last look, and whether each has moved."""
        self._left: set[str] = set()
        """Devices whose registration has ended; OPTIONS on its way to one times out only later."""
        self._missing: dict[str, asyncio.TimerHandle] = {}
        """Devices that have missed an OPTIONS request, and when they count as lost."""
        self._addresses: dict[str, str] = {}
        self._states: dict[str, str] = {}
        """The state of each endpoint at Asterisk, as it was last told."""

    def hear(self, event: Event) -> None:
        """Take an endpoint event; never blocks."""
        contact = event.body.get("contact_info", {})
        if "aor" in contact:
            self._news.append(ContactNews(contact["aor"], contact.get("contact_status", ""), contact.get("uri", "")))
        elif self._is_known(event.body.get("endpoint", {})):
            return
        self._changed.set()

    @property
    def is_behind(self) -> bool:
        """Whether something was heard that no look has followed yet."""
        return self._changed.is_set()

    def _is_known(self, endpoint: Mapping[str, Any]) -> bool:
        """Return whether an endpoint is in the state that it was in: Asterisk tells of each call that comes or goes."""
        name, state = str(endpoint.get("resource")), str(endpoint.get("state"))
        before = self._states.get(name)
        self._states[name] = state
        return state == before

    async def run(self) -> None:
        """Follow the devices until cancelled. One look serves all the events that arrived meanwhile."""
        news: list[ContactNews] = []
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                news += [one for one in self._news if self._follow(one)]
                self._news = []
                try:
                    await self._take_over(news)
                    await self.look("registration or OPTIONS")
                except AriError as problem:
                    self._states.clear()  # so that the next event leads to a look
                    log.warning("supervision.asterisk_unavailable", problem=shown(problem))
                except (sa.exc.DBAPIError, sa.exc.TimeoutError) as problem:
                    log.warning("supervision.database_away", problem=shown(problem))
                    self._changed.set()  # the news stays, and returned devices are called after it
                    await asyncio.sleep(AWAY_SECONDS)
                    continue
                await self._plan_checks(news)
                news = []
        finally:
            self._forget_missing()

    async def _take_over(self, news: Sequence[ContactNews]) -> None:
        """Store what contacts tell about devices; their accounts change before the studio calls them."""
        if not news:
            return
        changes = await self._database.run(lambda session: _store(session, news))
        if changes:
            await self._push()

    def _follow(self, news: ContactNews) -> bool:
        """Follow the contact of a device; return False for belated news of a contact that is no longer its own."""
        code, known = news.code, self._contacts.get(news.code)
        is_current = known in (news.uri, None) and code not in self._left
        if news.status == ContactStatus.NEW or (news.status == ContactStatus.REACHABLE and is_current):
            missed = self._missing.pop(code, None)
            if missed is not None:
                missed.cancel()
            self._contacts[code] = news.uri
            self._left.discard(code)
            if missed is not None or known != news.uri:
                self._back[code] = self._back.get(code, False) or known != news.uri
        elif not is_current:
            return False
        elif news.status == ContactStatus.UNREACHABLE:
            self._wait_for(code, self._patience)
        elif news.status == ContactStatus.REMOVED:
            self._left.add(code)
            self._back.pop(code, None)
            self._contacts.pop(code, None)
            if code in self._missing:
                self._give_up(code)
        return True

    def _wait_for(self, code: str, seconds: float) -> None:
        """Count a device as lost after some seconds without news of it."""
        if code in self._missing:
            self._missing.pop(code).cancel()
        self._missing[code] = asyncio.get_running_loop().call_later(seconds, self._give_up, code)

    def _give_up(self, code: str) -> None:
        self._missing.pop(code).cancel()
        self._contacts.pop(code, None)  # when it answers again, it was probably restarted
        self._lost(code)

    def _forget_missing(self) -> None:
        for timer in self._missing.values():
            timer.cancel()
        self._missing.clear()

    async def _plan_checks(self, news: Sequence[ContactNews]) -> None:
        moved = {}
        for one in news:
            address = direct_calls.address_of(one.uri) if one.status == ContactStatus.REACHABLE else None
            if address is not None and self._addresses.get(one.code) != address.ip:
                self._addresses[one.code] = moved[one.code] = address.ip
        if moved and self._check_direct_calls:
            await self._database.until_written(lambda session: direct_calls.seen_at(session, moved, now()))

    async def look(self, why: str) -> None:
        """Compare every speaker with Asterisk's state, and tell of those that can be reached again or no longer can."""
        endpoints = await self._client.endpoints()
        self._states = {endpoint["resource"]: endpoint["state"] for endpoint in endpoints}
        online = {name for name, state in self._states.items() if state == ONLINE}
        for code in await self._note(online, why):
            if code in online:
                self._back.setdefault(code, False)  # a broadcast that began before may wait for it
            elif code not in self._contacts:
                self._lost(code)
            elif code not in self._missing:
                self._wait_for(code, EVENT_SECONDS)
        back, self._back = self._back, {}
        for code, moved in back.items():
            self._returned(code, moved=moved)

    async def asterisk_lost(self) -> None:
        """Mark every speaker as unreachable. That says nothing about the device: a call ends with its channel."""
        self._forget_missing()
        self._contacts.clear()
        self._left.clear()
        self._back.clear()
        self._states.clear()
        await self._note(set(), reachability.ASTERISK_DOWN)

    async def _note(self, online: set[str], why: str) -> list[str]:
        """Store which speakers can be reached, and return those for which this is news."""
        registered = {code for code, moved in self._back.items() if moved}
        differs = partial(
            reachability.is_something_to_note, reachable_codes=online, node=self._node, registered=registered
        )
        if not await self._database.look(differs):  # most events tell nothing new, and writing makes others wait
            return []
        news = await self._database.run(
            lambda session: reachability.note_all(session, online, why, now(), self._node, registered)
        )
        for code in news:
            if code in online:
                log.info("speaker.reachable", speaker=code, seen_by=why)
            else:
                log.info("speaker.unreachable", speaker=code, seen_by=why, problem=NO_CONTACT)
        return list(news)


def _store(session: Session, news: Sequence[ContactNews]) -> bool:
    """Store what events of contacts say about their devices; return whether an account changes by it."""
    codes = {one.code for one in news}
    rows: dict[str, Speaker | Phone] = {
        row.code: row
        for row in (
            *session.scalars(sa.select(Speaker).where(Speaker.code.in_(codes))),
            *session.scalars(sa.select(Phone).where(Phone.code.in_(codes))),
        )
    }
    return any([rows[one.code].note(one) for one in news if one.code in rows])
