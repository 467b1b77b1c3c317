"""A station's home, opened once per process."""

from pathlib import Path

from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings


def test_opening_makes_the_database_and_nothing_else(tmp_path: Path) -> None:
    station = open_station(load_settings(home=tmp_path, database_url=f"sqlite:///{tmp_path / 'one.sqlite'}"))
    with station.database.session():
        assert not (tmp_path / "secrets").exists()
        assert not (tmp_path / "media").exists()
    assert station.vault.unlock(station.vault.lock("secret")) == "secret"
    assert (tmp_path / "secrets" / "station.key").exists()
    assert station.vault is station.vault
    assert station.recordings == tmp_path / "spool" / "recording"
