"""The fan-out without Asterisk: what a speaker gets before, while and after it agrees to direct sound."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from broadcast_bridge.fan_out.capture import Captured
from broadcast_bridge.fan_out.session_description import Description
from broadcast_bridge.fan_out.speaker_seats import AGREES_SECONDS, REPORT_SECONDS, Engine
from broadcast_bridge.fan_out.streams import sending_sockets
from haichieu.demo.trial_station import free_port
from tests.broadcast_bridge.fan_out.re_invites import answer, invite
from tests.station.media_device import media_sockets

HOST = "127.0.0.1"


@dataclass
class Ear:
    """A pair of ports for RTP and RTCP."""

    rtp: socket.socket
    rtcp: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.rtp.getsockname()
        return host, port

    def packets(self, count: int) -> list[bytes]:
        return [self.rtp.recv(2048) for _ in range(count)]

    def is_silent(self) -> bool:
        self.rtp.setblocking(False)
        try:
            self.rtp.recv(2048)
        except BlockingIOError:
            return True
        finally:
            self.rtp.settimeout(2)
        return False


@dataclass
class Bench:
    engine: Engine
    port: int
    asterisk: Ear
    speaker: Ear
    news: list[tuple[str, str]] = field(default_factory=list)
    source: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sent: int = 0

    def say(self, count: int) -> None:
        for _ in range(count):
            self.sent += 1
            header = struct.pack("!BBHII", 0x80, 8, self.sent, 160 * self.sent, 7)
            stream = self.engine.streams["s"]
            self.source.sendto(header + struct.pack("!I", self.sent) * 40, (HOST, stream.port))
            stream.receive()

    def offer(self, ear: Ear, *, wants_sound: bool = True) -> str | None:
        return self.engine.offered("k", Description(ear.address, (8,), wants_sound))

    def agrees(self, status: int = 200, *, branch: str = "a") -> None:
        for message in (invite(branch, self.port), answer(status, branch)):
            if self.engine.agreements.take(Captured("call", message)):
                self.engine.answered("call")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        asterisk, speaker = (Ear(*media_sockets()) for _ in range(2))
        while True:
            port = free_port(socket.SOCK_DGRAM) & ~1
            try:
                rtp, rtcp = sending_sockets(HOST, port)
                break
            except OSError:
                continue
        for one in (asterisk.rtp, asterisk.rtcp, speaker.rtp, speaker.rtcp):
            one.settimeout(2)
        for one in (asterisk.rtp, asterisk.rtcp, speaker.rtp, speaker.rtcp, rtp, rtcp):
            stack.enter_context(one)
        news: list[tuple[str, str]] = []
        engine = Engine(rtp, rtcp, lambda key, what: news.append((key, what)))
        bench = Bench(engine, port, asterisk, speaker, news)
        stack.enter_context(bench.source)
        engine.open("s", "alaw")
        stack.callback(engine.close, "s")
        engine.expect("k", "alaw")
        assert bench.offer(asterisk) == "alaw"
        yield bench


def sit(bench: Bench) -> None:
    bench.engine.start("k", "s")
    bench.engine.watch("k", "call")


def numbers(packets: list[bytes]) -> list[int]:
    return [int(struct.unpack("!I", packet[12:16])[0]) for packet in packets]


def test_sound_goes_to_asterisk_until_the_speaker_has_agreed(bench: Bench) -> None:
    sit(bench)
    bench.say(2)
    bench.offer(bench.speaker)
    bench.say(2)
    bench.agrees()
    bench.say(3)
    assert numbers(bench.asterisk.packets(4) + bench.speaker.packets(3)) == [1, 2, 3, 4, 5, 6, 7]
    assert bench.asterisk.is_silent()
    assert bench.news == [("k", "direct")]


def test_agreement_that_comes_before_the_address_counts(bench: Bench) -> None:
    sit(bench)
    bench.agrees()
    bench.say(1)
    bench.offer(bench.speaker)
    bench.say(1)
    assert numbers(bench.asterisk.packets(1) + bench.speaker.packets(1)) == [1, 2]


def leave(bench: Bench, how: str) -> None:
    """End the stay on the first seat."""
    match how:
        case "stop":
            bench.engine.stop("k")
        case "the stream closes":
            bench.engine.close("s")
        case "the call ends":
            bench.engine.ended("k")


LEAVES = pytest.mark.parametrize("how", ["stop", "the stream closes", "the call ends"])


@LEAVES
def test_agreement_for_the_next_seat_outlasts_the_seat_before(bench: Bench, how: str) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees()
    bench.engine.open("next", "alaw")
    bench.engine.expect("k2", "alaw")
    bench.engine.offered("k2", Description(bench.asterisk.address, (8,), True))
    bench.engine.start("k2", "next")
    bench.engine.offered("k2", Description(bench.speaker.address, (8,), True))
    bench.agrees(branch="b")
    leave(bench, how)
    bench.engine.watch("k2", "call")
    assert bench.news[-1] == ("k2", "direct")
    bench.engine.close("next")


@LEAVES
def test_agreement_for_a_seat_is_none_for_the_next_one(bench: Bench, how: str) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees()
    leave(bench, how)
    bench.engine.open("next", "alaw")
    bench.engine.expect("k2", "alaw")
    bench.engine.offered("k2", Description(bench.asterisk.address, (8,), True))
    bench.engine.start("k2", "next")
    bench.engine.watch("k2", "call")
    bench.engine.offered("k2", Description(bench.speaker.address, (8,), True))
    assert ("k2", "direct") not in bench.news
    bench.agrees(branch="b")
    assert bench.news[-1] == ("k2", "direct")
    bench.engine.close("next")


def test_speaker_that_refuses_is_reported_and_gets_nothing_directly(bench: Bench) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees(488)
    bench.say(2)
    assert (numbers(bench.asterisk.packets(2)), bench.news) == ([1, 2], [("k", "refused")])
    assert bench.speaker.is_silent()


def test_speaker_that_agrees_too_late_stays_with_asterisk(bench: Bench) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.engine.tick(time.monotonic() + AGREES_SECONDS)
    bench.agrees()
    bench.say(1)
    assert (numbers(bench.asterisk.packets(1)), bench.news) == ([1], [("k", "late")])
    assert bench.speaker.is_silent()


def test_speaker_that_holds_gets_nothing_until_it_resumes(bench: Bench) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees()
    bench.offer(bench.speaker, wants_sound=False)
    bench.say(2)
    bench.offer(bench.speaker)
    bench.say(1)
    (packet,) = bench.speaker.packets(1)
    assert numbers([packet]) == [3]
    assert packet[1] & 0x80, "a talk spurt begins with the marker"


def test_what_went_through_asterisk_or_was_held_is_no_loss(bench: Bench) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees()
    bench.say(1)
    bench.offer(bench.speaker, wants_sound=False)
    bench.say(2)
    bench.offer(bench.asterisk)
    bench.say(2)
    bench.offer(bench.speaker)
    bench.say(1)
    first, second = bench.speaker.packets(2)
    assert numbers([first, second]) == [1, 6]
    before, after = (struct.unpack("!HI", packet[2:8]) for packet in (first, second))
    assert (after[0] - before[0]) & 0xFFFF == 1
    assert (after[1] - before[1]) & 0xFFFFFFFF == 5 * 160


def test_packet_that_the_source_lost_is_reported_as_lost_by_speakers(bench: Bench) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees()
    bench.say(1)
    bench.sent += 1
    bench.say(1)
    before, after = (struct.unpack("!H", packet[2:4])[0] for packet in bench.speaker.packets(2))
    assert (after - before) & 0xFFFF == 2


def test_listeners_have_streams_of_their_own(bench: Bench) -> None:
    sit(bench)
    bench.engine.expect("other", "alaw")
    bench.engine.offered("other", Description(bench.speaker.address, (8,), True))
    bench.engine.start("other", "s")
    bench.say(2)
    first, second = bench.asterisk.packets(2), bench.speaker.packets(2)
    assert numbers(first) == numbers(second) == [1, 2]
    assert first[0][8:12] != second[0][8:12]
    for pair in (first, second):
        before, after = (struct.unpack("!HI", packet[2:8]) for packet in pair)
        assert (after[0] - before[0]) & 0xFFFF == 1
        assert (after[1] - before[1]) & 0xFFFFFFFF == 160


def test_report_of_the_speaker_becomes_its_figures(bench: Bench) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees()
    bench.say(1)
    ssrc = bench.speaker.packets(1)[0][8:12]
    report = struct.pack("!BBHI", 0x81, 201, 7, 5) + ssrc + struct.pack("!IIIII", 3, 0, 80, 0, 0)
    host, port = bench.speaker.address
    bench.engine.hear_rtcp(report, ("127.0.0.9", port + 1))
    assert bench.engine.seats["k"].listener.lost is None, "another host has no say"
    bench.engine.hear_rtcp(report, (host, port + 1))
    listener = bench.engine.seats["k"].listener
    assert (listener.sent, listener.signs, listener.lost, listener.jitter_ms) == (1, 1, 3, 10.0)


def test_sender_reports_and_goodbye_reach_the_speaker(bench: Bench) -> None:
    sit(bench)
    bench.offer(bench.speaker)
    bench.agrees()
    bench.say(1)
    bench.engine.tick(time.monotonic() + REPORT_SECONDS)
    assert bench.speaker.rtcp.recv(2048)[1] == 200
    bench.engine.stop("k")
    assert bench.speaker.rtcp.recv(2048)[9] == 203


def test_next_speaker_on_a_seat_begins_with_figures_of_its_own(bench: Bench) -> None:
    sit(bench)
    bench.say(2)
    bench.engine.stop("k")
    bench.say(1)
    sit(bench)
    assert bench.engine.seats["k"].listener.relayed == 0
    bench.say(1)
    assert numbers(bench.asterisk.packets(3)) == [1, 2, 4]


def test_codec_that_the_seat_does_not_have_is_refused(bench: Bench) -> None:
    assert bench.engine.offered("k", Description(("127.0.0.1", 4000), (0,), True)) is None
