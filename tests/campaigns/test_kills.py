"""200 faults: nothing that was accepted is lost, doubled, anonymous or stuck, and calls are taken afterwards."""

from pathlib import Path

import pytest

from tests.campaigns.kill_counts import Counts
from tests.campaigns.kills import QUIET_SECONDS, Plan, campaign
from tests.postgres import PostgresCluster

PLAN = Plan()

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("heavy"),
    pytest.mark.timeout(PLAN.seconds + QUIET_SECONDS + 300),
]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_station_loses_and_doubles_nothing_under_faults(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cluster: PostgresCluster | None = None
    if database == "postgresql":
        cluster = request.getfixturevalue("postgres_cluster")
    counts = Counts(PLAN.seed, database)
    try:
        await campaign(tmp_path, PLAN, cluster, counts, print)
    finally:
        print(counts.table())
    assert counts.bad == []
