"""The search of a station's files."""

from pathlib import Path

import sqlalchemy as sa

from haichieu.database import Database, migrate
from haichieu.station import Station
from tests.on_disk import files_with


def test_words_are_found_in_contents_and_names(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/binary").write_bytes(b"\0\xff912345678\0")
    (tmp_path / "call-912345678.wav").write_bytes(b"")
    (tmp_path / "other").write_bytes(b"91234567")
    assert files_with(tmp_path, "912345678") == ["binary", "call-912345678.wav"]
    assert files_with(tmp_path, "nowhere") == []


def test_a_search_leaves_an_open_database_its_locks(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'station.sqlite'}"
    migrate(url)
    here = Database(url)
    with here.session() as session:
        session.add(Station(id=1, name="Bảo Lạc"))
    assert "station.sqlite-wal" in files_with(tmp_path, "Bảo Lạc")
    for name in ("Cô Ba", "Cốc Pàng"):
        there = Database(url)
        with there.session() as session:
            session.execute(sa.update(Station).values(name=name))
        there.close()
        with here.session() as session:
            assert session.scalar(sa.select(Station.name)) == name
    here.close()
