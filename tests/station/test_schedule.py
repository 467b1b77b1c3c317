"""Scheduled programmes and booked officials: on air on time, or closed with a reason and an alarm."""

import datetime

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.speakers import quiet_hours
from haichieu.alarms import open_alarms
from haichieu.database import now
from haichieu.demo.trial_station import until
from tests.station import district, on_air
from tests.station.scene import SAME, Aired, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"

ON_TIME = 10
"""Seconds, on a machine that other work slows down too; how late it is on a quiet one is measured by the benchmarks."""


def programme(scene: Scene, speech: str) -> int:
    settings = scene.station.settings
    return on_air.programme_named(scene.station.database, settings.home, scene.speeches[speech])


async def aired_as_planned(scene: Scene, schedule_id: int) -> Aired:
    """Wait until a schedule was aired, and return its broadcast."""
    database = scene.station.database
    await until(lambda: on_air.occurrence(database, schedule_id)[0] == "aired", "the schedule is aired", 60)
    return scene.broadcast(on_air.occurrence(database, schedule_id)[2] or 0)


def late_by(scene: Scene, broadcast_id: int, schedule_id: int) -> float:
    with scene.station.database.session() as session:
        broadcast = session.get_one(Broadcast, broadcast_id)
    due = on_air.schedule(scene.station.database, schedule_id).starts.replace(tzinfo=datetime.UTC)
    assert broadcast.on_air_at is not None
    return (broadcast.on_air_at - due).total_seconds()


@pytest.mark.proof
async def test_newest_programme_of_a_category_is_heard_on_time(scene: Scene) -> None:
    scene.forget()
    number = programme(scene, "demo-congrats")
    with scene.station.database.session() as session:
        session.get_one(Programme, number).category = "Tin mới"
    planned = on_air.plan_in(scene.station.database, 2.5, "11", category="Tin mới")
    aired = await aired_as_planned(scene, planned)
    assert 0 <= late_by(scene, aired.id, planned) < ON_TIME
    for code in ("cb-1", "cb-2"):
        assert aired.deliveries[code].state == "played"
        assert scene.heard(code, "demo-congrats").correlation > SAME
    await scene.quiet()


async def test_unapproved_programme_is_not_played_and_raises_an_alarm(scene: Scene) -> None:
    settings, database = scene.station.settings, scene.station.database
    draft = on_air.add_programme(database, settings.home, scene.speeches["demo-instruct"], approved=False)
    planned = on_air.plan_in(database, 1, "11", programme_id=draft)
    await until(lambda: on_air.occurrence(database, planned)[0] == "missed", "the occurrence is closed", 20)
    assert on_air.occurrence(database, planned)[1:] == ("not_approved", None)
    with database.session() as session:
        assert f"schedule:{planned}" in {alarm.subject for alarm in open_alarms(session)}


@pytest.mark.proof
async def test_silenced_zone_skips_the_schedule_with_a_reason(scene: Scene) -> None:
    database = scene.station.database
    with database.session() as session:
        zone = session.scalars(sa.select(Zone.id).where(Zone.code == "11")).one()
        quiet_hours.silence(session, zone, now() + datetime.timedelta(hours=1), on_air.EDITOR, now())
    planned = on_air.plan_in(database, 1, "11", programme_id=programme(scene, "demo-congrats"))
    await until(lambda: on_air.occurrence(database, planned)[0] == "skipped", "the occurrence is closed", 20)
    with database.session() as session:
        quiet_hours.unsilence(session, zone, on_air.EDITOR)
    assert on_air.occurrence(database, planned)[1:] == ("zone_silenced", None)


async def test_booked_official_is_called_ahead_and_on_air_on_time(scene: Scene) -> None:
    scene.forget()
    phone = await scene.phone("may-lan")
    planned = on_air.plan_in(scene.station.database, 8, "12", official="1003", lead_seconds=8)
    await phone.incoming(20)
    await phone.answer()
    await phone.digits(LAN)
    await until(lambda: on_air.occurrence(scene.station.database, planned)[2] is not None, "on air", 40)
    broadcast_id = on_air.occurrence(scene.station.database, planned)[2] or 0
    await until(lambda: scene.broadcast(broadcast_id).live, "live")
    await phone.play(scene.speeches["demo-instruct"])
    await phone.digits("#")
    aired = await aired_as_planned(scene, planned)
    assert 0 <= late_by(scene, aired.id, planned) < ON_TIME
    assert aired.deliveries["cp-1"].state == "played"
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    await scene.quiet()


async def test_fallback_is_played_on_time_when_nobody_answers(scene: Scene) -> None:
    scene.forget()
    fallback = programme(scene, "demo-congrats")
    await scene.unplug("may-lan")
    database = scene.station.database
    planned = on_air.plan_in(database, 4, "12", official="1003", lead_seconds=3, fallback_programme_id=fallback)
    aired = await aired_as_planned(scene, planned)
    assert 0 <= late_by(scene, aired.id, planned) < ON_TIME
    assert scene.heard("cp-1", "demo-congrats").correlation > SAME
    await scene.quiet()


@pytest.mark.proof
async def test_unanswered_booking_without_fallback_raises_an_alarm(scene: Scene) -> None:
    await scene.unplug("may-lan")
    database = scene.station.database
    planned = on_air.plan_in(database, 3, "12", official="1003", lead_seconds=2)
    await until(lambda: on_air.occurrence(database, planned)[0] == "missed", "the occurrence is closed", 40)
    assert on_air.occurrence(database, planned)[1:] == ("official_not_reached", None)
    with database.session() as session:
        assert f"schedule:{planned}" in {alarm.subject for alarm in open_alarms(session)}
