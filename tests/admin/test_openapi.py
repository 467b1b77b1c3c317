"""The API against its own document: schemathesis calls a real server as OpenAPI says, and as it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.states import Channel, Direction
from haichieu.database import now
from tests.admin.served import Served

ROOT = Path(__file__).parents[2]
PHASES = "examples,coverage,fuzzing,stateful"
"""Coverage tries what breaks each limit that the document names."""
EXAMPLES = 8
"""For each operation while fuzzing."""


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_the_api_does_what_its_document_says(station: Served, tmp_path: Path) -> None:
    with station.house.database.session() as session:
        first = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
        open_case(session, Opening(Channel.TEXT, station.house.units["commune"], "number"), first, now())
    token = station.house.token("admin@district.example")["Authorization"]
    finished = subprocess.run(
        [
            *(Path(sys.executable).parent / "schemathesis", "run", f"{station.address}/api/v1/openapi.json"),
            *("--header", f"Authorization: {token}", "--seed", "1"),
            *("--phases", PHASES, "--max-examples", str(EXAMPLES)),
            *("--generation-database", "none", "--no-color"),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.admin.fresh_keys", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-8000:]
