"""Five minutes of attack: nothing foreign on air, nobody called, nothing crashed, and calls are taken all the time."""

from pathlib import Path

import numpy as np
import pytest

from haichieu.audio.sound import Sound
from tests.campaigns.attack import SECONDS, campaign
from tests.campaigns.hostile_sound import FRAME, HERTZ, RATE, hostile_seconds
from tests.campaigns.tally import Report

SECOND = np.arange(RATE) / RATE
TONE = np.sin(2 * np.pi * HERTZ * SECOND)


@pytest.mark.proof
@pytest.mark.calls
@pytest.mark.xdist_group("heavy")
@pytest.mark.timeout(SECONDS + 240)
async def test_attackers_reach_no_loudspeaker_and_stop_no_call(tmp_path: Path) -> None:
    report = await campaign(tmp_path, SECONDS, 1, print)
    print(report.table(), *report.problems, *report.last_log_lines, sep="\n")
    assert report.faults == []


def test_hostile_tone_is_found_under_other_sound() -> None:
    other = 0.2 * np.random.default_rng(1).standard_normal(RATE)
    mixed = np.concatenate([other, other + 0.3 * TONE, other]).astype(np.float32)
    assert hostile_seconds(Sound(other.astype(np.float32), RATE)) == 0
    assert hostile_seconds(Sound(mixed, RATE)) == pytest.approx(1.0, abs=3 * FRAME / RATE)


def test_report_without_any_sound_or_call_is_a_fault() -> None:
    assert Report(1, 300).faults == ["nothing was on air, or no call was taken"]


@pytest.mark.parametrize(
    "change",
    [
        {"foreign_seconds": 0.06}, {"calls_placed": ["113"]}, {"texts_refused": ["113"]}, {"restarts": ["web"]},
        {"let_in": ["GET /cases 200"]}, {"server_errors": ["GET / 500"]}, {"unanswered": 1}, {"answered": [5.1]},
        {"whole": 0}, {"strange_broadcasts": 1},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_report_names_each_fault(change: dict[str, object]) -> None:
    right: dict[str, object] = {"broadcasts": 1, "whole": 1, "answered": [0.5]}
    assert not Report(1, 300, **right).faults  # type: ignore[arg-type]
    assert Report(1, 300, **right | change).faults  # type: ignore[arg-type]
