"""Encryption that is switched on and off while accounts are in use."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from broadcast_bridge.speakers.account_sync import AccountSync
from dialplans.account_file import AccountFile
from dialplans.accounts import CLEAR_DOMAIN
from haichieu.ari.client import AriClient
from haichieu.ari.errors import NoSuchThing
from haichieu.ari.operations import DELETE_OBJECT, GET_OBJECT, PUT_OBJECT, Operation
from haichieu.database import Database
from haichieu.sip.models import Phone
from haichieu.vault import open_vault

pytestmark = pytest.mark.asyncio

CLEAR = f"desk@{CLEAR_DOMAIN}"


class Asterisk(AriClient):
    """Stores endpoints as the real one does: an update changes the given fields alone."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 9, "", unclaimed=lambda event: None)
        self.stored: dict[str, dict[str, str]] = {}

    async def request(self, operation: Operation, **parameters: Any) -> Any:
        if parameters.get("objectType") != "endpoint":
            return None
        if operation == PUT_OBJECT:
            fields = {field["attribute"]: field["value"] for field in parameters["body"]["fields"]}
            self.stored.setdefault(parameters["id"], {}).update(fields)
        elif operation == DELETE_OBJECT and self.stored.pop(parameters["id"], None) is None:
            raise NoSuchThing(404, operation.path, parameters["id"])
        elif operation == GET_OBJECT:
            if parameters["id"] not in self.stored:
                raise NoSuchThing(404, operation.path, parameters["id"])
            fields = self.stored[parameters["id"]]
            return [{"attribute": name, "value": value} for name, value in fields.items()]
        return None

    async def endpoints(self) -> list[Any]:
        return [{"resource": name} for name in self.stored]

    async def watch_endpoints(self, names: object) -> None:
        """Watch nothing."""


def switch(database: Database, on: bool) -> None:
    with database.session() as session:
        session.scalars(sa.select(Phone)).one().encrypted = on


async def test_encryption_is_switched_on_and_off(database: Database, tmp_path: Path) -> None:
    vault, asterisk = open_vault(tmp_path), Asterisk()
    accounts = AccountSync(asterisk, database, vault, AccountFile(tmp_path), 0)
    with database.session() as session:
        session.add(Phone(code="desk", name="desk", password_locked=vault.lock("secret"), caller_number="101"))
    await accounts.push_all()
    assert asterisk.stored.keys() == {"desk"}

    switch(database, True)
    await accounts.push_changes()
    assert asterisk.stored.keys() == {"desk", CLEAR}
    assert (asterisk.stored["desk"]["media_encryption"], asterisk.stored["desk"]["transport"]) == ("sdes", "tls")
    await accounts.push_all()
    assert asterisk.stored.keys() == {"desk", CLEAR}

    switch(database, False)
    await accounts.push_changes()
    assert asterisk.stored.keys() == {"desk"}
    assert (asterisk.stored["desk"]["media_encryption"], asterisk.stored["desk"]["transport"]) == ("no", "")


async def test_nothing_of_a_removed_encrypted_account_stays(database: Database, tmp_path: Path) -> None:
    vault, asterisk = open_vault(tmp_path), Asterisk()
    accounts = AccountSync(asterisk, database, vault, AccountFile(tmp_path), 0)
    with database.session() as session:
        locked = vault.lock("secret")
        session.add(Phone(code="desk", name="desk", password_locked=locked, caller_number="101", encrypted=True))
    await accounts.push_all()
    with database.session() as session:
        session.execute(sa.delete(Phone))
    await accounts.push_changes()
    assert asterisk.stored == {}
