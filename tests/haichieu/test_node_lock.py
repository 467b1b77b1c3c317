"""The name of a switchboard, which only one of them may use on a database."""

import pytest

from haichieu import node_lock
from haichieu.database import Database
from haichieu.node_lock import NodeInUse

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_lock, "WAIT_SECONDS", 0.2)


async def test_second_switchboard_of_the_same_name_is_refused(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    async with node_lock.node_lock(database, "main"):
        with pytest.raises(NodeInUse, match="main"):
            async with node_lock.node_lock(other, "main"):
                pass
        async with node_lock.node_lock(other, "second"):
            pass
    async with node_lock.node_lock(other, "main"):
        pass
    other.close()
