"""An hour is kept once: after a crash between planning and playing, and with two switchboards on one database."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast
from haichieu.demo.trial_station import TrialStation, trial_station, until
from tests.crashes.processes import child_of, kill
from tests.postgres import PostgresCluster
from tests.station import on_air
from tests.station.district import write_district
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls]


def broadcasts_of(scene: Scene, schedule_id: int) -> list[int]:
    """The broadcasts that were made of a schedule."""
    with scene.station.database.session() as session:
        return list(session.scalars(sa.select(Broadcast.id).where(Broadcast.asked_by == f"schedule:{schedule_id}")))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(
    tmp_path_factory: pytest.TempPathFactory, postgres_cluster: PostgresCluster, speeches: dict[str, Path]
) -> AsyncIterator[tuple[Scene, TrialStation]]:
    """Two switchboards with their Asterisks on one PostgreSQL; the speakers are registered with the first."""
    folder = tmp_path_factory.mktemp("pair")
    async with AsyncExitStack() as stack:
        url = stack.enter_context(postgres_cluster.database())
        file = write_district(folder / "district.toml", 9)
        first = await stack.enter_async_context(trial_station(file, database_url=url, node="first"))
        second_home = folder / "second"
        shutil.copytree(first.settings.home / "secrets", second_home / "secrets")
        shutil.copytree(first.settings.home / "media", second_home / "media")
        second = await stack.enter_async_context(
            trial_station(None, home=str(second_home), database_url=url, node="second")
        )
        scene = Scene(first, folder, stack, speeches, 9)
        for code in ("cb-1", "cb-2"):
            await scene.speaker(code)
        yield scene, second


async def test_a_crash_between_planning_and_playing_neither_loses_nor_doubles_an_hour(scene: Scene) -> None:
    scene.forget()
    database = scene.station.database
    speech = on_air.programme_named(database, scene.station.settings.home, scene.speeches["demo-congrats"])
    hour = on_air.plan_in(database, 8, "11", programme_id=speech)
    await until(lambda: on_air.occurrence(database, hour)[0] == "planned", "the hour is planned")
    kill(child_of(scene.station, "switchboard"))
    await until(lambda: on_air.occurrence(database, hour)[0] == "aired", "the hour is kept", 60)
    (broadcast_id,) = broadcasts_of(scene, hour)
    aired = scene.broadcast(broadcast_id)
    assert {one.state for one in aired.deliveries.values()} == {"played"}
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    await scene.quiet()


async def test_two_switchboards_on_one_database_keep_every_hour_once(pair: tuple[Scene, TrialStation]) -> None:
    scene, second = pair
    scene.forget()
    database = scene.station.database
    speech = on_air.programme_named(database, scene.station.settings.home, scene.speeches["demo-congrats"])
    shutil.copytree(scene.station.settings.home / "media", second.settings.home / "media", dirs_exist_ok=True)
    hours = [on_air.plan_in(database, 4, zone, programme_id=speech) for zone in ("11", "14", "14", "14")]
    for hour in hours:
        await until(lambda hour=hour: on_air.occurrence(database, hour)[0] == "aired", "the hour is kept", 90)
        assert len(broadcasts_of(scene, hour)) == 1
    with database.session() as session:
        (village,) = session.scalars(sa.select(Broadcast).where(Broadcast.asked_by == f"schedule:{hours[0]}"))
        assert (village.node, village.state) == ("first", "ended")
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
