"""A database outage under a running station: every process recovers by itself."""

import asyncio
import datetime

import pytest

from feedback.models import Case
from haichieu.database import Database, now
from haichieu.demo.trial_station import trial_station, until
from haichieu.heartbeats import BEAT_SECONDS, latest
from tests.builders.cases import case, office
from tests.postgres import PostgresCluster

pytestmark = [
    pytest.mark.calls,
    pytest.mark.xdist_group("breakable"),
    pytest.mark.proof,
    pytest.mark.asyncio(loop_scope="session"),
]

PROCESSES = {"switchboard", "worker", "web"}


async def test_every_process_recovers_from_a_database_outage(postgres_cluster: PostgresCluster) -> None:
    with postgres_cluster.database() as url:
        async with trial_station(None, database_url=url, transcriber="none") as station:

            def beaten_since(moment: datetime.datetime) -> bool:
                with station.database.session() as session:
                    return {name for name, beat in latest(session).items() if beat.at > moment} >= PROCESSES

            began = now()
            await until(lambda: beaten_since(began), "all are at work")
            with postgres_cluster.away(url):
                await asyncio.sleep(1.5 * BEAT_SECONDS)  # each has missed it at least once
            back = now()
            await until(lambda: beaten_since(back), "all are at work again", 30)
            with station.database.session() as session:
                number = case(session, office(session)).id
            await until(lambda: is_filed(station.database, number), "what comes then is filed", 30)


def is_filed(database: Database, number: int) -> bool:
    with database.session() as session:
        return session.get_one(Case, number).category_id is not None
