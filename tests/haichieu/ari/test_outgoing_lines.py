"""Lines: an Asterisk without a free RTP port crashes, so it is never asked for one call too many."""

import pytest

from haichieu.ari.call import Call
from haichieu.ari.errors import NotAnswered
from haichieu.ari.outgoing_lines import SPARE, Lines, shared_out
from tests.fake_asterisk import FakeAsterisk


@pytest.mark.parametrize(("pairs", "calls"), [(5000, (1645, 3291)), (100, (12, 24)), (1, (1, 1))])
def test_port_pairs_are_shared_between_incoming_and_outgoing_calls(pairs: int, calls: tuple[int, int]) -> None:
    assert shared_out(pairs, files=65_536) == calls
    assert sum(calls) <= max(pairs - SPARE, 2)


def test_calls_are_fewer_where_few_files_may_be_open() -> None:
    assert shared_out(5000, files=1024) == (21, 43)


async def placed(asterisk: FakeAsterisk, name: str, endpoint: str = "PJSIP/cb-1") -> Call:
    call = Call(asterisk.client, name, None, "cb-1")
    await call.place(endpoint, role="speaker", timeout=5)
    return call


async def test_call_beyond_the_lines_is_not_placed_until_one_has_ended() -> None:
    asterisk = FakeAsterisk()
    asterisk.lines = Lines(1)
    first = await placed(asterisk, "a")
    with pytest.raises(NotAnswered) as refusal:
        await placed(asterisk, "b")
    assert refusal.value.cause == NotAnswered.NO_LINE
    assert asterisk.dialled == ["a"]
    await first.end()
    await first.end()
    await placed(asterisk, "c")
    assert asterisk.dialled == ["a", "c"]


async def test_channels_without_rtp_need_no_line() -> None:
    asterisk = FakeAsterisk()
    asterisk.lines = Lines(0)
    await placed(asterisk, "announcer", "Local/announcer@haichieu")
    assert asterisk.dialled == ["announcer"]
