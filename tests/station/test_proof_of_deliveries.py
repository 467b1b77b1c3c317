"""The log of a broadcast says what arrived: seconds, losses and reasons of devices of every kind."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.models import Broadcast, Delivery
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from tests.builders.sounds import kept
from tests.station import district
from tests.station.bare_speaker import BareSpeaker
from tests.station.media_device import MediaDevice
from tests.station.scene import Aired, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

ZONE, CODE, OTHER = "16", "plain", "low"
LOST, JITTER_SAMPLES = 7, 80


def begin(scene: Scene, zone: str = ZONE) -> int:
    """Ask for an endless broadcast and return its id."""
    with scene.station.database.session() as session:
        sound = kept(session, MediaStore(scene.station.settings.home / "media", 1), scene.speeches["demo-congrats"])
        return starting.ask(session, Request("test", "t", [sound.id], [zone], times=0), now()).id


async def stop(scene: Scene, broadcast: int) -> Aired:
    with scene.station.database.session() as session:
        calling_off.stop(session, broadcast, "account:test@example", now())
    await until(lambda: scene.broadcast(broadcast).state == "ended", "the end", 20)
    return scene.broadcast(broadcast)


def delivery(scene: Scene, broadcast: int, code: str) -> Delivery:
    with scene.station.database.session() as session:
        found = next(one for one in session.get_one(Broadcast, broadcast).deliveries if one.speaker.code == code)
        session.expunge(found)
        return found


@contextmanager
def device(
    scene: Scene, code: str, reports: tuple[int, int] | None = None, loses_every: int = 0
) -> Iterator[MediaDevice]:
    server, password = scene.station.server, district.password(code)
    with MediaDevice(server, code, password, reports=reports, loses_every=loses_every) as speaker:
        assert speaker.registered.wait(10)
        yield speaker


async def test_loss_is_unknown_for_a_speaker_that_never_reports(scene: Scene) -> None:
    with device(scene, CODE, reports=(LOST, JITTER_SAMPLES)) as one, device(scene, OTHER) as other:
        await until(lambda: {CODE, OTHER} <= scene.reachable(), "both reachable")
        broadcast = begin(scene)
        await until(lambda: min(len(one.times), len(other.times)) > 150, "three seconds of sound", 20)
        await until(lambda: delivery(scene, broadcast, CODE).packets_lost is not None, "a report in the log")
        await stop(scene, broadcast)
    reported, silent = (delivery(scene, broadcast, code) for code in (CODE, OTHER))
    assert (reported.state, reported.packets_lost, reported.jitter_ms, reported.heard) == ("played", LOST, 10.0, True)
    assert (silent.state, silent.packets_lost, silent.jitter_ms) == ("played", None, None)
    assert (silent.loss, silent.heard) == (None, None)


async def test_speaker_that_holds_counts_only_what_it_let_us_send(scene: Scene) -> None:
    with device(scene, CODE, reports=(0, 0)) as speaker:
        await until(lambda: CODE in scene.reachable(), "reachable")
        broadcast = begin(scene)
        await until(lambda: len(speaker.times) > 100, "two seconds of sound", 20)
        speaker.hold()
        await until(lambda: delivery(scene, broadcast, CODE).reason == "holds", "the log says that it holds", 10)
        held = time.monotonic()
        counted = delivery(scene, broadcast, CODE).seconds
        await until(lambda: time.monotonic() - held > 2, "two seconds more")
        assert speaker.packets_since(held) == 0
        await stop(scene, broadcast)
    after = delivery(scene, broadcast, CODE)
    assert (after.state, after.reason) == ("failed", "holds")
    assert after.seconds == pytest.approx(counted, abs=0.1)


async def test_speaker_that_resumes_has_played_without_the_pause(scene: Scene) -> None:
    with device(scene, CODE, reports=(0, 0)) as speaker:
        await until(lambda: CODE in scene.reachable(), "reachable")
        broadcast = begin(scene)
        await until(lambda: len(speaker.times) > 50, "a second of sound", 20)
        speaker.hold(direction="inactive")
        await until(lambda: delivery(scene, broadcast, CODE).reason == "holds", "the log says that it holds", 10)
        before = len(speaker.times)
        speaker.hold(direction="recvonly")
        await until(lambda: len(speaker.times) > before + 50, "sound again", 10)
        aired = await stop(scene, broadcast)
    assert (aired.deliveries[CODE].state, aired.deliveries[CODE].reason) == ("played", None)
    with scene.station.database.session() as session:
        found = session.get_one(Broadcast, broadcast)
        assert found.on_air_at is not None
        assert found.ended_at is not None
        whole = (found.ended_at - found.on_air_at).total_seconds()
    assert aired.deliveries[CODE].seconds < whole


async def test_multicast_group_counts_the_whole_time_sent(scene: Scene) -> None:
    broadcast = begin(scene, "14")
    await until(lambda: scene.broadcast(broadcast).live, "on air", 20)
    began = time.monotonic()
    await until(lambda: scene.broadcast(broadcast).deliveries["group"].seconds > 3, "the log counts on", 10)
    aired = await stop(scene, broadcast)
    assert aired.deliveries["group"].seconds > time.monotonic() - began - 1


REASONS = [
    ("486 Busy Here", "busy"),
    ("488 Not Acceptable Here", "no_common_codec"),
]
MORE_REASONS = [
    ("480 Temporarily Unavailable", "do_not_disturb"),
    ("302 Moved Temporarily", "forwarded"),
    ("600 Busy Everywhere", "busy"),
    ("403 Forbidden", "refused"),
    ("603 Decline", "refused"),
    ("415 Unsupported Media Type", "no_common_codec"),
    ("606 Not Acceptable", "no_common_codec"),
    ("301 Moved Permanently", "forwarded"),
    ("404 Not Found", "unreachable"),
    ("408 Request Timeout", "unreachable"),
    ("503 Service Unavailable", "unreachable"),
    ("487 Request Terminated", "no_answer"),
    ("420 Bad Extension", "device_error"),
    ("500 Server Internal Error", "device_error"),
]


@pytest.mark.parametrize(
    ("status", "reason"),
    [*REASONS, *(pytest.param(*one, marks=pytest.mark.proof) for one in MORE_REASONS)],
)
async def test_reason_is_the_one_that_the_device_gives(scene: Scene, status: str, reason: str) -> None:
    headers = (f"Contact: <sip:1900@{scene.station.server}>",)
    with BareSpeaker(scene.station.server, CODE, district.password(CODE), status, headers) as speaker:
        await until(lambda: CODE in scene.reachable(), "reachable")
        broadcast = begin(scene)
        await until(lambda: bool(speaker.invites), "it is called", 20)
        await until(lambda: delivery(scene, broadcast, CODE).reason is not None, "a reason", 20)
        aired = await stop(scene, broadcast)
    assert (aired.deliveries[CODE].state, aired.deliveries[CODE].reason) == ("missed", reason)


class WithoutOurCodecs(BareSpeaker):
    """Answers with G.729 alone, whatever was offered."""

    @property
    def description(self) -> str:
        return super().description.replace("RTP/AVP 8", "RTP/AVP 18")


async def test_answer_without_a_common_codec_is_reported_as_such(scene: Scene) -> None:
    with WithoutOurCodecs(scene.station.server, CODE, district.password(CODE), "200 OK") as speaker:
        await until(lambda: CODE in scene.reachable(), "reachable")
        broadcast = begin(scene)
        await until(lambda: bool(speaker.invites), "it is called", 20)
        await until(lambda: delivery(scene, broadcast, CODE).reason is not None, "a reason", 20)
        aired = await stop(scene, broadcast)
    assert (aired.deliveries[CODE].state, aired.deliveries[CODE].reason) == ("missed", "no_common_codec")


@pytest.mark.proof
@pytest.mark.timeout(300)
@pytest.mark.parametrize("reports", [(0, 0), None])
async def test_silent_speaker_counts_to_its_last_sign_of_life(scene: Scene, reports: tuple[int, int] | None) -> None:
    """With reports it is dropped by what it sent; without any, it is asked within the call."""
    with device(scene, CODE, reports) as speaker:
        await until(lambda: CODE in scene.reachable(), "reachable")
        broadcast = begin(scene)
        await until(lambda: len(speaker.times) > 300, "six seconds of sound", 20)
        counted = len(speaker.times) / 50
        speaker.silent.set()
        await until(lambda: delivery(scene, broadcast, CODE).reason == "went_silent", "it is in doubt", 90)
        assert delivery(scene, broadcast, CODE).seconds < counted + 6
        await until(lambda: delivery(scene, broadcast, CODE).state != "playing", "it is dropped", 120)
        dropped = delivery(scene, broadcast, CODE)
        await stop(scene, broadcast)
        speaker.silent.clear()
    assert dropped.reason != "internal_error"
    assert delivery(scene, broadcast, CODE).seconds < counted + 6


@pytest.mark.proof
async def test_call_survives_a_device_that_loses_some_options_requests(scene: Scene) -> None:
    with device(scene, CODE, loses_every=3) as speaker:
        await until(lambda: CODE in scene.reachable(), "reachable")
        broadcast = begin(scene)
        await until(lambda: CODE not in scene.reachable(), "an OPTIONS request is lost", 60)
        await until(lambda: CODE in scene.reachable(), "the next one is answered", 30)
        lost = time.monotonic()
        await until(lambda: speaker.packets_since(lost) > 100, "sound goes on", 10)
        aired = await stop(scene, broadcast)
    assert (aired.deliveries[CODE].state, len(speaker.invites)) == ("played", 1)
    assert delivery(scene, broadcast, CODE).attempts == 1
