"""Collaborators of the web process: the database, and the keys and stores in the station's home."""

import secrets
from dataclasses import dataclass

from feedback.citizens.registry import CitizenBook, open_citizens
from haichieu.database import Database
from haichieu.media import MediaStore
from haichieu.media_from_nodes import media_from_nodes
from haichieu.settings import Settings
from haichieu.speech.station_voices import station_voices
from haichieu.speech.synthesis import Voices
from haichieu.vault import Vault, open_vault, station_secret


@dataclass(frozen=True)
class Panel:
    """The collaborators of pages and API. `signing_key` signs the cookie of forms and messages."""

    database: Database
    settings: Settings
    vault: Vault
    citizens: CitizenBook
    store: MediaStore
    synthesiser: Voices
    signing_key: bytes

    @property
    def is_https(self) -> bool:
        """Whether the panel is served over TLS; cookies are then sent over TLS only."""
        return self.settings.public_url.startswith("https://")


def open_panel(database: Database, settings: Settings) -> Panel:
    """Open the stores in the station's home; keys are created on first use."""
    home = settings.home.absolute()
    files = media_from_nodes(database, settings)
    return Panel(
        database,
        settings,
        open_vault(home),
        open_citizens(home),
        files.store if files else MediaStore(home / "media", settings.min_free_megabytes),
        station_voices(settings),
        station_secret(home, "web.key", lambda: secrets.token_bytes(32)),
    )
