"""The worker killed in each step of its work on a link: nothing is lost and nothing is doubled, here or there."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestServer

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system.exchange import Ordered
from broadcast_bridge.source_system.models import Bulletin, DeviceCommand, Source, SourceReport
from broadcast_bridge.source_system.province import Province
from broadcast_bridge.source_system.states import DeviceAction
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.media import Media
from tests.broadcast_bridge.source_system.link import DEVICE, HOUR, Link, audio, link_to
from tests.builders.sounds import tone
from tests.crashes import link_work

TRANSACTIONS = (
    "SourceLinks._begin_due", "_take", "_move_cursor", "_collect", "mark_sent", "_remember",
    "BulletinDesk._begin_due", "_keep", "BulletinDesk.handle",
)  # fmt: skip
"""Of the exchange, and of the job of a bulletin, which stores the sound, files it as a programme and plans it."""
REQUESTS = {
    "neutral": (
        "POST token", "GET messages", "POST devices", "POST reports receipt", "POST reports log",
        "POST reports command", "GET sound",
    ),
    "device": ("POST Login", "GET LenhDieuKhien", "POST Ping", "POST AddPlaylist", "POST Log", "GET sound"),
    "portal": ("POST Login", "GET YeuCau", "POST api8", "POST api9 NhanBanTin", "POST api9 PhatBanTin", "GET sound"),
}  # fmt: skip
LONGEST = 150.0
"""Seconds after which a process counts as hung."""
MOMENTS = (link_work.WITHIN, link_work.AFTER)
STEPS = {
    dialect: [
        *(f"{step} {moment}" for step in (*TRANSACTIONS, *requests) for moment in MOMENTS),
        f"store sound {link_work.AFTER}",
    ]
    for dialect, requests in REQUESTS.items()
}
CHEAP = ("POST reports log after", "BulletinDesk.handle within")
"""Of the neutral dialect, in `make test`: what was done is unknown to the other side, or only half done."""


@dataclass
class Station:
    """A station whose link is worked on by other processes, and the folder that they share."""

    link: Link
    folder: Path

    @property
    def seen(self) -> Path:
        return self.folder / "seen"

    async def work(self, kill_at: str = "") -> bool:
        """Have a process do what is due; if it was killed, have another one do it once the leases are over."""
        if await self._process(kill_at) == 0:
            return False
        self.link.look(_end_leases)
        assert await self._process("") == 0
        return True

    async def _process(self, kill_at: str) -> int | None:
        self.link.look(_make_due)
        url = self.link.database.url.render_as_string(hide_password=False)
        process = link_work.process(url, self.folder / "media", self.seen, kill_at)
        process.start()
        await asyncio.to_thread(process.join, LONGEST)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode in (0, -signal.SIGKILL), (kill_at, process.exitcode)
        return process.exitcode


def _make_due(session: sa.orm.Session) -> None:
    """Let the source be asked again, and a planned bulletin be looked at, as if the time had passed."""
    session.execute(sa.update(Source).values(next_poll_at=None))
    session.execute(sa.update(Job).where(Job.state == "waiting").values(due_at=now()))


def _end_leases(session: sa.orm.Session) -> None:
    session.execute(sa.update(Job).where(Job.leased_until.is_not(None)).values(leased_until=now()))


@pytest.fixture
async def station(database: Database, tmp_path: Path, dialect: str) -> AsyncIterator[Station]:
    province = Province()
    server = TestServer(province.app)
    await server.start_server()
    province.sounds["tin.wav"] = tone(1.5)
    yield Station(link_to(database, server, province, tmp_path, dialect), tmp_path)
    await server.close()


async def live_through(station: Station, kill_at: str) -> bool:
    """A bulletin and a command come down, it is aired, and its logs go up; return whether a process was killed."""
    link = station.link
    address = link.look(lambda session: session.get_one(Source, link.source_id)).address
    begin = now() + HOUR
    link.province.issue(
        audio("b1", f"{address}/sounds/tin.wav", Priority.PRIORITY, starts=[begin], valid_until=begin + 9 * HOUR),
        Ordered("c1", DeviceAction.VOLUME, 50, devices=[DEVICE]),
    )
    killed = await station.work(kill_at)
    link.end_broadcast(link.broadcasts()[0].id)
    return await station.work("" if killed else kill_at) or killed


def require_nothing_lost_or_doubled(link: Link, dialect: str) -> None:
    """Raise AssertionError unless the station and the province have everything once."""
    with link.database.session() as session:
        assert session.scalars(sa.select(Bulletin.state)).all() == ["aired"]
        for table in (Broadcast, Programme, Media, DeviceCommand):
            assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 1, table
        reports = session.scalars(sa.select(SourceReport).order_by(SourceReport.id)).all()
        logs = [one for one in reports if one.kind == "log"]
        assert [one.body["device"] for one in logs] == [DEVICE, "s11-1"]
        assert [one.key for one in reports if one.sent_at is None or one.refusals] == []
        assert session.scalars(sa.select(Job.state)).all() == ["done"]
        assert open_alarms(session) == []
    book = link.province.book
    assert book.wrong == []
    assert book.repeated <= 1  # the answer to the one request that was cut off is unknown, so it is sent again
    match dialect:
        case "neutral":
            assert book.states("b1") == ["accepted", "scheduled", "aired"]
            assert list(book.logs) == [one.key for one in logs]
            assert list(book.commands) == ["command:c1"]
        case "device":
            assert [one["state"] for one in book.receipts.values()] == ["added"]
            assert [one["CumLoaID"] for one in book.logs.values()] == [DEVICE]
        case "portal":
            assert [one["state"] for one in book.receipts.values()] == ["accepted"]
            assert [one["CumLoaId"] for one in book.logs.values()] == [DEVICE, "s11-1"]


@pytest.mark.parametrize("dialect", ["neutral"])
@pytest.mark.parametrize("step", CHEAP)
async def test_killed_worker_loses_and_doubles_nothing(station: Station, dialect: str, step: str) -> None:
    assert await live_through(station, step)
    require_nothing_lost_or_doubled(station.link, dialect)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("dialect", "step"),
    [(dialect, step) for dialect, steps in STEPS.items() for step in steps],
)
async def test_worker_killed_in_any_step_loses_nothing(station: Station, dialect: str, step: str) -> None:
    assert await live_through(station, step)
    require_nothing_lost_or_doubled(station.link, dialect)


@pytest.mark.proof
@pytest.mark.parametrize("dialect", sorted(STEPS))
async def test_every_step_of_the_link_is_in_the_list(station: Station, dialect: str) -> None:
    assert not await live_through(station, "")
    assert sorted({*station.seen.read_text().splitlines()}) == sorted(STEPS[dialect])
    require_nothing_lost_or_doubled(station.link, dialect)
