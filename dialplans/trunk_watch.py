"""Monitoring of carriers that we register with: their answers update the rows of trunks, and raise alarms.

ARI has no word for registrations that we make, so they come from Asterisk's metrics.
"""

import asyncio
import datetime
import re
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from dialplans.accounts import registered_as
from haichieu.alarms import AlarmKind, alarm_is_over, open_alarms, raise_alarm
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.locale import message
from haichieu.sip.models import Trunk, TrunkState

log = structlog.get_logger()

EVERY_SECONDS = 10.0
PATIENCE = datetime.timedelta(minutes=1)
"""A silence shorter than this raises no alarm: Asterisk repeats a lost REGISTER within this time."""

_REGISTERED, _REJECTED = 1, 2
_METRIC = re.compile(r'^asterisk_pjsip_outbound_registration_status\{[^}]*username="([^"]+)"[^}]*\} (\d)', re.MULTILINE)
_GOOD = (TrunkState.REGISTERED, TrunkState.BY_ADDRESS)


@dataclass(frozen=True)
class Seen:
    """What Asterisk says: registrations (by their URI), endpoints that answer, and accounts that it does not take."""

    registrations: Mapping[str, int]
    online: Collection[str]
    refused: Collection[str]


class TrunkWatch:
    """Keeps `Trunk.state` equal to what Asterisk knows, on the machine where calls arrive."""

    def __init__(self, client: AriClient, database: Database, refused: Callable[[], Collection[str]]) -> None:
        """`refused` returns the accounts that Asterisk does not take."""
        self._client = client
        self._database = database
        self._refused = refused

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self._client.connected.wait()
            try:
                await self.look()
            except AriError as problem:
                log.warning("trunks.asterisk_unavailable", problem=shown(problem))
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Compare every trunk with Asterisk's state once."""
        if not await self._database.look(lambda session: session.scalar(sa.select(sa.func.count(Trunk.id)))):
            return
        endpoints = await self._client.endpoints()
        online = {endpoint["resource"] for endpoint in endpoints if endpoint["state"] == "online"}
        seen = Seen(registrations(await self._client.metrics()), online, self._refused())
        names = await self._database.look(lambda session: _names(session, seen.refused))
        lost = await asyncio.to_thread(_unknown_to_dns, names)
        # Nothing is written while nothing changes: a write wakes every process.
        if await self._database.look(lambda session: bool(news(session, seen, lost, now()))):
            await self._database.run(lambda session: note(session, seen, lost, now()))


def registrations(metrics: str) -> dict[str, int]:
    """Return the state of each registration from Asterisk's metrics, by the URI that is registered."""
    return {uri: int(state) for uri, state in _METRIC.findall(metrics)}


def state_of(trunk: Trunk, seen: Seen, without_address: Mapping[str, str]) -> TrunkState | None:
    """Return the state of a trunk; None while its first registration is under way."""
    if trunk.code in seen.refused:
        return TrunkState.NO_ADDRESS if trunk.code in without_address else TrunkState.FAULTY
    if not trunk.register:
        return TrunkState.BY_ADDRESS
    answers = trunk.code in seen.online
    registration = seen.registrations.get(registered_as(trunk.username, trunk.host, trunk.port, trunk.domain))
    if registration == _REGISTERED:
        return TrunkState.REGISTERED
    if not answers:
        return TrunkState.SILENT
    return TrunkState.REFUSED if registration == _REJECTED else None


def note(session: Session, seen: Seen, without_address: Mapping[str, str], at: datetime.datetime) -> None:
    """Store the state of each trunk, and raise or clear its alarm; DNS does not know the hosts `without_address`."""
    for trunk, state in news(session, seen, without_address, at):
        if state != trunk.state:
            log.info("trunk.state", trunk=trunk.code, state=str(state), before=trunk.state)
            trunk.state, trunk.state_since = str(state), at
        if state in _GOOD:
            alarm_is_over(session, AlarmKind.TRUNK_DOWN, trunk.code)
        elif _is_down(trunk, state, at):
            host = without_address.get(trunk.code, trunk.host)
            raise_alarm(session, AlarmKind.TRUNK_DOWN, trunk.code, message(f"trunk.alarm.{state}", host=host))


def news(
    session: Session, seen: Seen, without_address: Mapping[str, str], at: datetime.datetime
) -> list[tuple[Trunk, TrunkState]]:
    """Return the trunks whose row or alarm is to change, each with its state now."""
    alarmed = {alarm.subject for alarm in open_alarms(session) if alarm.kind == AlarmKind.TRUNK_DOWN}
    found = []
    for trunk in session.scalars(sa.select(Trunk).order_by(Trunk.id)):
        state = state_of(trunk, seen, without_address)
        if state is None:
            continue
        to_clear = state in _GOOD and trunk.code in alarmed
        to_raise = _is_down(trunk, state, at) and trunk.code not in alarmed
        if state != trunk.state or to_clear or to_raise:
            found.append((trunk, state))
    return found


def _is_down(trunk: Trunk, state: TrunkState, at: datetime.datetime) -> bool:
    """Return whether a trunk in this state is worth an alarm; a short silence is not."""
    if state is TrunkState.SILENT:
        return at - (trunk.state_since or at) >= PATIENCE
    return state not in _GOOD


def _names(session: Session, codes: Collection[str]) -> dict[str, list[str]]:
    """Return the hosts of these trunks, without ports and networks."""
    trunks = session.scalars(sa.select(Trunk).where(Trunk.code.in_(codes)))
    return {
        trunk.code: [
            host.partition(":")[0] for host in (trunk.host, *trunk.hosts, trunk.proxy) if host and "/" not in host
        ]
        for trunk in trunks
    }


def _unknown_to_dns(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the first host of each trunk that has no address. Blocks while DNS is asked."""
    unknown = ((code, host) for code, hosts in names.items() for host in reversed(hosts) if not _resolves(host))
    return dict(unknown)


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None, socket.AF_INET)
    except OSError:
        return False
    return True
