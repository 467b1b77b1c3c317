"""The one check at the moment of airing, and calling off what is still to come, on every path."""

import datetime
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.models import AlertSource, CapAlert
from broadcast_bridge.alerts.states import AlertState
from broadcast_bridge.broadcasts import broadcast_lifecycle, calling_off, catch_up, clearance, starting
from broadcast_bridge.broadcasts.states import BroadcastEvent, Reason
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes import approval
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.studio.playout_look import PlayoutLook
from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.media import Media
from haichieu.people import Account, Role
from tests.builders.accounts import account
from tests.builders.airings import NODE, NOW, asked, begun, ended, later, on_air, sound
from tests.builders.places import Commune, commune
from tests.builders.programmes import programme

WHO = "account:approver@x.example"


def bulletin(session: Session) -> Programme:
    made = programme(session)
    made.sound_id, made.state = sound(session), ProgrammeState.APPROVED
    session.flush()
    return made


def withdrawn(session: Session, made: Programme) -> None:
    approval.withdraw(session, made, WHO, later(5))


def expired(session: Session, made: Programme) -> None:
    made.valid_until = later(5)


def edited(session: Session, made: Programme) -> None:
    approval.edited(session, made, WHO, later(5))


def spoken_differently(session: Session, made: Programme) -> None:
    other = Media(sha256="1" * 64, bytes=1, seconds=60.0)
    session.add(other)
    session.flush()
    made.sound_id = other.id


CHANGES = [
    (withdrawn, Reason.WITHDRAWN),
    (expired, Reason.EXPIRED),
    (edited, Reason.NOT_APPROVED),
    (spoken_differently, Reason.NOT_APPROVED),
]
Change = Callable[[Session, Programme], None]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_programme_is_looked_at_again_at_the_start_time(database: Database, change: Change, reason: Reason) -> None:
    with database.session() as session:
        made = bulletin(session)
        broadcast = asked(session, commune(session), programme_ids=[made.id], due_at=later(86400))
        change(session, made)
        session.flush()
        starting.begin(session, broadcast.id, NODE, later(86400)) if broadcast.state == "planned" else None
        stops = reason is Reason.WITHDRAWN
        assert (broadcast.state, broadcast.reason) == ("cancelled" if stops else "failed", reason)
        session.flush()
        assert bool(open_alarms(session)) != stops  # an alarm, unless a person wanted it


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_broadcast_on_air_ends_when_its_programme_may_not_be_played(
    database: Database, change: Change, reason: Reason
) -> None:
    with database.session() as session:
        made = bulletin(session)
        broadcast, _ = begun(session, commune(session), programme_ids=[made.id])
        on_air(session, broadcast)
        rows = PlayoutLook("run", NODE)
        assert rows.read(session, {broadcast.id}, later(1)).stop == {}
        change(session, made)
        session.flush()
        if change is expired:
            assert rows.next_hour(session, {broadcast.id}, NOW) <= later(5)
        assert rows.read(session, {broadcast.id}, later(6)).stop == {broadcast.id: reason}


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_nobody_gets_later_what_may_not_be_played(database: Database, change: Change, reason: Reason) -> None:
    with database.session() as session:
        place, broadcast, made = missed(session)
        change(session, made)
        place.speakers[1].reachable = True
        session.flush()
        assert catch_up.begin(session, later(70), NODE) == []
        assert broadcast.deliveries[1].called_off == reason
        assert catch_up.pending(session, later(70), NODE) == []


def missed(session: Session, **more: object) -> tuple[Commune, Broadcast, Programme]:
    """A broadcast that is over and that one of two speakers missed."""
    made = bulletin(session)
    place = commune(session, speakers=2, reachable=1)
    broadcast, _ = begun(session, place, worth_hearing_until=later(3600), programme_ids=[made.id], **more)
    on_air(session, broadcast)
    ended(session, broadcast, later(60))
    return place, broadcast, made


def test_broadcast_that_waits_for_its_speakers_ends_with_its_programme(database: Database) -> None:
    with database.session() as session:
        place, made = commune(session), bulletin(session)
        begun(session, place)
        waiting = asked(session, place, programme_ids=[made.id])
        assert starting.begin(session, waiting.id, NODE, later(1)) is None
        assert (waiting.state, waiting.reason) == ("planned", "in_use")
        expired(session, made)
        assert starting.begin(session, waiting.id, NODE, later(6)) is None
        assert (waiting.state, waiting.reason) == ("failed", "expired")


def test_disabled_account_or_lost_right_leaves_nothing_on_air(database: Database) -> None:
    def disable(who: Account) -> None:
        who.password_hash = ""

    def demote(who: Account) -> None:
        who.role = Role.VIEWER

    with database.session() as session:
        place = commune(session)
        for number, change in enumerate((disable, demote)):
            who = account(session, f"{number}@x.example", Role.OPERATOR, place.commune.id)
            broadcast = asked(session, place, asked_by=f"account:{who.email}")
            assert clearance.refusal(session, broadcast, NOW) is None
            change(who)
            session.flush()
            assert starting.begin(session, broadcast.id, NODE, NOW) is None
            assert (broadcast.state, broadcast.reason) == ("failed", "not_allowed")


@pytest.mark.parametrize(
    ("state", "expires", "refused"),
    [
        (AlertState.AIRING, 600, None),
        (AlertState.CANCELLED, 600, "alert_over"),
        (AlertState.SUPERSEDED, 600, "alert_over"),
        (AlertState.AIRING, 0, "alert_over"),
    ],
)
def test_alert_that_is_over_is_not_played_any_more(
    database: Database, state: AlertState, expires: float, refused: str | None
) -> None:
    with database.session() as session:
        place, broadcast, _ = missed(session)
        session.add(
            CapAlert(
                source=AlertSource(code="kttv", name="KTTV", senders=["*"]), sender="kttv", identifier="1", sent=NOW,
                status="Actual", message_type="Alert", digest="0" * 64, document="", proof="feed", received_at=NOW,
                state=state, decision="air", not_before=NOW, expires_at=later(expires), broadcast_id=broadcast.id,
            )
        )  # fmt: skip
        place.speakers[1].reachable = True
        session.flush()
        assert bool(catch_up.begin(session, later(61), NODE)) == (refused is None)
        assert broadcast.deliveries[1].called_off == refused


def test_broadcast_of_a_removed_schedule_that_waits_is_cancelled(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        begun(session, place)
        schedule = Schedule(
            uid="u", title="Sáng", unit_id=place.commune.id, what="live", official_id=place.official.id,
            starts=datetime.datetime(2026, 11, 24, 12, 30), timezone="Asia/Ho_Chi_Minh", author=WHO, created_at=NOW,
            updated_at=NOW,
        )  # fmt: skip
        waiting = asked(session, place)
        session.add(
            Occurrence(
                schedule=schedule, due_at=NOW, prepare_at=NOW, local_date=NOW.date(), state="claimed",
                broadcast_id=waiting.id,
            )
        )  # fmt: skip
        session.flush()
        assert starting.begin(session, waiting.id, NODE, later(1)) is None
        assert waiting.state == "planned"
        schedule.removed_at = NOW
        session.flush()
        assert starting.begin(session, waiting.id, NODE, later(2)) is None
        assert (waiting.state, waiting.reason) == ("cancelled", "schedule_removed")


def test_stopping_a_later_airing_calls_off_the_broadcast_for_good(database: Database) -> None:
    with database.session() as session:
        place, broadcast, _ = missed(session)
        place.speakers[1].reachable = True
        session.flush()
        (again,) = catch_up.begin(session, later(61), NODE)
        on_air(session, again, later(62))
        assert calling_off.stop(session, again.id, WHO, later(70)) == 1
        session.flush()
        assert (again.stop_asked_at, broadcast.stop_asked_at) == (later(70), later(70))
        assert PlayoutLook("run", NODE).read(session, {again.id}, later(71)).stop == {again.id: Reason.STOPPED}
        broadcast_lifecycle.finish(session, again.id, BroadcastEvent.END, later(71), Reason.STOPPED)
        session.flush()
        assert [(one.state, one.called_off) for one in broadcast.deliveries] == [
            ("played", None),
            ("missed", "stopped"),
        ]
        assert catch_up.begin(session, later(7200), NODE) == []


def test_stopping_the_first_broadcast_stops_the_later_airings_too(database: Database) -> None:
    with database.session() as session:
        place, broadcast, _ = missed(session)
        place.speakers[1].reachable = True
        session.flush()
        (again,) = catch_up.begin(session, later(61), NODE)
        calling_off.stop(session, broadcast.id, WHO, later(62))
        assert again.stop_asked_at == later(62)


def test_broadcast_that_is_over_is_called_off_once_and_the_trail_says_so(database: Database) -> None:
    with database.session() as session:
        place, broadcast, _ = missed(session)
        assert catch_up.missing_later(session, broadcast, later(61)) == 1
        assert calling_off.stop(session, broadcast.id, WHO, later(61)) == 1
        session.flush()
        assert calling_off.stop(session, broadcast.id, WHO, later(62)) == 0
        assert catch_up.missing_later(session, broadcast, later(61)) == 0
        stops = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "broadcast.stop")).all()
        assert [one.detail["called_off"] for one in stops] == [1]
        place.speakers[1].reachable = True
        session.flush()
        assert catch_up.begin(session, later(63), NODE) == []


def test_withdrawing_a_programme_stops_all_that_plays_it(database: Database) -> None:
    with database.session() as session:
        place, broadcast, made = missed(session)
        running, _ = begun(session, place, programme_ids=[made.id], at=later(61))
        planned = asked(session, place, programme_ids=[made.id], due_at=later(86400))
        other = asked(session, place, due_at=later(86400))
        approval.withdraw(session, made, WHO, later(65))
        assert (planned.state, planned.reason) == ("cancelled", "withdrawn")
        assert (running.stop_asked_at, broadcast.deliveries[1].called_off) == (later(65), "withdrawn")
        assert other.state == "planned"
