"""A station's home, opened once per process: settings, database, vault, media, citizens and voices."""

import contextlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from haichieu.database import Database, migrate
from haichieu.home import HomeLock, enter_home
from haichieu.media import MediaStore
from haichieu.nodes import require_schema
from haichieu.settings import Settings
from haichieu.station_keys import check_keys
from haichieu.vault import Vault, open_vault

if TYPE_CHECKING:
    from feedback.citizens.registry import CitizenBook
    from haichieu.media_from_nodes import MediaFromNodes
    from haichieu.outgoing import OutgoingRule
    from haichieu.speech.station_voices import StationVoices


class OpenedStation:
    """Resources that the parts of a process or a command share. Each is opened on first use."""

    def __init__(self, settings: Settings, database: Database | None = None, lock: HomeLock | None = None) -> None:
        self.settings = settings
        self.lock = lock
        self.home = settings.home.absolute()
        self.database = database or Database(settings.resolved_database_url)

    @cached_property
    def vault(self) -> Vault:
        """The secrets in the database; makes the station's key on first use."""
        return open_vault(self.home)

    @cached_property
    def media(self) -> MediaStore:
        """The sound files of the database."""
        if files := self.media_from_nodes:
            return files.store
        return MediaStore(self.home / "media", self.settings.min_free_megabytes)

    @cached_property
    def media_from_nodes(self) -> "MediaFromNodes | None":
        """What fetches sound files from other nodes; None on SQLite, which one station has for itself."""
        from haichieu.media_from_nodes import media_from_nodes

        return media_from_nodes(self.database, self.settings)

    @cached_property
    def citizens(self) -> "CitizenBook":
        """The registry of citizens by telephone number."""
        from feedback.citizens.registry import open_citizens

        return open_citizens(self.home)

    @cached_property
    def synthesiser(self) -> "StationVoices":
        """The voices that read texts aloud."""
        from haichieu.speech.station_voices import station_voices

        return station_voices(self.settings)

    @cached_property
    def outgoing(self) -> "OutgoingRule":
        """The rule for the numbers that the station calls and texts by itself."""
        from haichieu.outgoing import outgoing_rule

        return outgoing_rule(self.settings)

    @property
    def recordings(self) -> Path:
        """The folder in which Asterisk leaves recordings made through ARI."""
        from dialplans.configuration import spool_folder

        return spool_folder(self.settings) / "recording"


def open_station(settings: Settings) -> OpenedStation:
    """Enter the home, migrate the database, check the keys and open the station. Raises EnvironmentProblem."""
    lock = enter_home(settings.home.absolute())
    station = OpenedStation(settings, lock=lock)
    with contextlib.suppress(sa.exc.OperationalError):  # migrating says in words why it cannot be opened
        require_schema(station.database, settings.node)
    migrate(settings.resolved_database_url)
    check_keys(station.home, station.database.engine)
    return station
