"""Signs of life of a speaker, the time that it plays, and its reasons not to take a call."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.broadcasts.states import Reason
from broadcast_bridge.studio.call_refusals import reason_of
from broadcast_bridge.studio.playing_time import PlayingTime
from broadcast_bridge.studio.signs_of_life import SignsOfLife, Verdict, receiver_report
from haichieu.ari.errors import NotAnswered

BEGIN = datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.UTC)
QUALIFY = 30.0


def at(seconds: float) -> datetime.datetime:
    return BEGIN + datetime.timedelta(seconds=seconds)


def sounding(until: int) -> SignsOfLife:
    """A speaker that has sent RTP until a moment, measured every five seconds."""
    life = SignsOfLife(BEGIN, QUALIFY)
    for second in range(5, until + 1, 5):
        life.media({"rxcount": second * 50}, at(second))
    return life


def test_zeros_of_asterisk_are_no_report() -> None:
    assert receiver_report({"txcount": 500, "txploss": 0, "rxjitter": 0.0, "txjitter": 0.006}) is None


def test_report_has_the_jitter_that_the_speaker_measured() -> None:
    report = receiver_report({"txploss": 7, "rxjitter": 0.01, "txjitter": 0.006, "remote_maxmes": 80.0})
    assert report is not None
    assert (report.lost, report.jitter_ms) == (7, 10.0)


@given(st.integers(0, (1 << 24) - 1))
def test_loss_is_never_negative_nor_more_than_24_bits_hold(lost: int) -> None:
    report = receiver_report({"txploss": lost, "remote_maxmes": 80.0})
    assert report is not None
    assert report.lost == (lost if lost < 1 << 23 else 0)


def test_speaker_that_sends_may_lose_options_requests() -> None:
    life = sounding(40)
    life.lost(at(41))
    assert (life.verdict(at(45)), life.last(at(45))) == (Verdict.THERE, at(45))


def test_speaker_whose_sound_and_answers_end_is_gone() -> None:
    life = sounding(40)
    life.lost(at(50))
    assert (life.verdict(at(53)), life.last(at(53))) == (Verdict.GONE, at(40))


def test_speaker_whose_sound_alone_ends_is_asked_in_the_call() -> None:
    life = sounding(40)
    assert life.verdict(at(53)) is Verdict.ASK
    life.asked(at(53))  # the call outlives the time-out: it has answered
    assert (life.verdict(at(58)), life.last(at(58))) == (Verdict.THERE, at(40))
    assert (life.verdict(at(130)), life.last(at(130))) == (Verdict.THERE, at(130))


def test_mute_speaker_that_loses_two_counts_to_its_last_answer() -> None:
    life = SignsOfLife(BEGIN, QUALIFY)
    life.lost(at(94))
    assert (life.verdict(at(94)), life.last(at(94))) == (Verdict.ASK, at(28))


def test_mute_speaker_that_answers_options_again_is_there() -> None:
    life = SignsOfLife(BEGIN, QUALIFY)
    life.lost(at(94))
    life.returned()
    assert (life.verdict(at(95)), life.last(at(95))) == (Verdict.THERE, at(95))


def test_mute_speaker_that_never_answers_options_is_asked_again_and_again() -> None:
    life = SignsOfLife(BEGIN, QUALIFY)
    life.lost(at(1))
    asked = 0
    for second in range(0, 600, 5):
        if life.verdict(at(second)) is Verdict.ASK:
            life.asked(at(second))
            asked += 1
    assert 3 < asked < 8


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 50)), max_size=12))
def test_playing_time_is_never_more_than_the_time_that_has_passed(changes: list[tuple[bool, float]]) -> None:
    time, moment = PlayingTime(), 0.0
    for flows, pause in changes:
        moment += pause
        (time.flows if flows else time.stops)(at(moment))
    assert 0 <= time.seconds(BEGIN, at(moment)) <= moment + 1e-6
    assert time.seconds(at(10), at(5)) == 0


def test_playing_time_leaves_out_what_was_held() -> None:
    time = PlayingTime()
    time.flows(at(0))
    time.stops(at(4))
    time.flows(at(80))
    assert time.seconds(at(1), at(87)) == 3 + 7
    assert time.seconds(at(1), at(82)) == 3 + 2


@pytest.mark.parametrize(
    ("status", "cause", "reason"),
    [
        (486, 17, Reason.BUSY), (600, 0, Reason.BUSY), (403, 21, Reason.REFUSED), (603, 21, Reason.REFUSED),
        (480, 19, Reason.DO_NOT_DISTURB), (488, 58, Reason.NO_COMMON_CODEC), (415, 0, Reason.NO_COMMON_CODEC),
        (302, 0, Reason.FORWARDED), (404, 1, Reason.UNREACHABLE), (408, 18, Reason.UNREACHABLE),
        (487, 127, Reason.NO_ANSWER), (420, 0, Reason.DEVICE_ERROR), (0, 19, Reason.NO_ANSWER),
        (0, 20, Reason.NOT_REGISTERED), (0, 23, Reason.FORWARDED), (0, 58, Reason.NO_COMMON_CODEC),
    ],
)  # fmt: skip
def test_reason_follows_the_status_of_the_device(status: int, cause: int, reason: Reason) -> None:
    assert reason_of(NotAnswered(cause, "", status)) is reason


@given(st.integers(300, 699))
def test_answer_of_a_device_is_never_an_internal_error(status: int) -> None:
    assert reason_of(NotAnswered(0, "", status)) is not Reason.INTERNAL_ERROR
