"""Duties over rows: entries, proposals, what the worker notices and repairs."""

import dataclasses
import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.duties.duty_proof import proof_of
from broadcast_bridge.duties.duty_register import DutyDraft, cancel_duty, change_duty
from broadcast_bridge.duties.duty_runs import Proposal, plan_runs, proposal
from broadcast_bridge.duties.duty_watch import look_after, look_after_all
from broadcast_bridge.duties.errors import DutyRefused
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.models import Speaker
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.speakers.quiet_hours import silence
from haichieu.alarms import Alarm, open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.locale import render
from haichieu.people import Right
from tests.builders.duties import DECIDED, Villages, at, duty, run, villages

MORNING = at("23 20:00")


def proposed(session: Session, one: Duty, when: str) -> Proposal | None:
    return proposal(session, one, proof_of(session, one), at(when))


def times(found: Proposal | None) -> list[str]:
    return [f"{start:%d %H:%M}" for start in found.runs] if found else []


def confirmed(session: Session, place: Villages, one: Duty, when: str) -> Schedule:
    wanted = proposed(session, one, when)
    assert wanted is not None
    return plan_runs(session, one, wanted, place.planner, at(when))


def alarms(session: Session) -> list[tuple[str, str]]:
    return [(alarm.kind, render(alarm.text, "en")) for alarm in open_alarms(session)]


def states(one: Duty) -> list[str]:
    return [one.state, *(village.state for village in one.villages)]


def test_proposal_is_three_mornings_and_becomes_an_ordinary_schedule(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        assert times(proposed(session, one, "23 20:00")) == ["24 05:30", "25 05:30", "26 05:30"]
        made = confirmed(session, place, one, "23 20:00")
        assert (made.programme_id, made.starts, made.rdates) == (
            place.programme.id, datetime.datetime(2026, 11, 24, 5, 30), ["2026-11-25T05:30", "2026-11-26T05:30"],
        )  # fmt: skip
        assert made.catch_up_minutes == 14 * 60 + 30
        assert proposed(session, one, "23 20:00") is None
        assert [one.name for one in one.villages] == ["Nà Tền (Cô Ba)", "Phiêng Sáng (Cô Ba)"]


def test_runs_heard_on_three_days_meet_the_duty_without_an_alarm(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        confirmed(session, place, one, "23 20:00")
        for day in ("24", "25", "26"):
            run(session, place, f"{day} 05:30", [place.first, place.second])
            look_after(session, one, at(f"{day} 06:30"))
        assert states(one) == ["met"] * 3
        assert one.settled_at == at("26 06:30")
        assert alarms(session) == []
        look_after_all(session, at("27 06:30"))
        assert one.settled_at == at("26 06:30")


def second_day_missed_by_one(session: Session) -> tuple[Villages, Duty]:
    """A duty of three mornings, of which the second was heard in one village only."""
    place = villages(session)
    one = duty(session, place, MORNING)
    confirmed(session, place, one, "23 20:00")
    run(session, place, "24 05:30", [place.first, place.second])
    run(session, place, "25 05:30", [place.first])
    return place, one


def test_broken_day_does_not_count_and_more_runs_are_planned(database: Database) -> None:
    with database.session() as session:
        place, one = second_day_missed_by_one(session)
        look_after(session, one, at("25 06:30"))
        assert [kind for kind, _ in alarms(session)] == ["duty_at_risk"]
        assert "Phiêng Sáng (Cô Ba) did not hear today's run" in alarms(session)[0][1]
        assert len(one.schedules) == 1
        look_after(session, one, at("26 00:05"))
        repair = one.schedules[1]
        assert [repair.starts.isoformat(), *repair.rdates] == ["2026-11-27T05:30:00", "2026-11-28T05:30"]
        assert "27 Nov 2026" in alarms(session)[0][1]
        for day in ("26", "27", "28"):
            run(session, place, f"{day} 05:30", [place.first, place.second])
        look_after(session, one, at("28 06:30"))
        assert states(one) == ["met"] * 3
        assert [village.met_on.day for village in one.villages if village.met_on] == [26, 28]
        assert alarms(session) == []


def test_last_day_in_time_is_repaired_on_the_same_day(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING, decided_on=DECIDED)
        for day in ("24", "26", "28"):  # not confirmed: nothing is planned without a user
            run(session, place, f"{day} 05:30", [place.first, place.second])
        look_after(session, one, at("30 20:00"))
        assert len(one.schedules) == 0
        assert "no run is planned" in alarms(session)[0][1]
        confirmed(session, place, one, "30 20:00")
        run(session, place, "2026-12-01 05:30", [place.second])
        look_after(session, one, at("2026-12-01 06:30"))
        assert one.schedules[1].starts == datetime.datetime(2026, 12, 1, 11, 30)
        assert one.schedules[1].rdates == []
        run(session, place, "2026-12-01 11:30", [place.first])
        look_after(session, one, at("2026-12-02 00:05"))
        assert one.state == "open"


def test_duty_that_cannot_be_met_in_time_is_overdue_with_one_alarm(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        confirmed(session, place, one, "30 20:00")
        look_after(session, one, at("2026-12-02 00:05"))
        look_after(session, one, at("2026-12-02 00:10"))
        assert states(one) == ["overdue"] * 3
        assert sorted(kind for kind, _ in alarms(session)) == ["duty_at_risk", "duty_overdue"]
        assert len(one.schedules) == 1, "no village is woken again for a duty that is late anyway"
        found = proposed(session, one, "2026-12-02 00:10")
        assert found is not None
        assert not found.in_time


def test_village_that_returns_hears_the_run_the_same_day(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        first = run(session, place, "24 05:30", [place.first])
        again = run(session, place, "24 09:00", [place.second], again_of_id=first.id)
        again.sounds = []
        look_after(session, one, at("24 10:00"))
        assert [village.heard for village in one.villages] == [["2026-11-24"], ["2026-11-24"]]


def test_muted_village_gets_its_runs_after_the_muting(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        silence(session, place.zone.id, at("26 12:00"), "account:a@b", MORNING)
        assert times(proposed(session, one, "23 20:00")) == ["27 05:30", "28 05:30", "29 05:30"]
        silence(session, place.zone.id, at("2026-12-01 12:00"), "account:a@b", at("25 21:00"))
        found = proposed(session, one, "23 20:00")
        assert times(found)[0] == "02 05:30"
        assert found is not None
        assert not found.in_time


@pytest.mark.parametrize("what", ["withdrawn", "expired", "none"])
def test_programme_that_cannot_be_played_is_an_alarm(database: Database, what: str) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        confirmed(session, place, one, "23 20:00")
        run(session, place, "24 05:30", [place.first])
        if what == "withdrawn":
            place.programme.state = ProgrammeState.WITHDRAWN
        elif what == "expired":
            place.programme.valid_until = at("25 12:00")
        else:
            one.programme = None
        session.flush()
        look_after(session, one, at("25 00:05"))
        assert [kind for kind, _ in alarms(session)] == ["duty_at_risk"]
        assert "cannot be planned" in alarms(session)[0][1]
        wanted = proposed(session, one, "25 00:05")
        assert wanted is not None
        with pytest.raises(DutyRefused):
            plan_runs(session, one, wanted, place.planner, at("25 00:05"))


def test_acknowledged_alarm_is_not_raised_again_for_the_same_break(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        confirmed(session, place, one, "23 20:00")
        run(session, place, "24 05:30", [])
        look_after(session, one, at("24 06:30"))
        session.execute(sa.update(Alarm).values(cleared_at=at("24 06:31")))
        look_after(session, one, at("24 06:35"))
        assert alarms(session) == []


def test_alarm_ends_when_the_village_hears_the_run_later(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        confirmed(session, place, one, "23 20:00")
        first = run(session, place, "24 05:30", [place.first])
        look_after(session, one, at("24 06:30"))
        assert [kind for kind, _ in alarms(session)] == ["duty_at_risk"]
        run(session, place, "24 09:00", [place.second], again_of_id=first.id).sounds = []
        look_after(session, one, at("24 10:00"))
        assert (alarms(session), one.noticed) == ([], "")


def test_news_of_further_runs_stays_until_the_first_of_them(database: Database) -> None:
    with database.session() as session:
        place, one = second_day_missed_by_one(session)
        look_after(session, one, at("26 00:05"))
        for moment, count in (("26 00:07", 1), ("27 05:29", 1), ("27 05:31", 0)):
            if moment == "27 05:29":
                run(session, place, "26 05:30", [place.first, place.second])
            if moment == "27 05:31":
                run(session, place, "27 05:30", [place.first, place.second])
            look_after(session, one, at(moment))
            assert len(alarms(session)) == count, moment


def test_alarm_about_an_overdue_duty_ends_with_another_deadline(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        look_after(session, one, at("2026-12-02 00:05"))
        assert "duty_overdue" in dict(alarms(session))
        draft = DutyDraft(
            one.title, one.rule, one.unit_id, [place.zone.id], datetime.date(2026, 12, 1), datetime.time(5, 30),
            programme_id=place.programme.id,
        )  # fmt: skip
        change_duty(session, one, draft, place.planner, at("2026-12-02 08:00"))
        look_after(session, one, at("2026-12-02 08:02"))
        assert (one.state, "duty_overdue" in dict(alarms(session))) == ("open", False)


def test_future_decision_is_announced_from_its_day_on(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING, decided_on=datetime.date(2026, 12, 7))
        assert one.deadline == datetime.date(2026, 12, 14)
        assert times(proposed(session, one, "23 20:00")) == ["07 05:30", "08 05:30", "09 05:30"]


def test_cancelled_duty_removes_its_runs_and_alarms(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        made = confirmed(session, place, one, "23 20:00")
        with pytest.raises(DutyRefused):
            cancel_duty(session, one, " ", place.planner, MORNING)
        cancel_duty(session, one, "Quyết định đã bị hủy", place.planner, MORNING)
        assert made.removed_at is not None
        assert (one.state, one.cancelled_because) == ("cancelled", "Quyết định đã bị hủy")
        assert proposed(session, one, "24 04:00") is None
        with pytest.raises(DutyRefused):
            cancel_duty(session, one, "Lại", place.planner, MORNING)
        actions = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions == ["duty.add", "schedule.plan", "schedule.remove", "duty.cancel"]


def test_another_programme_replaces_the_runs_and_keeps_what_was_heard(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        made = confirmed(session, place, one, "23 20:00")
        run(session, place, "24 05:30", [place.first, place.second])
        draft = DutyDraft(one.title, one.rule, one.unit_id, [place.zone.id], DECIDED, datetime.time(17, 0))
        change_duty(session, one, draft, place.planner, at("24 10:00"))
        assert made.removed_at is not None
        look_after(session, one, at("24 10:00"))
        assert [village.heard for village in one.villages] == [["2026-11-24"]] * 2
        assert times(proposed(session, one, "24 10:00")) == ["25 17:00", "26 17:00"]


def test_merged_village_is_judged_by_its_new_unit(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        run(session, place, "24 05:30", [place.first])
        look_after(session, one, at("24 06:30"))
        session.execute(sa.update(Speaker).where(Speaker.unit_id == place.second.id).values(unit_id=place.first.id))
        session.expire_all()
        look_after(session, one, at("24 06:35"))
        assert [(village.unit_id, village.heard) for village in one.villages] == [(place.first.id, ["2026-11-24"])]


def test_removed_speaker_leaves_its_village_in_the_duty(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, MORNING)
        session.execute(sa.update(Speaker).where(Speaker.unit_id == place.second.id).values(removed_at=at("23 21:00")))
        look_after(session, one, at("24 06:30"))
        assert len(one.villages) == 2


def test_warning_is_planned_in_every_slot_to_come(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        today = datetime.date(2026, 11, 24)
        one = duty(
            session, place, at("24 11:50"), rule="disaster", decided_on=today, event_on=today,
            run_time=datetime.time(12, 0),
        )  # fmt: skip
        assert times(proposed(session, one, "24 11:50")) == ["24 12:00", "24 15:00", "24 18:00", "24 21:00"]
        assert times(proposed(session, one, "24 15:40")) == ["24 15:50", "24 18:00", "24 21:00"]
        look_after(session, one, at("24 11:50"))
        assert "no run is planned" in alarms(session)[0][1]


def test_warning_entered_after_its_start_time_is_not_overdue(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        today = datetime.date(2026, 11, 24)
        one = duty(session, place, at("24 14:02"), rule="disaster", decided_on=today, event_on=today)
        look_after(session, one, at("24 14:03"))
        assert states(one) == ["open"] * 3
        assert times(proposed(session, one, "24 14:03")) == ["24 14:13", "24 17:02", "24 20:02", "24 23:02"]
        run(session, place, "24 14:13", [place.first])
        look_after(session, one, at("24 17:10"))
        assert states(one) == ["overdue", "open", "overdue"]
        said = dict(alarms(session))["duty_overdue"]
        assert said == "“Danh sách hộ nghèo”: not repeated in Phiêng Sáng (Cô Ba) for more than 3 hours."


def test_repeats_that_the_worker_plans_are_not_called_days(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        today = datetime.date(2026, 11, 24)
        one = duty(session, place, at("24 14:02"), rule="disaster", decided_on=today, event_on=today)
        planner = dataclasses.replace(place.planner, rights=frozenset(Right))
        wanted = proposed(session, one, "24 14:03")
        assert wanted is not None
        plan_runs(session, one, dataclasses.replace(wanted, runs=wanted.runs[:2]), planner, at("24 14:03"))
        look_after(session, one, at("24 14:05"))
        assert "Further runs are planned from 24 Nov 2026 20:02" in dict(alarms(session))["duty_at_risk"]


def test_warning_cannot_be_entered_after_its_last_day(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        past = datetime.date(2026, 11, 20)
        with pytest.raises(DutyRefused) as refusal:
            duty(session, place, at("24 14:02"), rule="disaster", decided_on=past, event_on=past)
        assert refusal.value.field == "event_on"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"title": " "}, "title"), ({"title": "x" * 201}, "title"), ({"rule": "none"}, "rule"),
     ({"decided_on": None}, "decided_on"), ({"decided_on": datetime.date(2030, 1, 1)}, "decided_on"),
     ({"run_time": None}, "run_time"), ({"zone_ids": []}, "zone"), ({"zone_ids": [99]}, "zone"),
     ({"rule": "meeting"}, "event_on"), ({"rule": "meeting", "event_on": datetime.date(2026, 11, 1)}, "event_on"),
     ({"rule": "disaster", "event_on": datetime.date(2027, 1, 1)}, "event_on"), ({"programme_id": 99}, "programme"),
     ({"unit_id": 99}, "unit"), ({"decision": "\x00"}, "decision")],
)  # fmt: skip
def test_entry_that_is_not_valid_names_its_field(database: Database, wrong: dict[str, object], field: str) -> None:
    with database.session() as session:
        place = villages(session)
        with pytest.raises(DutyRefused) as refusal:
            duty(session, place, MORNING, **wrong)
        assert refusal.value.field == field
        assert session.scalar(sa.select(sa.func.count()).select_from(Duty)) == 0


def test_start_time_in_quiet_hours_is_refused(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        place.zone.quiet_hours = "20:00-06:00"
        session.flush()
        with pytest.raises(DutyRefused) as refusal:
            duty(session, place, MORNING)
        assert refusal.value.field == "run_time"


def test_faulty_duty_does_not_delay_the_others(database: Database) -> None:
    with database.session() as session:
        place = villages(session)
        faulty, whole = duty(session, place, MORNING), duty(session, place, MORNING)
        faulty.rule = "gone"
        run(session, place, "24 05:30", [place.first])
        look_after_all(session, at("24 06:30"))
        session.refresh(whole)
        assert whole.villages[0].heard == ["2026-11-24"]
