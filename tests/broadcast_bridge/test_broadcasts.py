import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, sharing
from broadcast_bridge.broadcasts.broadcast_lifecycle import DeliveryUpdate, apply_updates, close_deliveries
from broadcast_bridge.broadcasts.starting import LiveNotAllowed, NoReachableSpeaker, ZoneBusy, plan_live
from broadcast_bridge.broadcasts.states import (
    BROADCAST,
    DELIVERY,
    BroadcastEvent,
    DeliveryEvent,
    Priority,
    Reason,
    reason_message,
)
from broadcast_bridge.models import Broadcast, Delivery, Zone
from broadcast_bridge.speakers.zones import find_zone
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.locale import render
from haichieu.state_machine import IllegalTransition
from tests.builders.accounts import official
from tests.builders.places import Commune, commune

NOW = datetime.datetime(2026, 11, 24, 5, 30, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(seconds=20)


def plan(session: Session, place: Commune) -> Broadcast:
    zone = find_zone(session, place.official, place.zone.code)
    return plan_live(session, place.official, zone, Priority.NORMAL, NOW, "main")[0]


def heard(delivery: Delivery, seconds: float = 10.0, *events: DeliveryEvent) -> DeliveryUpdate:
    return DeliveryUpdate(
        delivery.id, events or (DeliveryEvent.RING, DeliveryEvent.PLAY), attempts=1, first_audio_at=NOW, seconds=seconds
    )


def test_planning_takes_every_speaker_of_the_zone(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=3)
        broadcast = plan(session, place)
        assert (broadcast.state, broadcast.zone_names) == ("planned", "Khu 11")
        assert {(delivery.state, delivery.active) for delivery in broadcast.deliveries} == {("pending", True)}


def test_without_the_right_nobody_goes_live(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        place.official.may = ["record"]
        with pytest.raises(LiveNotAllowed):
            plan(session, place)


def test_a_zone_that_nobody_would_hear_is_refused_and_nothing_stays(database: Database) -> None:
    with database.session() as session:
        place = commune(session, reachable=0)
        with pytest.raises(NoReachableSpeaker):
            plan(session, place)
        assert session.scalars(sa.select(Broadcast)).all() == []


def test_a_second_official_hears_who_is_on_air(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        second = official(session, place.commune, "2002", "+84912000099")
        session.add(Zone(code="12", name="Trùng", speakers=place.speakers[:1], officials=[second]))
        plan(session, place)
        with pytest.raises(ZoneBusy) as refusal:
            plan_live(session, second, find_zone(session, second, "12"), Priority.NORMAL, NOW)
        assert refusal.value.on_air == place.official.name


def test_the_database_itself_keeps_a_speaker_out_of_two_broadcasts(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        first = plan(session, place)
        other = Broadcast(official_id=place.official.id, zone_names="x", created_at=NOW)
        other.deliveries = [Delivery(speaker=first.deliveries[0].speaker)]
        with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
            session.add(other)


def test_a_zone_is_free_again_when_its_broadcast_is_closed(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        first = plan(session, place)
        close_deliveries(session, first.id, NOW)
        session.flush()
        assert plan(session, place).id != first.id


def test_closing_reports_speakers_that_played_dropped_out_or_were_missed(database: Database) -> None:
    with database.session() as session:
        place = commune(session, speakers=4, reachable=3)
        broadcast = plan(session, place)
        played, dropped, silent, away = broadcast.deliveries
        apply_updates(
            session,
            [
                heard(played),
                heard(dropped, 4.0, DeliveryEvent.RING, DeliveryEvent.PLAY, DeliveryEvent.DROP),
                DeliveryUpdate(silent.id, (DeliveryEvent.RING,), attempts=1),
            ],
        )
        outcome = close_deliveries(session, broadcast.id, LATER)
        assert [(one.state, one.reason, one.seconds, one.active) for one in (played, dropped, silent, away)] == [
            ("played", None, 10.0, False),
            ("failed", Reason.DROPPED, 4.0, False),
            ("missed", Reason.NO_ANSWER, 0.0, False),
            ("missed", Reason.NOT_REGISTERED, 0.0, False),
        ]
        assert (outcome.heard, outcome.total) == (1, 4)
        assert outcome.missed == tuple(one.speaker.name for one in (dropped, silent, away))


def test_an_update_that_comes_after_the_close_changes_nothing(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        broadcast = plan(session, place)
        close_deliveries(session, broadcast.id, NOW)
        apply_updates(session, [heard(broadcast.deliveries[0])])
        assert broadcast.deliveries[0].state == "missed"


def test_a_failed_broadcast_raises_an_alarm(database: Database) -> None:
    with database.session() as session:
        broadcast = plan(session, commune(session))
        broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.FAIL, NOW, Reason.ASTERISK_STOPPED)
        session.flush()
        (alarm,) = open_alarms(session)
        assert alarm.subject == f"broadcast:{broadcast.id}"
        assert [render(alarm.text, language).removeprefix(broadcast.zone_names) for language in ("vi", "en")] == [
            ": Asterisk ngừng giữa chừng",
            ": Asterisk stopped during the broadcast",
        ]


def test_what_has_no_place_in_a_state_names_both(database: Database) -> None:
    with database.session() as session:
        broadcast = plan(session, commune(session))
        with pytest.raises(IllegalTransition, match="“end” cannot happen in state “planned”"):
            broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.END, NOW)


@pytest.mark.parametrize(("reason", "seconds"), [(Reason.SWITCHBOARD_RESTARTED, 20.0), (Reason.ASTERISK_STOPPED, 10.0)])
def test_an_orphan_is_closed_with_the_seconds_it_really_played(
    database: Database, reason: Reason, seconds: float
) -> None:
    with database.session() as session:
        broadcast = plan(session, commune(session))
        broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.CALL_SPEAKERS, NOW)
        broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.OPEN, NOW)
        apply_updates(session, [heard(broadcast.deliveries[0])])
        assert sharing.begun_by(session, "main") == [broadcast.id]
        broadcast_lifecycle.close_orphan(session, broadcast.id, reason, LATER)
        assert (broadcast.state, broadcast.reason) == ("failed", reason)
        assert broadcast.deliveries[0].seconds == seconds
        assert sharing.begun_by(session, "main") == []


def test_the_last_broadcast_is_the_newest_that_is_over(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        assert broadcast_lifecycle.last_broadcast_of(session, place.official.id) is None
        first = plan(session, place)
        close_deliveries(session, first.id, NOW)
        broadcast_lifecycle.advance(session, first.id, BroadcastEvent.CANCEL, NOW)
        session.flush()
        plan(session, place)
        last = broadcast_lifecycle.last_broadcast_of(session, place.official.id)
        assert last is not None
        assert last.id == first.id


def test_loss_is_the_share_of_packets_that_did_not_arrive() -> None:
    heard = now()
    assert Delivery(first_audio_at=heard, packets_sent=200, packets_lost=10).loss == 0.05
    assert Delivery(first_audio_at=heard, packets_sent=0, packets_lost=0).loss is None
    assert Delivery(first_audio_at=heard, packets_sent=200, packets_lost=None).loss is None
    assert Delivery(packets_sent=200, packets_lost=0).loss is None, "silence before the broadcast is no sound"


def test_every_reason_has_words_in_both_languages() -> None:
    for reason in Reason:
        vietnamese, english = (render(reason_message(reason), language) for language in ("vi", "en"))
        assert vietnamese != english


def test_every_state_can_be_reached_and_every_final_state_is_final() -> None:
    for machine in (BROADCAST, DELIVERY):
        reached = {machine.initial, *machine.table.values()}
        assert reached == set(machine.states)
        assert machine.final_states
        assert machine.initial in machine.mermaid()
