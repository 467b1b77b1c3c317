"""Broadcasts that several nodes play, as rows: who plays what, who closes it, and who takes over a lost node's."""

import asyncio
import datetime
from collections.abc import Iterator
from typing import cast

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import rejoining, sharing, starting, taking_over
from broadcast_bridge.broadcasts.broadcast_lifecycle import advance
from broadcast_bridge.broadcasts.states import AfterCut, BroadcastEvent, Priority, Reason
from broadcast_bridge.models import Broadcast, BroadcastPart, Delivery, Speaker
from broadcast_bridge.speakers.reachability import is_something_to_note, note_all
from broadcast_bridge.speakers.zones import find_zone
from broadcast_bridge.studio.joiner import Place
from broadcast_bridge.studio.speaker_leg import SpeakerLeg
from broadcast_bridge.studio.speaker_target import MulticastRoute, Shown, leg_target
from haichieu.ari.client import AriClient
from haichieu.database import Database, now
from haichieu.nodes import Node
from tests.builders.places import Commune, commune

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    with database.session() as session:
        for name in ("a", "b", "c"):
            session.add(Node(name=name, sip=f"{name}:5060", seen_at=now() + HOUR))
    yield database
    database.close()


def place(session: Session, *nodes: str) -> Commune:
    """Add a commune with one reachable speaker at each of these nodes."""
    made = commune(session, speakers=len(nodes))
    for speaker, node in zip(made.speakers, nodes, strict=True):
        speaker.node = node
    session.flush()
    return made


def begun(session: Session, node: str, **more: object) -> Broadcast:
    """Request a broadcast in the commune, and begin it at a node."""
    asked = starting.ask(session, starting.Request("test", "Tin", [], ["11"], siren=True, **more), now())  # type: ignore[arg-type]
    assert starting.begin(session, asked.id, node, now()) is not None
    return asked


def lose(session: Session, *names: str) -> None:
    for name in names:
        session.get_one(Node, name).seen_at = now() - HOUR
    session.flush()


def served(broadcast: Broadcast) -> dict[str, str]:
    return {delivery.speaker.code: delivery.node for delivery in broadcast.deliveries}


def test_each_node_gets_its_own_speakers_and_begins_once(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "a", "b", "b")
        one = begun(session, "a")
        assert served(one) == {"s11-0": "a", "s11-1": "b", "s11-2": "b"}
        assert one.starts_at is not None
        assert 0.5 < (one.starts_at - now()).total_seconds() < 1.5
        assert (sharing.parts_to_begin(session, "a"), sharing.parts_to_begin(session, "c")) == ([], [])
        assert sharing.has_work(session, "b")
        assert sharing.begin_parts(session, "b") == [one.id]
        assert sharing.begin_parts(session, "b") == ()


@pytest.mark.parametrize("nodes", [("a", "a"), ("a", "gone"), ("a", "")])
def test_broadcast_of_one_node_has_no_parts(postgres: Database, nodes: tuple[str, ...]) -> None:
    with postgres.session() as session:
        place(session, *nodes)
        one = begun(session, "a")
        assert (one.starts_at, set(served(one).values())) == (None, {""})
        assert session.query(BroadcastPart).count() == 0


def test_leader_closes_when_the_other_parts_have_ended(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "a", "b")
        one = begun(session, "a")
        sharing.begin_parts(session, "b")
        assert sharing.end_part(session, one.id, "a", broke_off=None), "the leader closes it"
        assert sharing.open_parts(session, one.id, "a") == ["b"]
        assert not sharing.end_part(session, one.id, "b", broke_off=None)
        assert sharing.open_parts(session, one.id, "a") == []


def test_leader_that_breaks_off_hands_over_and_releases_its_speakers(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "a", "b")
        one = begun(session, "a")
        sharing.begin_parts(session, "b")
        assert not sharing.end_part(session, one.id, "a", broke_off=Reason.ASTERISK_STOPPED)
        assert one.node == "b"
        first = one.deliveries[0]
        assert (first.state, first.active, first.reason) == ("pending", True, "asterisk_stopped")


def test_node_without_the_sound_gives_up_and_does_not_try_again(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "a", "b")
        one = begun(session, "a")
        sharing.begin_parts(session, "b")
        assert not sharing.end_part(session, one.id, "b", broke_off=Reason.NO_SOUND)
        second = one.deliveries[1]
        assert (second.state, second.active, second.reason) == ("missed", False, "no_sound")
        assert not sharing.has_work(session, "b")


def test_speaker_that_registers_at_another_node_is_served_there(postgres: Database) -> None:
    with postgres.session() as session:
        made = place(session, "a", "b")
        one = begun(session, "a")
        sharing.begin_parts(session, "b")
        assert not sharing.has_work(session, "c")
        made.speakers[1].node = "c"
        session.flush()
        assert sharing.has_work(session, "c")
        moved = one.deliveries[1].id
        assert sharing.take_arrivals(session, "c") == {one.id: [moved]}
        assert sharing.begin_parts(session, "c") == [one.id]
        assert sharing.moved_away(session, [one.id], "b") == {one.id: [one.deliveries[0].id, moved]}
        assert not sharing.has_work(session, "c")


def test_speaker_of_a_node_that_runs_stays_there(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "a", "b")
        begun(session, "a")
        sharing.begin_parts(session, "b")
        for node in ("a", "b", "c"):
            assert sharing.take_arrivals(session, node) == {}


def test_speakers_return_to_their_own_node_after_an_emergency(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "a", "b")
        one = begun(session, "a", after_cut=AfterCut.DROP)
        sharing.opens(session, one.id, now())
        session.expire(one)
        alarm = begun(session, "b", priority=Priority.EMERGENCY)
        assert sharing.left_alone(session, [one.id]) == {one.id: True}
        for delivery in alarm.deliveries:
            delivery.active = False
        session.flush()
        assert rejoining.give_back(session, [one.id], "b") == {one.id: [one.deliveries[1].id]}
        assert rejoining.give_back(session, [one.id], "a") == {one.id: [one.deliveries[0].id]}
        assert sharing.left_alone(session, [one.id]) == {}


def test_another_node_leads_when_the_leader_is_lost(postgres: Database) -> None:
    with postgres.session() as session:
        made = place(session, "c", "b")
        one = begun(session, "c")
        sharing.begin_parts(session, "b")
        assert not taking_over.has_work(session, "a")
        lose(session, "c")
        assert not taking_over.has_work(session, "b"), "the first node that is up takes over"
        assert taking_over.has_work(session, "a")
        taking_over.take_over(session, "a")
        assert one.node == "b"
        assert [speaker.reachable for speaker in made.speakers] == [False, True]
        assert not taking_over.has_work(session, "a")


def test_recording_of_a_lost_node_continues_where_speakers_register(postgres: Database) -> None:
    with postgres.session() as session:
        made = place(session, "c", "c")
        one = begun(session, "c")
        began = now() - datetime.timedelta(seconds=9)
        advance(session, one.id, BroadcastEvent.OPEN, began)
        session.flush()
        lose(session, "c")
        taking_over.take_over(session, "a")
        assert (one.node, one.starts_at) == ("a", began), "at the same position"
        assert sharing.begin_parts(session, "a") == [one.id]
        made.speakers[0].node, made.speakers[0].reachable = "b", True
        session.flush()
        assert list(sharing.take_arrivals(session, "b")) == [one.id]
        assert sharing.begin_parts(session, "b") == [one.id]
        assert served(one)["s11-0"] == "b"


def live(session: Session, made: Commune, node: str) -> Broadcast:
    """Begin a live voice of the commune's official at a node."""
    zone = find_zone(session, made.official, "11")
    voice, _ = starting.plan_live(session, made.official, zone, Priority.NORMAL, now(), node)
    advance(session, voice.id, BroadcastEvent.CALL_SPEAKERS, now())
    session.flush()
    return voice


def test_live_voice_is_passed_on_to_the_nodes_that_can_be_called(postgres: Database) -> None:
    with postgres.session() as session:
        made = place(session, "a", "b", "c")
        session.get_one(Node, "c").sip = ""
        session.flush()
        voice = live(session, made, "a")
        assert served(voice) == {"s11-0": "a", "s11-1": "b", "s11-2": "a"}
        assert sharing.relays_of(session, voice, "a") == ["b"]
        assert sharing.relays_of(session, voice, "b") == ()
        assert sharing.begin_parts(session, "b") == [voice.id]
        assert sharing.closed_elsewhere(session, [voice.id]) == []
        assert sharing.end_part(session, voice.id, "a", broke_off=None), "its node closes it"
        assert sharing.closed_elsewhere(session, [voice.id]) == [voice.id], "the other nodes stop"


def test_live_voice_is_closed_by_its_node_even_if_that_fails(postgres: Database) -> None:
    with postgres.session() as session:
        voice = live(session, place(session, "a", "b"), "a")
        sharing.begin_parts(session, "b")
        assert sharing.end_part(session, voice.id, "a", broke_off=Reason.ASTERISK_STOPPED)
        assert voice.node == "a"


def test_node_that_gets_no_voice_closes_its_own_deliveries(postgres: Database) -> None:
    with postgres.session() as session:
        voice = live(session, place(session, "a", "b"), "a")
        sharing.begin_parts(session, "b")
        assert not sharing.end_part(session, voice.id, "b", broke_off=Reason.NO_SOUND)
        assert [(one.state, one.active) for one in voice.deliveries] == [("pending", True), ("missed", False)]


@pytest.mark.parametrize("nodes", [("c",), ("c", "b")])
def test_live_voice_of_a_lost_node_is_closed_with_the_reason(postgres: Database, nodes: tuple[str, ...]) -> None:
    with postgres.session() as session:
        voice = live(session, place(session, *nodes), "c")
        sharing.begin_parts(session, "b")
        lose(session, "c")
        taking_over.take_over(session, "a")
        assert (voice.state, voice.reason) == ("failed", "node_lost")
        assert session.query(Delivery).filter(Delivery.active).count() == 0


def test_node_that_returns_finds_nothing_of_its_own_to_close(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "c", "b")
        one = begun(session, "c")
        sharing.begin_parts(session, "b")
        assert (sharing.begun_by(session, "c"), sharing.begun_by(session, "b")) == ([one.id], [one.id])
        lose(session, "c")
        taking_over.take_over(session, "a")
        assert not sharing.end_part(session, one.id, "c", broke_off=Reason.SWITCHBOARD_RESTARTED)
        assert sharing.begun_by(session, "c") == []
        assert session.query(Speaker).filter(Speaker.reachable).count() == 1


def test_speaker_moves_only_when_it_registers_or_its_node_is_lost(postgres: Database) -> None:
    with postgres.session() as session:
        (speaker,) = place(session, "b").speakers
        here = {speaker.code}
        assert not is_something_to_note(session, here, "a"), "an old registration here is still valid"
        note_all(session, here, "registration", now(), "a", registered=here)
        assert speaker.node == "a"
        lose(session, "a")
        note_all(session, here, "OPTIONS", now(), "c")
        assert speaker.node == "c"


def test_what_a_speaker_heard_at_another_node_counts(postgres: Database) -> None:
    with postgres.session() as session:
        place(session, "a", "b")
        moved = begun(session, "a").deliveries[1]
        moved.seconds = 12.5
        target = leg_target(moved, Priority.NORMAL, MulticastRoute(), Shown())
        leg = SpeakerLeg(cast(AriClient, None), target, cast(Place, None), asyncio.Semaphore(), 8.0, 30.0)
        assert leg.report().seconds == 12.5
