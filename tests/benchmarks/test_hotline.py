"""The benchmark of the hotline compares two sides of which each does its work."""

import pytest

from tests.benchmarks.hotline import measure_hotline
from tests.benchmarks.table import Row

pytestmark = [pytest.mark.proof, pytest.mark.calls, pytest.mark.xdist_group("callers")]


async def test_few_callers_lose_nothing_on_either_side() -> None:
    rows: list[Row] = []
    await measure_hotline(rows.append, (4,))
    assert [row[1:3] for row in rows if "lost" in row[0]] == [("0", "0"), ("0", "0"), ("4", "4")]
