"""Check at start that the keys in the home belong to the database.

A key that is missing is otherwise made on first use, and everything that the former key encrypted is lost: the
passwords of speakers and phones, the emergency PIN, and citizens' numbers.
"""

from pathlib import Path

import sqlalchemy as sa

from haichieu.errors import EnvironmentProblem
from haichieu.vault import NUMBERS_KEY, STATION_KEY, Vault, keyed_digest

LOCKED = (
    ("station", "emergency_pin_locked"),
    ("speakers", "password_locked"),
    ("phones", "password_locked"),
    ("trunks", "password_locked"),
    ("alert_sources", "secret_locked"),
    ("sources", "password_locked"),
    ("second_factors", "secret_locked"),
    ("citizens", "number_locked"),
    ("citizen_calls", "number_locked"),
    ("voice_drafts", "number_locked"),
    *(("formal_cases", f"{name}_locked") for name in ("name", "address", "phone")),
)
"""The columns that the station's key encrypts."""
IDENTITIES = {"second_factors": "account_id", "formal_cases": "case_id"}
SAMPLES = 3
"""Newest values of each column that are tried: a damaged row does not stop the station."""


class KeyDoesNotFit(EnvironmentProblem):
    """A key in the home is missing, or is not the one that the database was written with."""


def check_keys(home: Path, engine: sa.Engine) -> None:
    """Raise KeyDoesNotFit unless the keys of the home open what is in its database, if anything is."""
    with engine.connect() as connection:
        locked = [row[0] for table, column in LOCKED for row in _newest(connection, table, column)]
        numbers = [(row[0], row[1]) for row in _newest(connection, "citizens", "number_locked", "number_hash")]
    if not locked:
        return
    vault = Vault(_key(home, STATION_KEY))
    if all(vault.try_unlock(value) is None for value in locked):
        raise KeyDoesNotFit("base.keys.other", file=STATION_KEY)
    readable = [(number, digest) for value, digest in numbers if (number := vault.try_unlock(value)) is not None]
    if readable:
        key = _key(home, NUMBERS_KEY)
        if not any(keyed_digest(key, number) == digest for number, digest in readable):
            raise KeyDoesNotFit("base.keys.other", file=NUMBERS_KEY)


def _newest(connection: sa.Connection, table: str, *names: str) -> list[tuple[str, ...]]:
    columns = [sa.column(name, sa.Text) for name in names]
    identity: sa.ColumnClause[int] = sa.column(IDENTITIES.get(table, "id"))
    query = sa.select(*columns).select_from(sa.table(table)).where(columns[0] != "")
    return [tuple(row) for row in connection.execute(query.order_by(identity.desc()).limit(SAMPLES))]


def _key(home: Path, name: str) -> bytes:
    try:
        return (home / "secrets" / name).read_bytes()
    except FileNotFoundError as problem:
        raise KeyDoesNotFit("base.keys.missing", file=name) from problem
