"""Alarms for SIMs and warranties that are about to end."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.station_book.expiry_alarms import end_alarms, look_at, look_at_all
from broadcast_bridge.station_book.models import BookDevice
from haichieu.alarms import Alarm, clear_alarm, open_alarms
from haichieu.database import Database, now
from tests.builders.places import commune

pytestmark = pytest.mark.both_databases
TODAY = datetime.date(2027, 3, 1)


def days(count: int) -> datetime.date:
    return TODAY + datetime.timedelta(days=count)


def device(session: Session, **more: object) -> BookDevice:
    unit = commune(session).commune
    made = BookDevice(code="TB-1", name="Loa", unit_id=unit.id, device_kind="horn", condition="good", **more)
    session.add(made)
    session.flush()
    return made


def kinds(session: Session) -> list[str]:
    return sorted(alarm.kind for alarm in open_alarms(session))


@pytest.mark.parametrize(("sim", "warranty", "raised"), [
    (30, 400, ["sim_expires"]), (31, 0, ["warranty_expires"]), (-30, -31, ["sim_expires"]),
    (5, 5, ["sim_expires", "warranty_expires"]), (400, None, []),
])  # fmt: skip
def test_alarm_is_raised_thirty_days_before_the_end(
    database: Database, sim: int, warranty: int | None, raised: list[str]
) -> None:
    with database.session() as session:
        device(session, sim_until=days(sim), warranty_until=None if warranty is None else days(warranty))
        found = look_at_all(session, TODAY)
        assert (found, kinds(session)) == (bool(raised), raised)
        assert look_at_all(session, TODAY) == 0


def test_acknowledged_alarm_stays_so_until_the_date_changes(database: Database) -> None:
    with database.session() as session:
        one = device(session, sim_until=days(10))
        look_at_all(session, TODAY)
        clear_alarm(session, open_alarms(session)[0].id, "account:a", now())
        assert (look_at_all(session, days(1)), kinds(session)) == (0, [])
        one.sim_until = days(20)
        look_at(session, one, TODAY)
        assert kinds(session) == ["sim_expires"]
        assert len(session.scalars(sa.select(Alarm)).all()) == 2


@pytest.mark.parametrize("change", [{"sim_until": None}, {"sim_until": days(500)}, {"condition": "disposed"}])
def test_alarm_ends_when_its_cause_is_gone(database: Database, change: dict[str, object]) -> None:
    with database.session() as session:
        one = device(session, sim_until=days(10))
        look_at_all(session, TODAY)
        for name, value in change.items():
            setattr(one, name, value)
        look_at(session, one, TODAY)
        assert (kinds(session), one.sim_alarm_for) == ([], None)
        assert look_at_all(session, TODAY) == 0


def test_alarms_of_a_deleted_device_end(database: Database) -> None:
    with database.session() as session:
        one = device(session, sim_until=days(10), warranty_until=days(10))
        look_at_all(session, TODAY)
        end_alarms(session, one.id)
        assert kinds(session) == []
