"""`haichieu cluster-demo`: loudspeakers behind Kamailio at three nodes, of which one is killed."""

import asyncio
import json
import sys

import pytest

pytestmark = [
    pytest.mark.proof,
    pytest.mark.calls,
    pytest.mark.xdist_group("heavy"),
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]

AGAIN_SECONDS = 10.0


async def test_demonstration_of_three_nodes_proves_every_step() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "haichieu", "cluster-demo", "--once", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    assert printed, said.decode()
    report = json.loads(printed)
    assert (process.returncode, report["ok"]) == (0, True), report
    for part in ("recording", "live"):
        assert len(report[part]["heard"]) == 6
        assert {one["node"] for one in report[part]["heard"]} <= set(report["nodes"])
    assert len({one["node"] for one in report["recording"]["heard"]}) > 1, "they are spread"
    assert any("baresip" in one["software"] for one in report["recording"]["heard"])
    silent = [one["silent_seconds"] for one in report["lost"]["moved"] if one["silent_seconds"] is not None]
    assert silent, "a loudspeaker that tells was at the node"
    assert max(silent) <= AGAIN_SECONDS
    assert report["lost"]["node"] not in {one["node"] for one in report["lost"]["moved"]}
