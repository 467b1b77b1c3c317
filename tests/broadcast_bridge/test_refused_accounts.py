"""Accounts that Asterisk rejects: the others work, and nothing is sent again until something changes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from broadcast_bridge.speakers.account_sync import AccountSync
from dialplans.account_file import AccountFile
from haichieu.alarms import open_alarms
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriRefused, NoSuchThing
from haichieu.ari.operations import DELETE_OBJECT, GET_OBJECT, PUT_OBJECT, Operation
from haichieu.database import Database
from haichieu.sip.models import Phone
from haichieu.vault import open_vault

pytestmark = pytest.mark.asyncio


class Asterisk(AriClient):
    """Rejects the accounts in `rejects`, and counts what it is sent by account."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 9, "", unclaimed=lambda event: None)
        self.rejects = {"bad"}
        self.sent: Counter[str] = Counter()
        self.types: list[str] = []
        """The types of the objects that it took, in order."""

    async def request(self, operation: Operation, **parameters: Any) -> None:
        code = parameters.get("id", "")
        if operation in (GET_OBJECT, DELETE_OBJECT):
            raise NoSuchThing(404, operation.path, code)
        if operation == PUT_OBJECT:
            self.sent[code] += 1
            if code in self.rejects:
                raise AriRefused(400, operation.path, "a field that it does not take")
            self.types.append(parameters["objectType"])

    async def endpoints(self) -> list[Any]:
        return []

    async def watch_endpoints(self, names: object) -> None:
        """Watch nothing."""


async def test_rejected_account_is_sent_again_only_when_it_has_changed(database: Database, tmp_path: Path) -> None:
    vault, asterisk = open_vault(tmp_path), Asterisk()
    accounts = AccountSync(asterisk, database, vault, AccountFile(tmp_path), 0)
    with database.session() as session:
        for code, number in (("bad", "101"), ("good", "102")):
            session.add(Phone(code=code, name=code, password_locked=vault.lock("secret"), caller_number=number))

    await accounts.push_all()
    assert asterisk.sent == {"bad": 1, "good": 3}
    assert [await accounts.push_changes() for _ in range(3)] == [False] * 3
    assert asterisk.sent == {"bad": 1, "good": 3}

    with database.session() as session:
        session.scalars(sa.select(Phone).where(Phone.code == "bad")).one().caller_number = "103"
    asterisk.rejects.clear()
    assert await accounts.push_changes()
    assert asterisk.sent == {"bad": 4, "good": 3}
    assert not await accounts.push_changes()

    asterisk.rejects.add("bad")
    await accounts.push_all()
    with database.session() as session:
        session.delete(session.scalars(sa.select(Phone).where(Phone.code == "bad")).one())
    assert [await accounts.push_changes() for _ in range(2)] == [True, False]


async def test_unreadable_password_keeps_no_other_account_off_the_air(database: Database, tmp_path: Path) -> None:
    vault, asterisk = open_vault(tmp_path), Asterisk()
    accounts = AccountSync(asterisk, database, vault, AccountFile(tmp_path), 0)
    with database.session() as session:
        for code, locked in (("damaged", "no secret"), ("good", vault.lock("secret"))):
            session.add(Phone(code=code, name=code, password_locked=locked, caller_number=code))

    await accounts.push_all()
    assert set(asterisk.sent) == {"good"}
    assert not await accounts.push_changes()
    with database.session() as session:
        assert [(alarm.kind, alarm.subject) for alarm in open_alarms(session)] == [("secret_unreadable", "damaged")]
        session.scalars(sa.select(Phone).where(Phone.code == "damaged")).one().password_locked = vault.lock("new")

    assert await accounts.push_changes()
    assert set(asterisk.sent) == {"good", "damaged"}
    with database.session() as session:
        assert open_alarms(session) == []


async def test_aors_of_all_accounts_come_before_the_first_endpoint(database: Database, tmp_path: Path) -> None:
    """Asterisk looks through all its endpoints for each new AOR: with 3,000 of both it took a minute."""
    vault, asterisk = open_vault(tmp_path), Asterisk()
    with database.session() as session:
        for code, number in (("bad", "101"), ("good", "102"), ("better", "103")):
            session.add(Phone(code=code, name=code, password_locked=vault.lock("secret"), caller_number=number))
    await AccountSync(asterisk, database, vault, AccountFile(tmp_path), 0).push_all()
    assert asterisk.types == ["auth", "aor", "auth", "aor", "endpoint", "endpoint"]
