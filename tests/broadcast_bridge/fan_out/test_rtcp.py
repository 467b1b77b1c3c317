"""RTCP: sender reports as RFC 3550 has them, and what speakers report."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.fan_out.rtcp import blocks, goodbye, is_rtcp, sender_report


def receiver_report(ssrc: int, lost: int, jitter: int) -> bytes:
    return struct.pack("!BBHI", 0x81, 201, 7, 5) + struct.pack("!IIIIII", ssrc, lost & 0xFFFFFF, 0, jitter, 0, 0)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, (1 << 23) - 1), st.integers(0, 0xFFFFFFFF))
def test_loss_and_jitter_are_read_from_a_receiver_report(ssrc: int, lost: int, jitter: int) -> None:
    (block,) = blocks(receiver_report(ssrc, lost, jitter))
    assert (block.ssrc, block.lost, block.jitter_ms) == (ssrc, lost, round(jitter / 8, 3))


def test_duplicates_are_no_loss() -> None:
    (block,) = blocks(receiver_report(1, -3, 0))
    assert block.lost == 0


def test_blocks_of_a_sender_report_are_read_in_a_compound_packet() -> None:
    sender = struct.pack("!BBHI", 0x81, 200, 12, 5) + bytes(20) + struct.pack("!IIIIII", 9, 4, 0, 80, 0, 0)
    assert [(block.ssrc, block.lost) for block in blocks(sender + receiver_report(10, 2, 0))] == [(9, 4), (10, 2)]


@given(st.binary(max_size=200))
def test_no_datagram_makes_the_reader_fail(data: bytes) -> None:
    for block in blocks(data):
        assert 0 <= block.lost < 1 << 23


@given(st.integers(0, 0xFFFFFFFF), st.floats(0, 4e9), st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_sender_report_is_a_well_formed_compound_packet(ssrc: int, wall: float, stamp: int, packets: int) -> None:
    report = sender_report(ssrc, wall, stamp, packets, packets * 160, b"haichieu")
    assert is_rtcp(report)
    at, kinds = 0, []
    while at < len(report):
        kinds.append(report[at + 1])
        at += 4 + 4 * int.from_bytes(report[at + 2 : at + 4], "big")
    assert (kinds, at) == ([200, 202], len(report))
    assert struct.unpack("!I", report[4:8])[0] == ssrc
    assert struct.unpack("!I", report[8:12])[0] == (int(wall) + 2_208_988_800) & 0xFFFFFFFF


def test_goodbye_ends_the_stream() -> None:
    assert [goodbye(7)[1], goodbye(7)[9]] == [201, 203]
