"""The look of the playout after a commit, at night, with many missed broadcasts; it needs a database only."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from broadcast_bridge.studio.playout_look import PlayoutLook
from haichieu.database import Database, migrate
from tests.benchmarks.table import Row
from tests.builders.queries import queries
from tests.builders.quiet_district import MINUTE, MISSED, NIGHT, SPEAKERS, ZONES, district

LOOKS = 30


def measure_on(database: Database, name: str) -> Iterator[Row]:
    """Measure on an empty, migrated database; the rows for the table of benchmarks."""
    rows = PlayoutLook("bench", "main")
    with database.session() as session:
        district(session)
        rows.write(session, set(), NIGHT - MINUTE)
    label = f"{SPEAKERS} speakers, {ZONES} quiet zones, {MISSED} missed airings, {name}: a look"
    reads, writes = [], []
    for _ in range(LOOKS):
        begun = time.monotonic()
        with queries(database) as read, database.reading() as session:
            rows.read(session, set(), NIGHT)
            rows.is_something_to_write(session, set(), NIGHT)
        reads.append(time.monotonic() - begun)
        begun = time.monotonic()
        with queries(database) as written, database.session() as session:
            rows.write(session, set(), NIGHT)
        writes.append(time.monotonic() - begun)
    yield (f"{label}, reading (ms)", f"{statistics.median(reads) * 1000:.0f}", "", "", "≤ 50")
    yield (f"{label}, under the write lock (ms)", f"{statistics.median(writes) * 1000:.0f}", "", "", "≤ 50")
    yield (f"{label}, queries of both", f"{len(read)}, {len(written)}", "", "", "≤ 30")


def measure() -> Iterator[Row]:
    """Measure on SQLite, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="haichieu-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'playout.sqlite'}"
        migrate(url)
        database = Database(url)
        try:
            yield from measure_on(database, "SQLite")
        finally:
            database.close()
