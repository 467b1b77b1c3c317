"""Sound files between nodes: fetched over HTTP from the node that has them, whole or not at all."""

import datetime
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from admin.web import create_app
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.studio.media_keeper import MediaKeeper
from haichieu.alarms import open_alarms
from haichieu.database import Database, newest_revision, now
from haichieu.media import Media, MediaStore
from haichieu.media_from_nodes import FOLDER, HEADER, ROUTE, MediaFromNodes, NotFetched, media_from_nodes, token_of
from haichieu.nodes import Node
from haichieu.resumable_download import PART
from haichieu.settings import load_settings
from haichieu.vault import open_vault
from tests.builders.programmes import programme
from tests.builders.sounds import kept, tone


@dataclass
class Nodes:
    """A node that serves its files over HTTP, and the same database seen from a node without any."""

    database: Database
    there: Path
    address: str
    here: MediaFromNodes

    def sound(self, seconds: float = 2.0) -> Media:
        """Store a sound at the other node."""
        files = [self.there / "narrow.wav", self.there / "wide.wav"]
        for file, rate in zip(files, (8000, 16000), strict=True):
            file.write_bytes(tone(seconds, rate=rate))
        with self.database.session() as session:
            return kept(session, MediaStore(self.there / "media", 0), *files)

    def file(self, media: Media) -> Path:
        """Return where the other node has it."""
        return MediaStore(self.there / "media", 0).place(media)


@pytest.fixture
def nodes(postgres_url: str, tmp_path: Path) -> Iterator[Nodes]:
    database = Database(postgres_url)
    there, here = tmp_path / "there", tmp_path / "here"
    app = create_app(database, load_settings(home=there, node="there"))
    shutil.copytree(there / "secrets", here / "secrets")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    files = media_from_nodes(database, load_settings(home=here, node="here", min_free_megabytes=1))
    assert files is not None
    with database.session() as session:
        session.add(
            Node(name="there", address=address, revision=newest_revision(), seen_at=now() + datetime.timedelta(hours=1))
        )
    yield Nodes(database, there, address, files)
    server.shutdown()
    server.server_close()
    database.close()


def test_a_missing_sound_is_fetched_from_the_node_that_has_it(nodes: Nodes) -> None:
    sound = nodes.sound()
    path = nodes.here.store.path(sound)
    assert path.read_bytes() == nodes.file(sound).read_bytes()
    assert path.with_suffix(".wav16").read_bytes() == nodes.file(sound).with_suffix(".wav16").read_bytes()
    assert nodes.here.store.missing(sound) == []
    assert list((nodes.here.store.folder / FOLDER).iterdir()) == [], "nothing is left of the fetch"


def test_a_fetch_continues_where_the_last_one_ended(nodes: Nodes) -> None:
    sound = nodes.sound()
    whole = nodes.file(sound).read_bytes()
    begun = nodes.here.store.folder / FOLDER / f"{sound.sha256}.wav{PART}"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(whole[:10_000])
    nodes.file(sound).write_bytes(b"?" * 10_000 + whole[10_000:])  # only the rest is asked for, so it is not noticed
    nodes.here.fetch(sound)
    assert nodes.here.store.place(sound).read_bytes() == whole


def test_a_damaged_sound_is_dropped_and_the_next_node_asked(nodes: Nodes, tmp_path: Path) -> None:
    sound = nodes.sound()
    whole = nodes.file(sound).read_bytes()
    nodes.file(sound).write_bytes(whole[:-1] + b"?")
    with pytest.raises(NotFetched, match=r"there: .*does not have the expected digest"):
        nodes.here.fetch(sound)
    assert not nodes.here.store.place(sound).exists()
    nodes.file(sound).write_bytes(whole)
    nodes.here.fetch(sound)
    assert nodes.here.store.missing(sound) == []


@pytest.mark.parametrize("token", ["", "wrong"])
def test_only_a_node_of_the_same_database_gets_a_sound(nodes: Nodes, token: str) -> None:
    request = urllib.request.Request(f"{nodes.address}{ROUTE}{nodes.sound().sha256}.wav", headers={HEADER: token})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


def test_a_node_with_another_key_is_refused_in_words(nodes: Nodes, tmp_path: Path) -> None:
    open_vault(tmp_path / "stranger")
    stranger = media_from_nodes(nodes.database, load_settings(home=tmp_path / "stranger", node="stranger"))
    assert stranger is not None
    with pytest.raises(NotFetched, match=r"there: .*403"):
        stranger.fetch(nodes.sound())


@pytest.mark.parametrize("name", ["..%2f..%2fsecrets%2fstation.key", "station.key", "0" * 64 + ".wav"])
def test_nothing_but_sounds_of_the_store_is_given(nodes: Nodes, name: str) -> None:
    token = token_of(open_vault(nodes.there))
    request = urllib.request.Request(f"{nodes.address}{ROUTE}{name}", headers={HEADER: token})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(request, timeout=10)


async def test_sounds_of_programmes_are_brought_and_a_missing_one_reported(nodes: Nodes) -> None:
    good, lost = nodes.sound(2.0), nodes.sound(3.0)
    nodes.file(lost).unlink()
    with nodes.database.session() as session:
        for title, sound in (("Tin sáng", good), ("Tin chiều", lost)):
            made: Programme = programme(session, title)
            made.sound_id = sound.id
    keeper = MediaKeeper(nodes.database, nodes.here, "here")
    assert await keeper.bring(good)
    assert not await keeper.bring(lost)
    with nodes.database.reading() as session:
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.text.fields["title"]) == ("media_missing", "Tin chiều")
    nodes.file(lost).parent.mkdir(exist_ok=True)
    nodes.file(lost).write_bytes(tone(3.0))
    assert await keeper.bring(lost)
    with nodes.database.reading() as session:
        assert open_alarms(session) == []
