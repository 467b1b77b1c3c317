"""Lost packets of many streams of one source, from what has been counted of them."""

from tests.benchmarks.sink import Count, share_lost


def count(packets: int, sequence: int) -> Count:
    return packets, sequence.to_bytes(2, "big")


def test_nothing_is_lost_when_a_count_ends_amid_the_packets_of_a_moment() -> None:
    before = {b"a": count(10, 65530), b"b": count(9, 1000)}
    after = {b"a": count(110, 94), b"b": count(108, 1099)}
    assert share_lost(before, after, 2) == 0.0


def test_missing_number_and_stream_that_fell_behind_are_lost() -> None:
    before = {b"a": count(0, 0), b"b": count(0, 0), b"c": count(0, 0)}
    after = {b"a": count(100, 100), b"b": count(95, 100), b"c": count(48, 48)}
    assert share_lost(before, after, 3) == (5 + 50) / 300


def test_speaker_that_was_not_reached_has_lost_everything() -> None:
    assert share_lost({b"a": count(0, 0)}, {b"a": count(100, 100)}, 2) == 0.5
    assert share_lost({}, {}, 2) == 1.0


def test_stream_that_another_one_has_replaced_is_not_lost() -> None:
    before = {b"through Asterisk": count(30, 30), b"a": count(0, 0)}
    after = {b"through Asterisk": count(30, 30), b"directly": count(100, 100), b"a": count(100, 100)}
    assert share_lost(before, after, 2) == 0.0
