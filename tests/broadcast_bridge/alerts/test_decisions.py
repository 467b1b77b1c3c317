import asyncio
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts import broadcasting
from broadcast_bridge.alerts.decisions import receive_from_anyone
from broadcast_bridge.alerts.errors import AlertExpired, NoSuchSource, SentInFuture, SourceSwitchedOff
from broadcast_bridge.alerts.models import AlertSource, CapAlert, DecisionKind
from broadcast_bridge.broadcasts.states import Priority
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.locale import message
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
    with_secret,
)
from tests.broadcast_bridge.alerts.taking import FIRST, put_on_air, take


def test_an_actual_alert_is_aired_where_its_area_is(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        place(session, "12", "01290")
        decision = take(session, source(session), alert())
        assert (decision.kind, decision.priority) == (DecisionKind.AIR, Priority.EMERGENCY)
        assert decision.speakers == tuple(here.speakers)
        assert decision.texts == {
            "vi": "Thông báo khẩn của Đài Khí tượng Thủy văn Cao Bằng. Lũ quét trên sông Gâm. Khu vực: Xã Cô Ba. "
            "Nước sông đang dâng rất nhanh. Bà con hãy lên nơi cao ngay."
        }
        assert decision.alert is not None
        assert decision.alert.areas == "Cô Ba"
        assert broadcasting.due(session, NOW) == [decision.alert]


def test_the_decision_is_in_the_audit_trail(database: Database) -> None:
    with database.session() as session:
        place(session)
        take(session, source(session), alert())
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "alert.air")).one()
        assert (entry.actor, entry.detail["identifier"], entry.detail["speakers"]) == (
            "alert-source:kttv",
            "CB-2026-001",
            2,
        )


def test_the_same_alert_twice_is_a_duplicate_that_does_not_air_again(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        first = take(session, who, alert())
        again = take(session, who, alert(), minutes(1))
        assert (again.kind, again.alert, again.refusal) == (DecisionKind.DUPLICATE, first.alert, None)
        assert len(session.scalars(sa.select(CapAlert)).all()) == 1


def test_other_words_under_a_known_name_are_a_duplicate_that_says_so(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        take(session, who, alert())
        again = take(session, who, alert(infos=info(headline="Không có gì")))
        assert (again.kind, again.reason) == (DecisionKind.DUPLICATE, message("alert.reason.duplicate_differs"))


def test_an_expired_alert_is_refused(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        decision = take(session, who, alert(infos=info(expires=minutes(-1)), sent=minutes(-60)))
        assert isinstance(decision.refusal, AlertExpired)
        assert decision.alert is not None
        assert decision.alert.state == "expired"
        assert broadcasting.due(session, NOW) == []
        assert take(session, who, alert(infos=info(expires=minutes(-1)), sent=minutes(-60))).kind == "duplicate"


def test_an_alert_that_never_expires_is_worth_hearing_for_a_day(database: Database) -> None:
    endless = info().replace("<expires>", "<!--").replace("</expires>", "-->")
    with database.session() as session:
        place(session)
        who = source(session)
        assert take(session, who, alert("a", minutes(-60 * 23), infos=endless)).kind == DecisionKind.AIR
        assert take(session, who, alert("b", minutes(-60 * 25), infos=endless)).kind == DecisionKind.REFUSE


def test_an_alert_from_the_far_future_is_refused_and_not_kept(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        assert isinstance(take(session, who, alert(sent=minutes(6))).refusal, SentInFuture)
        assert take(session, who, alert(sent=minutes(6)), minutes(3)).kind == DecisionKind.AIR


def test_what_is_not_yet_effective_waits(database: Database) -> None:
    with database.session() as session:
        place(session)
        decision = take(session, source(session), alert(infos=info(effective=minutes(30))))
        assert broadcasting.due(session, NOW) == []
        assert broadcasting.due(session, minutes(30)) == [decision.alert]


def test_what_is_not_for_the_public_is_kept_and_not_aired(database: Database) -> None:
    documents = [
        *(alert(status, status=status) for status in ("Exercise", "Test", "System", "Draft")),
        *(alert(scope, scope=scope) for scope in ("Private", "Restricted")),
        *(alert(kind, kind=kind, references=FIRST) for kind in ("Ack", "Error")),
    ]
    with database.session() as session:
        place(session)
        who = source(session)
        decisions = [take(session, who, document) for document in documents]
        assert {(decision.kind, decision.speakers) for decision in decisions} == {(DecisionKind.IGNORE, ())}
        assert [decision.reason.key for decision in decisions if decision.reason] == [
            *["alert.reason.status_not_aired_by_source"] * 2,
            *["alert.reason.status_never_aired"] * 2,
            *["alert.reason.scope"] * 2,
            *["alert.reason.for_machines"] * 2,
        ]
        assert {row.state for row in session.scalars(sa.select(CapAlert))} == {"refused"}
        assert broadcasting.due(session, NOW) == []


def test_an_exercise_is_announced_as_one_and_interrupts_nothing(database: Database) -> None:
    with database.session() as session:
        place(session)
        decision = take(session, source(session, speaks_exercises=True), alert(status="Exercise"))
        assert (decision.kind, decision.priority) == (DecisionKind.AIR, Priority.NORMAL)
        assert "Đây là diễn tập, không phải tình huống thật." in decision.texts["vi"]
        assert "khẩn" not in decision.texts["vi"]


def test_a_source_gets_no_higher_priority_than_it_may_ask_for(database: Database) -> None:
    with database.session() as session:
        place(session)
        decision = take(session, source(session, highest_priority=Priority.PRIORITY), alert())
        assert decision.priority == Priority.PRIORITY
        assert decision.texts["vi"].startswith("Thông báo quan trọng của")


def test_an_area_that_is_not_ours_is_kept_with_an_alarm(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        who = source(session, zones=[here.zone])
        decision = take(session, who, alert(infos=info(areas=area("99999", "Xã khác"))))
        assert decision.kind == DecisionKind.IGNORE
        assert decision.alert is not None
        assert decision.alert.state == "noted"
        assert [alarm.kind for alarm in open_alarms(session)] == [AlarmKind.ALERT_NOWHERE]


def test_an_area_in_words_alone_means_the_default_zones_of_the_source(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        decision = take(session, source(session, zones=[here.zone]), alert(infos=info(areas=area(""))))
        assert decision.speakers == tuple(here.speakers)


def test_urgent_alerts_are_due_first(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        calm = take(session, who, alert("a", infos=info(urgency="Future")))
        grave = take(session, who, alert("b", sent=minutes(1)), minutes(1))
        assert broadcasting.due(session, minutes(1)) == [grave.alert, calm.alert]


def test_an_alert_that_ran_out_before_it_was_heard_raises_an_alarm(database: Database) -> None:
    with database.session() as session:
        place(session)
        decision = take(session, source(session), alert())
        assert broadcasting.expire(session, minutes(119)) == []
        assert broadcasting.expire(session, minutes(120)) == [decision.alert]
        assert [alarm.kind for alarm in open_alarms(session)] == [AlarmKind.ALERT_NOT_AIRED]


def test_an_alert_on_the_air_is_stopped_when_it_expires(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        broadcast = put_on_air(session, take(session, source(session), alert()), here.official.id)
        broadcasting.expire(session, minutes(120))
        assert broadcasting.broadcasts_to_stop(session, NOW) == [broadcast.id]
        assert open_alarms(session) == []


def test_an_alert_that_was_heard_to_its_end_is_aired(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        decision = take(session, source(session), alert())
        put_on_air(session, decision, here.official.id)
        assert decision.alert is not None
        broadcasting.finish(session, decision.alert)
        assert decision.alert.state == "aired"
        assert broadcasting.expire(session, minutes(121)) == []


def test_a_file_from_an_unknown_sender_is_refused_and_leaves_a_trace(database: Database) -> None:
    with database.session() as session:
        source(session)
        document = alert(sender="la@noi.example")
        decision = receive_from_anyone(session, document, with_secret(document), NOW)
        assert isinstance(decision.refusal, NoSuchSource)
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "alert.refused")).one()
        assert (entry.actor, entry.detail["error"]) == ("unproven:unknown", "NoSuchSource")


def test_a_file_finds_its_source_by_its_sender(database: Database) -> None:
    with database.session() as session:
        place(session)
        source(session, senders=["*@caobang.example"])
        assert receive_from_anyone(session, alert(), with_secret(alert()), NOW).kind == DecisionKind.AIR


def test_a_source_that_is_switched_off_is_not_heard(database: Database) -> None:
    with database.session() as session:
        place(session)
        assert isinstance(take(session, source(session, enabled=False), alert()).refusal, SourceSwitchedOff)


async def test_what_comes_by_two_ways_at_once_is_aired_once(database: Database) -> None:
    with database.session() as session:
        place(session)
        code = source(session).code

    def arrive(document: bytes) -> Callable[[Session], str]:
        def work(session: Session) -> str:
            who = session.scalars(sa.select(AlertSource).where(AlertSource.code == code)).one()
            return take(session, who, document, minutes(5)).kind

        return work

    kinds = await asyncio.gather(*(database.run(arrive(alert())) for _ in range(6)))
    assert sorted(kinds) == ["air", *["duplicate"] * 5]
    messages = [alert("b"), cancel("c", reference("b"), minutes(2))] * 3
    await asyncio.gather(*(database.run(arrive(document)) for document in messages))
    with database.session() as session:
        assert [row.identifier for row in broadcasting.due(session, minutes(5))] == ["CB-2026-001"]
