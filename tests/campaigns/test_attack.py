"""Five minutes of attack: nothing foreign on air, nobody called, nothing crashed, and calls are taken all the time."""

from pathlib import Path

import pytest

from tests.campaigns.attack import SECONDS, campaign


@pytest.mark.proof
@pytest.mark.calls
@pytest.mark.xdist_group("breakable")
@pytest.mark.timeout(SECONDS + 240)
async def test_attackers_reach_no_loudspeaker_and_stop_no_call(tmp_path: Path) -> None:
    report = await campaign(tmp_path, SECONDS, 1, print)
    print(report.table())
    assert report.faults == []
