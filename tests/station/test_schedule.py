"""The station keeps its hours: programmes, booked officials, quiet; and says why when an hour was not kept."""

import datetime

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast, Zone
from broadcast_bridge.speakers import quiet_hours
from haichieu.alarms import open_alarms
from haichieu.database import now
from haichieu.demo.trial_station import until
from tests.station import district, on_air
from tests.station.scene import SAME, Aired, Scene

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"


def programme(scene: Scene, speech: str) -> int:
    settings = scene.station.settings
    return on_air.programme_named(scene.station.database, settings.home, scene.speeches[speech])


async def kept(scene: Scene, schedule_id: int) -> Aired:
    """Wait until an hour was kept, and return its broadcast."""
    database = scene.station.database
    await until(lambda: on_air.occurrence(database, schedule_id)[0] == "aired", "the hour is kept", 60)
    return scene.broadcast(on_air.occurrence(database, schedule_id)[2] or 0)


def late_by(scene: Scene, broadcast_id: int, schedule_id: int) -> float:
    with scene.station.database.session() as session:
        broadcast = session.get_one(Broadcast, broadcast_id)
    due = on_air.schedule(scene.station.database, schedule_id).starts.replace(tzinfo=datetime.UTC)
    assert broadcast.on_air_at is not None
    return (broadcast.on_air_at - due).total_seconds()


async def test_a_scheduled_programme_is_heard_on_time_and_whole(scene: Scene) -> None:
    scene.forget()
    hour = on_air.plan_in(scene.station.database, 4, "11", programme_id=programme(scene, "demo-congrats"))
    aired = await kept(scene, hour)
    assert 0 <= late_by(scene, aired.id, hour) < 3
    for code in ("cb-1", "cb-2"):
        assert aired.deliveries[code].state == "played"
        found = scene.heard(code, "demo-congrats")
        assert found.correlation > SAME
        assert found.fraction > 0.6
    await scene.quiet()


async def test_what_nobody_approved_is_not_played_and_raises_an_alarm(scene: Scene) -> None:
    settings, database = scene.station.settings, scene.station.database
    draft = on_air.add_programme(database, settings.home, scene.speeches["demo-instruct"], approved=False)
    hour = on_air.plan_in(database, 2, "11", programme_id=draft)
    await until(lambda: on_air.occurrence(database, hour)[0] == "missed", "the hour is closed", 20)
    assert on_air.occurrence(database, hour)[1:] == ("not_approved", None)
    with database.session() as session:
        assert f"schedule:{hour}" in {alarm.subject for alarm in open_alarms(session)}


async def test_a_silenced_zone_stays_silent_and_the_log_says_so(scene: Scene) -> None:
    database = scene.station.database
    with database.session() as session:
        zone = session.scalars(sa.select(Zone.id).where(Zone.code == "11")).one()
        quiet_hours.silence(session, zone, now() + datetime.timedelta(hours=1), on_air.EDITOR, now())
    hour = on_air.plan_in(database, 2, "11", programme_id=programme(scene, "demo-congrats"))
    await until(lambda: on_air.occurrence(database, hour)[0] == "skipped", "the hour is closed", 20)
    with database.session() as session:
        quiet_hours.unsilence(session, zone, on_air.EDITOR)
    assert on_air.occurrence(database, hour)[1:] == ("zone_silenced", None)


async def test_an_official_is_called_ahead_of_the_hour_and_is_on_air_on_time(scene: Scene) -> None:
    scene.forget()
    phone = await scene.phone("may-lan")
    hour = on_air.plan_in(scene.station.database, 25, "12", official="1003", lead_seconds=20)
    await phone.incoming(20)
    await phone.answer()
    await phone.digits(LAN)
    await until(lambda: on_air.occurrence(scene.station.database, hour)[2] is not None, "on air", 40)
    broadcast_id = on_air.occurrence(scene.station.database, hour)[2] or 0
    await until(lambda: scene.broadcast(broadcast_id).live, "live")
    await phone.play(scene.speeches["demo-instruct"])
    await phone.digits("#")
    aired = await kept(scene, hour)
    await phone.stop()
    assert 0 <= late_by(scene, aired.id, hour) < 3
    assert aired.deliveries["cp-1"].state == "played"
    assert scene.heard("cp-1", "demo-instruct").correlation > SAME
    await scene.quiet()


async def test_when_nobody_answers_the_fallback_programme_is_played_at_the_hour(scene: Scene) -> None:
    scene.forget()
    fallback = programme(scene, "demo-congrats")
    database = scene.station.database
    hour = on_air.plan_in(database, 8, "12", official="1003", lead_seconds=6, fallback_programme_id=fallback)
    aired = await kept(scene, hour)
    assert 0 <= late_by(scene, aired.id, hour) < 3
    assert scene.heard("cp-1", "demo-congrats").correlation > SAME
    await scene.quiet()


async def test_without_a_fallback_an_hour_that_nobody_kept_raises_an_alarm(scene: Scene) -> None:
    database = scene.station.database
    hour = on_air.plan_in(database, 6, "12", official="1003", lead_seconds=4)
    await until(lambda: on_air.occurrence(database, hour)[0] == "missed", "the hour is closed", 40)
    assert on_air.occurrence(database, hour)[1:] == ("official_not_reached", None)
    with database.session() as session:
        assert f"schedule:{hour}" in {alarm.subject for alarm in open_alarms(session)}
