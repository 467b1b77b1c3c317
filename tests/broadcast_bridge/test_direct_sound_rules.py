"""Rule for the speakers that the fan-out serves, and figures of one that it has served for a part of a call."""

from typing import Any

import pytest

from broadcast_bridge.models import Speaker
from broadcast_bridge.speakers.direct_sound_rule import allows_direct_sound
from broadcast_bridge.studio.direct_sound import seated, together
from broadcast_bridge.studio.fan_out_link import Sent
from broadcast_bridge.studio.signs_of_life import receiver_report


def speaker(**changed: Any) -> Speaker:
    given = {"multicast": "", "encrypted": False, "behind_nat": None, "nat_seen": False, "volume_db": 0.0}
    return Speaker(code="s", name="s", **{**given, "codecs": ["alaw", "ulaw"], **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"multicast": "239.1.2.3:5004"},
        {"encrypted": True},
        {"nat_seen": True},
        {"behind_nat": True},
        {"volume_db": -6.0},
        {"codecs": ["opus", "alaw"]},
        {"codecs": []},
    ],
)
def test_speaker_that_needs_asterisk_is_not_served_directly(changed: dict[str, Any]) -> None:
    assert allows_direct_sound(speaker())
    assert not allows_direct_sound(speaker(**changed))


@pytest.mark.parametrize("codec", ["alaw", "ulaw", "g722"])
def test_every_codec_of_a_fixed_size_is_served_directly(codec: str) -> None:
    assert allows_direct_sound(speaker(codecs=[codec]))
    assert allows_direct_sound(speaker(codecs=[codec], nat_seen=True, behind_nat=False))


def test_figures_on_a_seat_are_those_of_the_fan_out() -> None:
    figures = seated({}, Sent(direct=100, relayed=5, signs=7, lost=2, jitter_ms=1.5))
    report = receiver_report(figures)
    assert (figures["txcount"], figures["rxcount"]) == (105, 7)
    assert report is not None
    assert (report.lost, report.jitter_ms) == (2, 1.5)
    assert receiver_report(seated({}, Sent(direct=100))) is None
    assert seated({"txcount": 50.0}, Sent(direct=100, relayed=5))["txcount"] == 155


def test_figures_after_a_seat_count_nothing_twice() -> None:
    """Asterisk has counted what it passed on itself."""
    asterisk = {"txcount": 50.0, "rxcount": 3.0, "txploss": 1.0, "rxjitter": 0.004, "remote_maxmes": 80.0}
    figures = together(asterisk, Sent(direct=100, relayed=5, signs=7, lost=2, jitter_ms=1.5))
    report = receiver_report(figures)
    assert (figures["txcount"], figures["rxcount"]) == (150, 10)
    assert report is not None
    assert (report.lost, report.jitter_ms) == (3, 4.0)


def test_report_of_direct_sound_is_not_forgotten_after_a_seat() -> None:
    report = receiver_report(together({"txcount": 9.0}, Sent(direct=100, lost=2, jitter_ms=1.5)))
    assert report is not None
    assert (report.lost, report.jitter_ms) == (2, 1.5)
