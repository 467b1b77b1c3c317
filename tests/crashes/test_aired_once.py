"""Each occurrence is aired once, after a crash and with two switchboards on one database."""

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
from tests.station.playbacks import playbacks_of
from tests.station.scene import SAME, Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]


def broadcasts_of(scene: Scene, schedule_id: int) -> list[int]:
    """Return the broadcasts that were made of a schedule."""
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
        playbacks = await stack.enter_async_context(playbacks_of(first.settings))
        scene = Scene(first, folder, stack, speeches, 9, playbacks)
        for code in ("cb-1", "cb-2"):
            await scene.speaker(code)
        yield scene, second


@pytest.mark.proof
async def test_occurrence_planned_before_a_crash_is_aired_once(scene: Scene) -> None:
    scene.forget()
    database = scene.station.database
    speech = on_air.programme_named(database, scene.station.settings.home, scene.speeches["demo-congrats"])
    planned = on_air.plan_in(database, 5, "11", programme_id=speech)
    await until(lambda: on_air.occurrence(database, planned)[0] == "planned", "the occurrence is planned")
    kill(child_of(scene.station, "switchboard"))
    await until(lambda: on_air.occurrence(database, planned)[0] == "aired", "the occurrence is aired", 60)
    (broadcast_id,) = broadcasts_of(scene, planned)
    aired = scene.broadcast(broadcast_id)
    assert {one.state for one in aired.deliveries.values()} == {"played"}
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
    await scene.quiet()


@pytest.mark.proof
async def test_two_switchboards_on_one_database_air_each_occurrence_once(pair: tuple[Scene, TrialStation]) -> None:
    scene, second = pair
    scene.forget()
    database = scene.station.database
    speech = on_air.programme_named(database, scene.station.settings.home, scene.speeches["demo-congrats"])
    shutil.copytree(scene.station.settings.home / "media", second.settings.home / "media", dirs_exist_ok=True)
    planned = [on_air.plan_in(database, 4, zone, programme_id=speech) for zone in ("11", "14", "14", "14")]
    for one in planned:
        await until(lambda one=one: on_air.occurrence(database, one)[0] == "aired", "the occurrence is aired", 90)
        assert len(broadcasts_of(scene, one)) == 1
    with database.session() as session:
        (village,) = session.scalars(sa.select(Broadcast).where(Broadcast.asked_by == f"schedule:{planned[0]}"))
        assert (village.node, village.state) == ("first", "ended")
    assert scene.heard("cb-1", "demo-congrats").correlation > SAME
