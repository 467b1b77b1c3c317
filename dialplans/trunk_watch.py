"""Monitoring of carriers that we register with: their answers update the rows of trunks, and raise alarms.

ARI has no word for registrations that we make, so they come from Asterisk's metrics.
"""

import asyncio
import datetime
import re
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from dialplans.accounts import registered_as, with_port
from dialplans.carrier_certificates import TLS_PORT, why_untrusted
from haichieu.alarms import AlarmKind, alarm_is_over, open_alarms, raise_alarm
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.locale import message
from haichieu.sip.models import Trunk, TrunkState

log = structlog.get_logger()

EVERY_SECONDS = 10.0
VERIFY_SECONDS = 60.0
PATIENCE = datetime.timedelta(minutes=1)
"""A silence shorter than this raises no alarm: Asterisk repeats a lost REGISTER within this time."""

_REGISTERED, _REJECTED = 1, 2
_METRIC = re.compile(r'^asterisk_pjsip_outbound_registration_status\{[^}]*username="([^"]+)"[^}]*\} (\d)', re.MULTILINE)
_GOOD = (TrunkState.REGISTERED, TrunkState.BY_ADDRESS)


@dataclass(frozen=True)
class Seen:
    """What Asterisk says: registrations (by their URI), endpoints that answer, and accounts that it does not take.

    `untrusted` are the carriers whose TLS certificate is not valid, with the reason.
    """

    registrations: Mapping[str, int]
    online: Collection[str]
    refused: Collection[str]
    untrusted: Mapping[str, str] = field(default_factory=dict)


class TrunkWatch:
    """Keeps `Trunk.state` equal to what Asterisk knows, on the machine where calls arrive."""

    def __init__(
        self,
        client: AriClient,
        database: Database,
        refused: Callable[[], Collection[str]],
        authorities: Path | None = None,
    ) -> None:
        """`refused` returns the accounts that Asterisk does not take.

        `authorities` is the file by which carriers are verified over TLS; without it they are not.
        """
        self._authorities = authorities
        self._untrusted: dict[str, str] = {}
        self._verify_at = 0.0
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
        found = registrations(await self._client.metrics())
        seen = Seen(found, online, self._refused(), await self._verify(found))
        names = await self._database.look(lambda session: _names(session, seen.refused))
        lost = await asyncio.to_thread(_unknown_to_dns, names)
        # Nothing is written while nothing changes: a write wakes every process.
        if await self._database.look(lambda session: bool(news(session, seen, lost, now()))):
            await self._database.run(lambda session: note(session, seen, lost, now()))

    async def _verify(self, found: Mapping[str, int]) -> Mapping[str, str]:
        """Return the carriers whose certificate is not valid; Asterisk does not say why it does not connect."""
        if self._authorities is not None and time.monotonic() >= self._verify_at:
            self._verify_at = time.monotonic() + VERIFY_SECONDS
            places = await self._database.look(lambda session: places_to_verify(session, found))
            self._untrusted = await asyncio.to_thread(_why_untrusted, places, self._authorities)
        return self._untrusted


def registrations(metrics: str) -> dict[str, int]:
    """Return the state of each registration from Asterisk's metrics, by the URI that is registered."""
    return {uri: int(state) for uri, state in _METRIC.findall(metrics)}


def state_of(trunk: Trunk, seen: Seen, without_address: Mapping[str, str]) -> TrunkState | None:
    """Return the state of a trunk; None while its first registration is under way."""
    if trunk.code in seen.refused:
        return TrunkState.NO_ADDRESS if trunk.code in without_address else TrunkState.FAULTY
    registration = _registration_of(trunk, seen.registrations)
    if registration == _REGISTERED:
        return TrunkState.REGISTERED
    if trunk.code in seen.untrusted:
        return TrunkState.UNTRUSTED
    if not trunk.register:
        return TrunkState.BY_ADDRESS
    answers = trunk.code in seen.online
    if not answers:
        return TrunkState.SILENT
    return TrunkState.REFUSED if registration == _REJECTED else None


def _registration_of(trunk: Trunk, registrations: Mapping[str, int]) -> int | None:
    if not trunk.register:
        return None
    return registrations.get(registered_as(trunk.username, trunk.host, trunk.port, trunk.domain))


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
            why = f"{state}.{seen.untrusted[trunk.code]}" if state is TrunkState.UNTRUSTED else str(state)
            raise_alarm(session, AlarmKind.TRUNK_DOWN, trunk.code, message(f"trunk.alarm.{why}", host=host))


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


def places_to_verify(session: Session, registrations: Mapping[str, int]) -> dict[str, tuple[str, str, int]]:
    """Return the name, address and port of each carrier over TLS with which we are not registered."""
    places = {}
    for trunk in session.scalars(sa.select(Trunk).where(Trunk.transport == "tls")):
        if _registration_of(trunk, registrations) != _REGISTERED:
            place = trunk.proxy or with_port(trunk.host, trunk.port)
            found = trunk.found.get(place) or [place]
            host, _, port = found[0].partition(":")
            places[trunk.code] = (place.partition(":")[0], host, int(port or TLS_PORT))
    return places


def _why_untrusted(places: Mapping[str, tuple[str, str, int]], authorities: Path) -> dict[str, str]:
    why = {code: why_untrusted(host, port, name, authorities) for code, (name, host, port) in places.items()}
    return {code: reason for code, reason in why.items() if reason}


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
