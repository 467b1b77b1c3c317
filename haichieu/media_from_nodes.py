"""Sound files of other nodes: a node fetches those that it lacks over HTTP, and checks their digests.

Nodes share a database and the keys in `secrets/`, of which the token that they show each other is made. A fetch that
was interrupted continues with the next attempt. Whatever arrives damaged is dropped, and the next node is asked.
"""

import contextlib
import fcntl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa
import structlog

from haichieu.database import Database
from haichieu.errors import EnvironmentProblem, HaiChieuError
from haichieu.locale import Message, message
from haichieu.media import Media, MediaStore, Part
from haichieu.nodes import nodes_up
from haichieu.resumable_download import DownloadFailed, download
from haichieu.settings import Settings
from haichieu.vault import Vault, open_vault

log = structlog.get_logger()

ROUTE = "/nodes/media/"
HEADER = "X-Haichieu-Node"
FOLDER = "fetching"
"""Where files are in the store until they are whole."""
SILENT_SECONDS = 5.0
AGAIN_SECONDS = 20.0
"""A file that no node could give is not asked for again before this time, unless a broadcast needs it."""


class NotFetched(EnvironmentProblem):
    """No other node could give a file."""


def token_of(vault: Vault) -> str:
    """Return what the nodes of one database show each other."""
    return vault.digest("media between nodes")


def media_from_nodes(database: Database, settings: Settings) -> "MediaFromNodes | None":
    """Return what fetches files for the node of these settings; None on SQLite, where there are no nodes."""
    if database.is_sqlite:
        return None
    home = settings.home.absolute()
    return MediaFromNodes(database, settings.node, open_vault(home), home / "media", settings.min_free_megabytes)


class MediaFromNodes:
    """Fetches for one node."""

    def __init__(self, database: Database, node: str, vault: Vault, folder: Path, min_free_megabytes: int) -> None:
        self._database = database
        self._node = node
        self._vault = vault
        self._failed: dict[str, float] = {}
        """When a file could not be fetched last, by digest (`time.monotonic`)."""
        self.store = MediaStore(folder, min_free_megabytes, self._fetch_quietly)
        """The store of this node, which fetches what it lacks."""

    def fetch(self, media: Media) -> None:
        """Fetch the files of a row that are missing here; blocks. Raises NotFetched or DiskFull."""
        for part in self.store.missing(media):
            self.store.require_space(part.bytes)
            try:
                self._fetch(part)
            except NotFetched:
                self._failed[part.sha256] = time.monotonic()
                raise
            self._failed.pop(part.sha256, None)

    def _fetch_quietly(self, media: Media) -> None:
        if time.monotonic() - self._failed.get(media.sha256, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return
        try:
            self.fetch(media)
        except (HaiChieuError, OSError, sa.exc.SQLAlchemyError) as problem:
            log.warning("media.not_fetched", sha256=media.sha256, problem=str(problem))

    def _fetch(self, part: Part) -> None:
        """Ask the other nodes in turn for one file."""
        refusals: list[Message] = []
        with self._turn(part) as arriving:
            if part.path.exists():  # another process of this node was faster
                return
            for node, address in self._others().items():
                try:
                    download(
                        f"{address}{ROUTE}{part.path.name}",
                        arriving,
                        part.bytes,
                        part.sha256,
                        headers={HEADER: token_of(self._vault)},
                        silent_seconds=SILENT_SECONDS,
                    )
                except DownloadFailed as problem:
                    refusals.append(message("base.nodes.refusal", node=node, why=problem.message))
                    continue
                part.path.parent.mkdir(parents=True, exist_ok=True)
                arriving.replace(part.path)
                log.info("media.fetched", file=part.path.name, node=node, bytes=part.bytes)
                return
        nobody = message("base.nodes.nobody")
        raise NotFetched("base.nodes.not_fetched", file=part.path.name[:12], why=Message.lines(refusals or [nobody]))

    def _others(self) -> Mapping[str, str]:
        with self._database.reading() as session:
            return {one.name: one.address for one in nodes_up(session) if one.name != self._node and one.address}

    @contextlib.contextmanager
    def _turn(self, part: Part) -> Iterator[Path]:
        """Provide the path for a file that arrives, which no other process of this node uses meanwhile."""
        folder = self.store.folder / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / f"{part.path.name}.lock"
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            try:
                yield folder / part.path.name
            finally:
                lock.unlink(missing_ok=True)
