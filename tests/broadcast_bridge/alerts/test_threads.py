"""Updates and cancels: what they replace, in whatever order they arrive."""

import itertools
from collections.abc import Sequence

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.alerts import broadcasting
from broadcast_bridge.alerts.models import AlertSource, DecisionKind
from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.models import Broadcast
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.database import Database
from tests.broadcast_bridge.alerts.messages import (
    NOW,
    alert,
    area,
    cancel,
    info,
    minutes,
    place,
    reference,
    source,
    stamp,
    update,
)
from tests.broadcast_bridge.alerts.taking import FIRST, put_on_air, take


def test_an_update_replaces_the_alert_and_stops_its_broadcast(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        who = source(session)
        first = take(session, who, alert())
        broadcast = put_on_air(session, first, here.official.id)
        second = take(session, who, update("CB-2", FIRST, minutes(5)), minutes(5))
        assert (second.kind, second.stops) == (DecisionKind.UPDATE, (broadcast.id,))
        assert first.alert is not None
        assert first.alert.state == "superseded"
        assert broadcasting.broadcasts_to_stop(session, NOW) == [broadcast.id]
        assert broadcasting.due(session, minutes(5)) == [second.alert]
        assert "Tin này thay thế thông báo trước." in second.texts["vi"]


def test_a_cancel_stops_the_broadcast_and_airs_the_all_clear_there(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        who = source(session)
        first = take(session, who, alert())
        broadcast = put_on_air(session, first, here.official.id)
        second = take(session, who, cancel("CB-2", FIRST, minutes(5)), minutes(5))
        assert (second.kind, second.stops) == (DecisionKind.CANCEL, (broadcast.id,))
        assert second.speakers == tuple(here.speakers)
        assert second.texts == {"vi": "Thông báo của Đài KTTV. Cảnh báo trước đó đã được hủy bỏ."}
        assert first.alert is not None
        assert first.alert.state == "cancelled"
        assert broadcasting.due(session, minutes(5)) == [second.alert]


def test_a_cancel_of_what_was_not_heard_yet_is_silent(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        take(session, who, alert())
        second = take(session, who, cancel("CB-2", FIRST, minutes(5)), minutes(5))
        assert (second.kind, second.texts, second.stops) == (DecisionKind.CANCEL, {}, ())
        assert broadcasting.due(session, minutes(5)) == []


def test_a_cancel_that_overtakes_its_alert_keeps_it_off_the_air(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        assert take(session, who, cancel("CB-2", FIRST, minutes(5)), minutes(5)).kind == DecisionKind.CANCEL
        late = take(session, who, alert(), minutes(6))
        assert late.kind == DecisionKind.IGNORE
        assert late.alert is not None
        assert late.alert.state == "cancelled"
        assert broadcasting.due(session, minutes(6)) == []


def test_an_update_that_overtakes_its_alert_keeps_it_off_the_air(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        newer = take(session, who, update("CB-2", FIRST, minutes(5)), minutes(5))
        late = take(session, who, alert(), minutes(6))
        assert (newer.kind, late.kind) == (DecisionKind.UPDATE, DecisionKind.IGNORE)
        assert broadcasting.due(session, minutes(6)) == [newer.alert]


def test_an_update_older_than_the_newest_is_not_aired(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        take(session, who, alert())
        newest = take(session, who, update("CB-3", FIRST, minutes(9)), minutes(9))
        older = take(session, who, update("CB-2", FIRST, minutes(5)), minutes(10))
        assert older.kind == DecisionKind.IGNORE
        assert broadcasting.due(session, minutes(10)) == [newest.alert]


def test_a_late_link_of_the_thread_still_stops_what_it_replaces(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        who = source(session)
        second = reference("CB-2", minutes(5))
        take(session, who, update("CB-3", second, minutes(9)), minutes(9))
        first = take(session, who, alert(), minutes(10))
        broadcast = put_on_air(session, first, here.official.id)
        link = take(session, who, update("CB-2", FIRST, minutes(5)), minutes(11))
        assert (link.kind, link.stops) == (DecisionKind.IGNORE, (broadcast.id,))


def test_a_cancel_that_names_only_the_first_alert_ends_the_update_too(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        who = source(session)
        take(session, who, alert())
        second = take(session, who, update("CB-2", FIRST, minutes(5)), minutes(5))
        broadcast = put_on_air(session, second, here.official.id)
        assert take(session, who, cancel("CB-3", FIRST, minutes(9)), minutes(9)).stops == (broadcast.id,)


def test_nobody_cancels_the_alert_of_another_sender(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        first = take(session, source(session), alert())
        broadcast = put_on_air(session, first, here.official.id)
        other = source(session, "khac", senders=["khac@caobang.example"])
        document = alert("X", minutes(5), "Cancel", references=FIRST, infos="", sender="khac@caobang.example")
        decision = take(session, other, document, minutes(5))
        assert (decision.kind, decision.stops) == (DecisionKind.IGNORE, ())
        assert broadcasting.broadcasts_to_stop(session, NOW) == []
        assert session.get_one(Broadcast, broadcast.id).state == BroadcastState.ON_AIR
        assert [alarm.kind for alarm in open_alarms(session)] == [AlarmKind.ALERT_FORGED]


def test_nobody_cancels_the_alert_of_another_source_by_its_senders_name(database: Database) -> None:
    with database.session() as session:
        place(session)
        first = take(session, source(session), alert())
        twin = source(session, "trùng")
        take(session, twin, cancel("CB-2", FIRST, minutes(5)), minutes(5))
        assert broadcasting.due(session, minutes(5)) == [first.alert]


def test_an_exercise_cannot_cancel_an_actual_alert(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session, speaks_exercises=True)
        first = take(session, who, alert())
        take(session, who, alert("CB-2", minutes(5), "Cancel", status="Exercise", references=FIRST, infos=""))
        assert broadcasting.due(session, minutes(5)) == [first.alert]


def test_an_update_that_leaves_our_area_ends_the_alert_here(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        who = source(session)
        broadcast = put_on_air(session, take(session, who, alert()), here.official.id)
        moved = take(session, who, update("CB-2", FIRST, minutes(5), info(areas=area("99999"))), minutes(5))
        assert (moved.kind, moved.stops) == (DecisionKind.IGNORE, (broadcast.id,))
        assert [alarm.kind for alarm in open_alarms(session)] == [AlarmKind.ALERT_NOWHERE]


SECOND = reference("2", minutes(1))
THREADS = {
    "each names all": [alert("1"), update("2", reference("1"), minutes(1)), update("3", f"{reference('1')} {SECOND}")],
    "each names the one before": [alert("1"), update("2", reference("1"), minutes(1)), update("3", SECOND)],
    "each names the first": [alert("1"), update("2", reference("1"), minutes(1)), update("3", reference("1"))],
}


@pytest.mark.parametrize(
    "name", ["each names the one before", *(pytest.param(name, marks=pytest.mark.proof) for name in list(THREADS)[::2])]
)
def test_a_thread_gives_the_same_result_in_any_order(database: Database, name: str) -> None:
    def standing(session: Session, who: AlertSource, messages: Sequence[bytes]) -> list[str]:
        with session.begin_nested() as attempt:
            for message in messages:
                take(session, who, message, minutes(10))
            found = [row.identifier for row in broadcasting.due(session, minutes(10))]
            attempt.rollback()
        return found

    with database.session() as session:
        place(session)
        who = source(session)
        first, second, third = THREADS[name]
        newest = third.replace(stamp(NOW).encode(), stamp(minutes(2)).encode(), 1)
        thread = [first, second, newest]
        for order in itertools.permutations(thread):
            assert standing(session, who, order) == ["3"]
        for order in itertools.permutations([*thread, cancel("4", reference("1"), minutes(3))]):
            assert standing(session, who, order) == []
