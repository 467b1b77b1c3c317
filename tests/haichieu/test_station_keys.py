"""A database and the keys beside it belong together, or the station does not start."""

import shutil
from pathlib import Path

import pytest

from feedback.citizens.registry import open_citizens
from haichieu.database import Base, Database, now
from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings
from haichieu.sip.models import Phone
from haichieu.station_keys import LOCKED, KeyDoesNotFit, check_keys
from haichieu.vault import NUMBERS_KEY, STATION_KEY, open_vault

pytestmark = pytest.mark.both_databases


def test_every_encrypted_column_is_checked() -> None:
    columns = {(name, column.name) for name, table in Base.metadata.tables.items() for column in table.columns}
    assert {pair for pair in columns if pair[1].endswith("_locked")} == set(LOCKED)


@pytest.fixture
def home(database: Database, tmp_path: Path) -> Path:
    """A home with a phone and a citizen, and the keys of both."""
    home = tmp_path / "home"
    with database.session() as session:
        session.add(Phone(code="p", name="p", password_locked=open_vault(home).lock("secret"), caller_number="101"))
        open_citizens(home).meet(session, "+84912345678", now())
    return home


def test_fitting_keys_are_accepted_and_so_is_an_empty_database(database: Database, home: Path, tmp_path: Path) -> None:
    check_keys(home, database.engine)
    with database.session() as session:
        for table in ("phones", "citizens"):
            session.execute(Base.metadata.tables[table].delete())
    check_keys(tmp_path / "new", database.engine)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", [STATION_KEY, NUMBERS_KEY])
def test_missing_key_is_an_error_and_no_new_one_is_made(database: Database, home: Path, name: str) -> None:
    (home / "secrets" / name).unlink()
    with pytest.raises(KeyDoesNotFit, match=name):
        check_keys(home, database.engine)
    assert not (home / "secrets" / name).exists()


@pytest.mark.parametrize("name", [STATION_KEY, NUMBERS_KEY])
def test_key_of_another_station_is_an_error(database: Database, home: Path, tmp_path: Path, name: str) -> None:
    open_citizens(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "secrets" / name, home / "secrets" / name)
    with pytest.raises(KeyDoesNotFit, match=name):
        check_keys(home, database.engine)


def test_one_damaged_secret_does_not_stop_the_station(database: Database, home: Path) -> None:
    with database.session() as session:
        session.add(Phone(code="q", name="q", password_locked="damaged", caller_number="102"))
    check_keys(home, database.engine)


def test_station_whose_secrets_are_lost_does_not_start(database: Database, home: Path) -> None:
    shutil.rmtree(home / "secrets")
    url = database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(KeyDoesNotFit, match=STATION_KEY):
        open_station(load_settings(home=home, database_url=url))
