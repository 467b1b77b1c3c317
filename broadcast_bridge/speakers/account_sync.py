"""Synchronisation of Asterisk's SIP accounts with the rows of speakers, phones and trunks, without a reload.

Only differences from the last push are sent, so that running calls are not affected. After Asterisk restarts everything
is pushed again, and accounts without a row are deleted.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker
from broadcast_bridge.speakers.direct_sound_rule import allows_direct_sound
from dialplans.account_file import MODULES, AccountFile
from dialplans.accounts import (
    FAN_OUT,
    FINGERPRINT,
    PROXY,
    DynamicObject,
    fan_out_account,
    ha1,
    node_account,
    node_endpoint,
    phone_account,
    proxy_account,
    speaker_account,
    trunk_account,
)
from dialplans.registration import DIRECT, Registration
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriRefused, NoSuchThing
from haichieu.database import Database
from haichieu.errors import shown
from haichieu.locale import message
from haichieu.nodes import node_password, other_nodes
from haichieu.sip.models import Phone, Trunk
from haichieu.vault import Vault

log = structlog.get_logger()

CANNOT_UPDATE = 403
GONE_SECONDS = 1.0

Account = tuple[DynamicObject, ...]
Accounts = dict[str, Account]
OBJECT_TYPES = ("registration", "identify", "endpoint", "aor", "auth")
"""In the order of deletion: no object may refer to a deleted one."""
BEFORE_ENDPOINTS = ("auth", "aor")


class AccountSync:
    """Pushes accounts to one Asterisk."""

    def __init__(
        self,
        client: AriClient,
        database: Database,
        vault: Vault,
        file: AccountFile,
        qualify_seconds: int,
        *,
        fan_out: bool = False,
        node: str = "",
        authorities: Callable[[list[str]], None] = lambda _: None,
        registration: Registration = DIRECT,
    ) -> None:
        """`node` is the name of this one among those that share a PostgreSQL.

        `authorities` stores the certificates of authorities that trunks bring with them.
        """
        self._authorities = authorities
        self._certificates: list[str] | None = None
        self._node = node
        self._fan_out = fan_out
        self._registration = registration
        self._client = client
        self._database = database
        self._vault = vault
        self._file = file
        self._qualify_seconds = qualify_seconds
        self._pushed: Accounts = {}
        self._refused: Accounts = {}
        """Accounts that Asterisk rejects; tried again when they have changed, and after a reconnection."""
        self._unreadable: frozenset[str] = frozenset()
        """Accounts whose password the station's key does not open; they are not pushed."""
        self._turn = asyncio.Lock()
        """A reconnection and a change of rows may come together; they are handled one after the other."""

    def refused(self) -> frozenset[str]:
        """Return the accounts that Asterisk does not take."""
        return frozenset(self._refused)

    async def push_refused(self) -> None:
        """Try the refused accounts again: the name of a carrier's host may be known now."""
        async with self._turn:
            again, self._refused = self._refused, {}
            if again:
                await self._push(self._pushed | again)

    async def push_all(self) -> None:
        """Push every account after a (re)connection, and delete those that are no longer ours."""
        async with self._turn:
            wanted = await self._readable()
            endpoints = await self._client.endpoints()
            ours = {item.id for account in wanted.values() for item in account}
            for stale in {endpoint["resource"] for endpoint in endpoints} - ours:
                await self._remove_everything(stale)
            self._pushed, self._refused = {}, {}
            await self._push(wanted)

    async def push_changes(self) -> bool:
        """Push the differences from the last time, and return whether there were any."""
        async with self._turn:
            wanted = await self._readable()
            known = self._pushed | self._refused
            if wanted == known:
                return False
            for code in known.keys() - wanted.keys():
                await self._remove_objects(known[code])
                self._forget(code)
            await self._push(wanted)
            return True

    async def _push(self, wanted: Accounts) -> None:
        known = self._pushed | self._refused
        fresh = {code: account for code, account in wanted.items() if known.get(code) != account}
        for code, account in fresh.items():
            self._forget(code)
            await self._remove_objects(known.get(code, ()), account)
        # Asterisk looks through all endpoints for each new AOR: with thousands of both, endpoints come last.
        for is_before in (True, False):
            for code, account in fresh.items():
                if code not in self._refused:
                    await self._put_part(code, account, is_before=is_before)
        self._pushed |= {code: account for code, account in fresh.items() if code not in self._refused}
        await asyncio.to_thread(self._file.write, [item for account in wanted.values() for item in account])
        if fresh:
            await self._client.watch_endpoints(self._pushed.keys() & fresh.keys() - {FAN_OUT, PROXY} - self._nodes())
            log.info("accounts.pushed", count=len(fresh))

    def _nodes(self) -> set[str]:
        return {code for code in self._pushed if code.startswith(node_endpoint(""))}

    def _forget(self, code: str) -> None:
        self._pushed.pop(code, None)
        self._refused.pop(code, None)

    async def _put_part(self, code: str, account: Account, *, is_before: bool) -> None:
        """Put those objects of an account that come before its endpoint, or the others.

        An account that Asterisk rejects must not stop the others.
        """
        try:
            for item in account:
                if is_before == (item.object_type in BEFORE_ENDPOINTS):
                    await self._put_from_memory(item)
        except AriRefused as problem:
            log.error("account.refused", account=code, problem=shown(problem))
            self._refused[code] = account

    async def _put_from_memory(self, item: DynamicObject) -> None:
        try:
            await self._put(item)
        except AriRefused as refusal:
            if refusal.status != CANNOT_UPDATE:
                raise
            # Asterisk has just started from the file, and objects from the file cannot be changed.
            await self._forget_file()
            await self._put(item)

    async def _forget_file(self) -> None:
        """Make Asterisk forget the accounts that it read from the file; registrations are stored elsewhere."""
        await asyncio.to_thread(self._file.write, [])
        for module in MODULES:
            await self._client.request(operations.RELOAD_MODULE, moduleName=module)

    async def _put(self, item: DynamicObject) -> None:
        if FINGERPRINT in item.fields and not await self._is_to_create(item):
            return
        if item.object_type == "identify" or "contact" in item.fields:
            # An update would leave what the list has already.
            with contextlib.suppress(NoSuchThing):
                await self._client.request(
                    operations.DELETE_OBJECT, configClass="res_pjsip", objectType=item.object_type, id=item.id
                )
        fields = [{"attribute": name, "value": value} for name, value in item.fields.items()]
        await self._client.request(
            operations.PUT_OBJECT,
            body={"fields": fields},
            configClass="res_pjsip",
            objectType=item.object_type,
            id=item.id,
        )

    async def _is_to_create(self, endpoint: DynamicObject) -> bool:
        """Return False if Asterisk has this endpoint; delete one with other fields, which an update would corrupt."""
        try:
            existing = await self._client.request(
                operations.GET_OBJECT, configClass="res_pjsip", objectType=endpoint.object_type, id=endpoint.id
            )
        except NoSuchThing:
            return True
        if {"attribute": FINGERPRINT, "value": endpoint.fields[FINGERPRINT]} in existing:
            return False
        await self._client.request(
            operations.DELETE_OBJECT, configClass="res_pjsip", objectType=endpoint.object_type, id=endpoint.id
        )
        await self._until_gone(endpoint.id)
        return True

    async def _until_gone(self, code: str) -> None:
        """Wait until a deleted endpoint cannot be queried any more: late deletion would remove its successor too.

        An endpoint in a call exists until the end of that call; this does not wait for it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE_SECONDS):
                while code in {endpoint["resource"] for endpoint in await self._client.endpoints()}:  # noqa: ASYNC110 (no event tells)
                    await asyncio.sleep(0.02)

    async def _remove_objects(
        self, account: tuple[DynamicObject, ...], successor: tuple[DynamicObject, ...] = ()
    ) -> None:
        """Delete what belongs to an account and not to its successor."""
        for item_id in {item.id for item in account} - {item.id for item in successor}:
            await self._remove_everything(item_id)

    async def _remove_everything(self, code: str) -> None:
        for object_type in OBJECT_TYPES:
            try:
                await self._client.request(
                    operations.DELETE_OBJECT, configClass="res_pjsip", objectType=object_type, id=code
                )
            except (NoSuchThing, AriRefused) as absence:
                log.debug("account.part_absent", account=code, part=object_type, answer=str(absence))
        log.info("account.removed", account=code)

    async def _readable(self) -> Accounts:
        """Return the wanted accounts, and raise an alarm for each whose password cannot be read."""
        wanted, certificates = await self._database.look(
            lambda session: (self._wanted(session), _certificates(session))
        )
        if certificates != self._certificates:
            await asyncio.to_thread(self._authorities, certificates)
            self._certificates = certificates
        unreadable = frozenset(code for code, account in wanted.items() if account is None)
        if unreadable != self._unreadable:
            await self._database.run(lambda session: _report(session, unreadable, self._unreadable - unreadable))
            self._unreadable = unreadable
        return {code: account for code, account in wanted.items() if account is not None}

    def _wanted(self, session: Session) -> dict[str, Account | None]:
        speakers = session.scalars(sa.select(Speaker).where(Speaker.removed_at.is_(None), Speaker.multicast == ""))
        rows = (*speakers, *session.scalars(sa.select(Phone)), *session.scalars(sa.select(Trunk)))
        accounts = {row.code: self._account(row) for row in rows}
        for other in other_nodes(session, self._node) if self._node else ():
            accounts[node_endpoint(other.name)] = node_account(
                other.name, self._node, other.sip, node_password(self._vault)
            )
        if self._fan_out:
            accounts[FAN_OUT] = fan_out_account()
        if self._registration.through_proxy:
            accounts[PROXY] = proxy_account()
        return accounts

    def _account(self, row: Speaker | Phone | Trunk) -> Account | None:
        password = self._vault.try_unlock(row.password_locked) if row.password_locked else ""
        if password is None:
            return None
        if isinstance(row, Speaker):
            return speaker_account(
                row.code,
                ha1(row.code, password),
                row.codecs,
                self._qualify_seconds if row.is_asked else 0,
                encrypted=row.encrypted,
                behind_nat=row.sends_from_elsewhere,
                direct_media=self._fan_out and allows_direct_sound(row),
                registration=self._registration,
            )
        if isinstance(row, Phone):
            return phone_account(
                row.code,
                ha1(row.code, password),
                row.caller_number,
                encrypted=row.encrypted,
                behind_nat=row.sends_from_elsewhere,
                qualified=row.is_asked,
                registration=self._registration,
            )
        return trunk_account(
            row.code,
            row.host,
            row.port,
            register=row.register,
            username=row.username,
            password=password,
            texts=row.texts,
            hosts=row.hosts,
            transport=row.transport,
            proxy=row.proxy,
            domain=row.domain,
            caller_number=row.caller_number,
            withhold_number=row.withhold_number,
            found=row.found,
        )


def _certificates(session: Session) -> list[str]:
    return list(session.scalars(sa.select(Trunk.ca_certificate).where(Trunk.ca_certificate != "")))


def _report(session: Session, unreadable: Iterable[str], readable_again: Iterable[str]) -> None:
    for code in unreadable:
        raise_alarm(session, AlarmKind.SECRET_UNREADABLE, code, message("account.secret_unreadable", code=code))
    for code in readable_again:
        alarm_is_over(session, AlarmKind.SECRET_UNREADABLE, code)
