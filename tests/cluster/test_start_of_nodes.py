"""Start of a node: refused in words when another one has its name, or the keys are not those of the database."""

import json

import pytest

from haichieu.demo.trial_station import trial_station
from haichieu.errors import EnvironmentProblem
from tests.cluster.province import NAMES, Province

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("heavy"),
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_second_node_of_a_name_does_not_start(cluster: Province) -> None:
    first = cluster.nodes["dong"].settings
    shared = {"node": "dong", "database_url": first.database_url, "language": "en"}
    with pytest.raises(EnvironmentProblem, match=r"“dong” is using this database.*HAICHIEU_NODE"):
        async with trial_station(None, first.home / "secrets", **shared):
            pass


async def test_node_without_the_keys_of_the_others_does_not_start(cluster: Province) -> None:
    url = cluster.nodes["dong"].settings.database_url
    with pytest.raises(EnvironmentProblem, match=r"station\.key"):
        async with trial_station(None, node="bac", database_url=url, language="en"):
            pass


async def test_status_command_shows_every_node(cluster: Province) -> None:
    status = json.loads(await cluster.nodes["giua"].command("status", "--json"))
    assert [(node["name"], node["ok"], node["speakers"]) for node in status["nodes"]] == [
        (name, True, 1) for name in NAMES
    ]
    assert all(abs(node["clock_offset"]) < 0.05 for node in status["nodes"])
    assert "tay: chạy" in await cluster.nodes["dong"].command("status")
