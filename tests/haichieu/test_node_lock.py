"""The name of a switchboard, which only one of them may use on a database."""

import pytest

from haichieu import node_lock
from haichieu.database import Database
from haichieu.node_clock import NodeClock
from haichieu.node_lock import NodeInUse
from haichieu.nodes import Announcement

pytestmark = pytest.mark.both_databases

MAIN = Announcement("main", "http://127.0.0.1:8080", "127.0.0.1:5060", "1.0", "0001")
SECOND = Announcement("second", "", "", "1.0", "0001")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_lock, "WAIT_SECONDS", 0.2)


async def test_second_switchboard_of_the_same_name_is_refused(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    async with node_lock.node_lock(database, MAIN, NodeClock()):
        with pytest.raises(NodeInUse, match="main"):
            async with node_lock.node_lock(other, MAIN, NodeClock()):
                pass
        async with node_lock.node_lock(other, SECOND, NodeClock()):
            pass
    async with node_lock.node_lock(other, MAIN, NodeClock()):
        pass
    other.close()
