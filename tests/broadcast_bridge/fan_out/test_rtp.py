"""RTP: reading packets of a source, and the timeline of what is sent on."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.fan_out.rtp import Packet, Timeline, parse

SAMPLES = 160


def datagram(sequence: int = 1, *, extension: bytes = b"", padding: int = 0, payload: bytes = b"\xd5" * 160) -> bytes:
    first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return struct.pack("!BBHII", first, 8, sequence, 160, 7) + extension + payload + tail


def packet(sequence: int, timestamp: int, ssrc: int = 7, *, marker: bool = False) -> Packet:
    return Packet(marker, 8, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, bytes(SAMPLES))


@given(st.binary(max_size=400))
def test_no_datagram_makes_the_reader_fail(data: bytes) -> None:
    found = parse(data)
    assert found is None or len(found.payload) < len(data)


def test_extension_and_padding_are_no_sound() -> None:
    found = parse(datagram(extension=struct.pack("!HHI", 1, 1, 9), padding=8))
    assert found is not None
    assert found.payload == b"\xd5" * 160


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_losses_of_the_source_stay_losses(first: int, begin: int, steps: list[int]) -> None:
    timeline, sequence, timestamp, at = Timeline(), first, begin, 1.0
    assert timeline.follow(packet(sequence, timestamp), at) is True
    from_sequence, from_timestamp = timeline.sequence, timeline.timestamp
    for step in steps:
        sequence, timestamp, at = sequence + step, timestamp + step * SAMPLES, at + step * 0.02
        assert timeline.follow(packet(sequence, timestamp), at) is False
    assert (timeline.sequence - from_sequence) & 0xFFFF == sum(steps)
    assert (timeline.timestamp - from_timestamp) & 0xFFFFFFFF == sum(steps) * SAMPLES


@given(st.integers(1, 40))
def test_late_and_doubled_packets_are_not_sent_on(back: int) -> None:
    timeline = Timeline()
    timeline.follow(packet(100, 100 * SAMPLES), 1.0)
    before = timeline.sequence, timeline.timestamp
    assert timeline.follow(packet(100, 100 * SAMPLES), 1.01) is None
    assert timeline.follow(packet(100 - back, (100 - back) * SAMPLES), 1.02) is None
    assert (timeline.sequence, timeline.timestamp) == before


@given(st.floats(0.02, 60.0), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF))
def test_another_source_continues_the_stream_with_a_marker(pause: float, sequence: int, timestamp: int) -> None:
    timeline = Timeline()
    timeline.follow(packet(100, 0), 1.0)
    before = timeline.timestamp
    assert timeline.follow(packet(sequence, timestamp, ssrc=8), 1.0 + pause) is True
    assert timeline.sequence == 2
    assert timeline.timestamp - before == max(round(pause * 8000), SAMPLES)
