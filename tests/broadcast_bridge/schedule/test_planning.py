import contextlib
import datetime
from dataclasses import replace

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.due import claim_due
from broadcast_bridge.schedule.editing import (
    LIVE_LEAD_SECONDS,
    account_as_planner,
    cancel_occurrence,
    change,
    draft_of,
    official_as_planner,
    plan,
    remove,
)
from broadcast_bridge.schedule.errors import (
    BadRecurrence,
    ChangedMeanwhile,
    NoSuchOccurrence,
    NoSuchPart,
    PlanningNotAllowed,
    ScheduleRefused,
)
from broadcast_bridge.schedule.materialise import HORIZON, materialise
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import What
from haichieu.audit import AuditEntry
from haichieu.database import Base, Database
from haichieu.locale import message, render
from haichieu.people import Level, Official, Role, Unit
from tests.builders.places import commune
from tests.builders.programmes import programme
from tests.builders.schedules import LEASE, NOW, account_in, bulletin, minutes


def test_a_plan_is_kept_with_a_trace_and_comes_due(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        made = plan(session, bulletin(session, place), account_as_planner(session, account_in(session, place)), NOW)
        assert (made.timezone, made.version, made.author) == ("Asia/Ho_Chi_Minh", 1, "account:editor@x.vn")
        materialise(session, NOW + HORIZON, NOW)
        assert len(claim_due(session, "a", NOW + minutes(30), LEASE)) == 1
        entry = session.scalars(sa.select(AuditEntry)).one()
        assert (entry.action, entry.detail["zones"], entry.detail["rrule"]) == ("schedule.plan", "11", "FREQ=DAILY")


def test_a_live_call_starts_early_and_only_for_officials_of_the_zone(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        draft = bulletin(session, place, what=What.LIVE, programme_id=None, official_id=place.official.id)
        assert plan(session, draft, planner, NOW).lead_seconds == LIVE_LEAD_SECONDS
        place.official.may = ["record"]
        with pytest.raises(PlanningNotAllowed, match="may not go live"):
            plan(session, draft, planner, NOW)
        place.official.may, place.zone.officials = ["live"], []
        session.flush()
        with pytest.raises(PlanningNotAllowed, match="may not go live"):
            plan(session, draft, planner, NOW)


@pytest.mark.parametrize("part", [Zone, Unit, Programme, Official])
def test_a_missing_part_of_a_schedule_has_a_sentence(part: type[Base]) -> None:
    for language in ("vi", "en"):
        assert "17" in render(message(f"schedule.no_such.{part.__tablename__}", which=17), language)


def test_schedule_names_programmes_of_its_planners_units_only(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        elsewhere = Unit(code="E", name="Nơi khác", level=Level.COMMUNE)
        session.add(elsewhere)
        session.flush()
        planner = account_as_planner(session, account_in(session, place))
        own, other = (programme(session, title, unit_id=unit.id) for title, unit in (
            ("Của mình", place.commune), ("Bí mật", elsewhere),
        ))  # fmt: skip
        given = bulletin(session, place)
        for wrong in (
            {"programme_id": other.id},
            {"what": What.LIVE, "official_id": place.official.id, "fallback_programme_id": other.id},
        ):
            with pytest.raises(NoSuchPart) as refused:
                plan(session, replace(given, **wrong), planner, NOW)  # type: ignore[arg-type]
            assert "Bí mật" not in render(refused.value.message, "vi")
        listed = replace(given, what=What.PLAYLIST, programme_ids=(own.id, other.id))
        with pytest.raises(NoSuchPart):
            plan(session, listed, planner, NOW)
        above = replace(planner, units=planner.units | {elsewhere.id})
        made = plan(session, replace(given, programme_id=other.id), above, NOW)
        kept = change(session, made.id, replace(draft_of(made), title="Tên khác"), planner, made.version, NOW)
        assert (kept.title, kept.programme_id) == ("Tên khác", other.id)
        made = plan(session, listed, above, NOW)
        kept = change(session, made.id, replace(draft_of(made), title="Tên khác"), planner, made.version, NOW)
        assert [item.programme_id for item in kept.items] == [own.id, other.id]


def test_a_playlist_is_played_in_its_order(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        news, song = (programme(session, title, unit_id=place.commune.id) for title in ("Tin", "Hát"))
        draft = bulletin(session, place, what=What.PLAYLIST, programme_ids=(song.id, news.id, song.id))
        made = plan(session, draft, planner, NOW)
        session.expire_all()
        assert [item.programme.title for item in made.items] == ["Hát", "Tin", "Hát"]
        changed = replace(draft_of(made), programme_ids=(news.id, song.id))
        change(session, made.id, changed, planner, made.version, NOW)
        session.expire_all()
        assert [item.programme.title for item in made.items] == ["Tin", "Hát"]
        change(session, made.id, bulletin(session, place), planner, made.version, NOW)
        session.expire_all()
        assert (made.items, draft_of(made).programme_ids) == ([], ())


@pytest.mark.parametrize(
    ("given", "problem", "words"),
    [
        ({"zone_ids": ()}, NoSuchPart, "zone"),
        ({"zone_ids": (10**6,)}, NoSuchPart, "zone 1000000"),
        ({"programme_id": None}, NoSuchPart, "programme"),
        ({"programme_id": 10**6}, NoSuchPart, "programme 1000000"),
        ({"what": What.PLAYLIST}, ScheduleRefused, "1 to 100 programmes"),
        ({"what": What.PLAYLIST, "programme_ids": (10**6,)}, NoSuchPart, "programme 1000000"),
        ({"what": What.NEWEST, "category": " "}, ScheduleRefused, "category"),
        ({"what": What.LIVE}, NoSuchPart, "official"),
        ({"title": " "}, ScheduleRefused, "title"),
        ({"title": "a\nb"}, ScheduleRefused, "title"),
        ({"title": "x" * 201}, ScheduleRefused, "200"),
        ({"expected_seconds": -1.0}, ScheduleRefused, "expected duration"),
        ({"expected_seconds": float("nan")}, ScheduleRefused, "21,600 seconds"),
        ({"catch_up_minutes": 10**6}, ScheduleRefused, "catch-up time"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, BadRecurrence, "day 30"),
        ({"timezone": "Mars/Olympus"}, BadRecurrence, "Mars"),
        ({"priority": Priority.EMERGENCY}, PlanningNotAllowed, "emergency"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    database: Database, given: dict[str, object], problem: type[Exception], words: str
) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        with pytest.raises(problem, match=words):
            plan(session, bulletin(session, place, **given), planner, NOW)
        assert session.scalars(sa.select(Schedule)).all() == []
        assert session.scalars(sa.select(AuditEntry)).all() == []


def test_nobody_plans_beyond_their_rights_their_unit_or_their_zones(database: Database) -> None:
    with database.session() as session:
        here, there = commune(session), commune(session, code="22")
        for role in (Role.VIEWER, Role.OPERATOR):
            with pytest.raises(PlanningNotAllowed, match="schedule"):
                plan(
                    session, bulletin(session, here), account_as_planner(session, account_in(session, here, role)), NOW
                )
        editor = account_as_planner(session, account_in(session, here))
        with pytest.raises(PlanningNotAllowed, match="another unit"):
            plan(session, bulletin(session, there), editor, NOW)
        with pytest.raises(PlanningNotAllowed, match="zone"):
            plan(session, bulletin(session, here, zone_ids=(there.zone.id,)), editor, NOW)
        here.official.may = ["schedule"]
        session.add(Zone(code="13", name="Khác", units=[here.commune]))
        session.flush()
        other = session.scalars(sa.select(Zone.id).where(Zone.code == "13")).one()
        official = official_as_planner(session, here.official)
        plan(session, bulletin(session, here), official, NOW)
        with pytest.raises(PlanningNotAllowed, match="zone"):
            plan(session, bulletin(session, here, zone_ids=(other,)), official, NOW)


def test_a_change_replaces_what_is_to_come_and_knows_of_other_changes(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        made = plan(session, bulletin(session, place), planner, NOW)
        materialise(session, NOW + HORIZON, NOW)
        later = replace(draft_of(made), starts=datetime.datetime(2026, 11, 24, 6, 30))
        changed = change(session, made.id, later, planner, 1, NOW)
        assert changed.version == 2
        materialise(session, NOW + HORIZON, NOW)
        assert session.scalars(sa.select(Occurrence.due_at).order_by(Occurrence.due_at)).first() == NOW + minutes(90)
        with pytest.raises(ChangedMeanwhile):
            change(session, made.id, later, planner, 1, NOW)


@pytest.mark.both_databases
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite lets one write at a time
def test_the_second_of_two_simultaneous_changes_is_refused(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        made = plan(session, bulletin(session, place), planner, NOW)
        first, second = (replace(draft_of(made), title=title) for title in ("Một", "Hai"))
    with contextlib.ExitStack() as stack:
        slow = stack.enter_context(database.session())
        slow.get_one(Schedule, made.id)
        with database.session() as quick:
            change(quick, made.id, first, planner, 1, NOW)
        with pytest.raises(ChangedMeanwhile):
            change(slow, made.id, second, planner, 1, NOW)
        slow.rollback()
    with database.session() as session:
        assert session.get_one(Schedule, made.id).title == "Một"


def test_a_removed_schedule_is_heard_no_more_and_its_past_stays(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        made = plan(session, bulletin(session, place), planner, NOW)
        materialise(session, NOW + HORIZON, NOW)
        claim_due(session, "a", NOW + minutes(30), LEASE)
        remove(session, made.id, planner, NOW + minutes(31))
        assert [one.state for one in session.scalars(sa.select(Occurrence))] == ["claimed"]
        with pytest.raises(NoSuchPart):
            remove(session, made.id, planner, NOW)


def test_one_day_is_left_out_by_hand_once(database: Database) -> None:
    with database.session() as session:
        place = commune(session)
        planner = account_as_planner(session, account_in(session, place))
        plan(session, bulletin(session, place), planner, NOW)
        materialise(session, NOW + HORIZON, NOW)
        first = session.scalars(sa.select(Occurrence.id).order_by(Occurrence.due_at)).first()
        assert first is not None
        cancelled = cancel_occurrence(session, first, planner, NOW)
        assert (cancelled.state, cancelled.reason) == ("cancelled", "by_hand")
        assert claim_due(session, "a", NOW + minutes(30), LEASE) == []
        for gone in (first, 10**6):
            with pytest.raises(NoSuchOccurrence):
                cancel_occurrence(session, gone, planner, NOW)
