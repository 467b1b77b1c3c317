"""The search of a station's files."""

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from haichieu.database import Database, migrate
from haichieu.station import Station
from tests.on_disk import files_with

OTHER_PROCESS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("UPDATE station SET name = ?", [sys.argv[2]])
database.close()
"""


def test_words_are_found_in_contents_and_names(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/binary").write_bytes(b"\0\xff912345678\0")
    (tmp_path / "call-912345678.wav").write_bytes(b"")
    (tmp_path / "other").write_bytes(b"91234567")
    assert files_with(tmp_path, "912345678") == ["binary", "call-912345678.wav"]
    assert files_with(tmp_path, "nowhere") == []


def test_a_search_leaves_an_open_database_its_locks(tmp_path: Path) -> None:
    file = tmp_path / "station.sqlite"
    migrate(f"sqlite:///{file}")
    here = Database(f"sqlite:///{file}")
    with here.session() as session:
        session.add(Station(id=1, name="Bảo Lạc"))
    assert "station.sqlite-wal" in files_with(tmp_path, "Bảo Lạc")
    for name in ("Cô Ba", "Cốc Pàng"):
        # The last process to close a database takes its journal away, unless the locks of another forbid it.
        subprocess.run([sys.executable, "-c", OTHER_PROCESS, file, name], check=True)
        with here.session() as session:
            assert session.scalar(sa.select(Station.name)) == name
    here.close()
