"""What the web process works with, put together once: the database, the keys and stores of the station's home."""

import secrets
from dataclasses import dataclass

from feedback.citizens.registry import CitizenBook, open_citizens
from haichieu.database import Database
from haichieu.media import MediaStore
from haichieu.settings import Settings
from haichieu.speech.synthesis import EspeakSynthesiser, Synthesiser
from haichieu.vault import Vault, open_vault, station_secret


@dataclass(frozen=True)
class Panel:
    """The collaborators of pages and API. `signing_key` signs the cookie of forms and messages."""

    database: Database
    settings: Settings
    vault: Vault
    citizens: CitizenBook
    store: MediaStore
    synthesiser: Synthesiser
    signing_key: bytes

    @property
    def is_https(self) -> bool:
        """Whether people reach the panel over TLS: cookies are then sent over nothing else."""
        return self.settings.public_url.startswith("https://")


def open_panel(database: Database, settings: Settings) -> Panel:
    """Open the stores of the station in the home, making keys on first use."""
    home = settings.home.absolute()
    return Panel(
        database,
        settings,
        open_vault(home),
        open_citizens(home),
        MediaStore(home / "media", settings.min_free_megabytes),
        EspeakSynthesiser(),
        station_secret(home, "web.key", lambda: secrets.token_bytes(32)),
    )
