"""Third part of the demonstration: a province's bulletin comes down, is heard, and its log goes up.

The stand-in of a province's source system issues a priority bulletin; the station speaks and broadcasts it, and reports
each speaker.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import DeliveryState, Priority
from broadcast_bridge.models import Broadcast, BroadcastSound, Speaker
from broadcast_bridge.source_system.dialects import NEUTRAL
from broadcast_bridge.source_system.exchange import Issued
from broadcast_bridge.source_system.models import Bulletin, Source, SourcePlace
from broadcast_bridge.source_system.province import PASSWORD, USERNAME, Province
from broadcast_bridge.source_system.states import ContentKind
from haichieu.audio.sound import Sound
from haichieu.database import now
from haichieu.demo.programmes import CORRELATION, OnSpeaker, on_speakers
from haichieu.demo.trial_station import LOOPBACK, TrialStation, free_port, until
from haichieu.people import Unit

ISSUED = "2026-118"
AREA = "H24.01"
TITLE = "Phòng dịch tả lợn châu Phi"
TEXT = "Bản tin của tỉnh. Bà con tiêm phòng cho đàn lợn trước ngày mười lăm, và báo ngay cho thú y xã khi lợn bỏ ăn."
LOGGED_SECONDS = 120.0
STATES = ["accepted", "scheduled", "aired"]


@dataclass(frozen=True)
class Circle:
    """The bulletin: what the speakers heard, and what the province got to know of it."""

    title: str
    issued_to_air_seconds: float | None
    heard: list[OnSpeaker]
    receipts: list[str]
    logs: dict[str, str]
    """The result that the province got, by speaker."""
    proven: bool


async def bulletin_and_log(station: TrialStation, speakers: Mapping[str, Callable[[], Sound]]) -> Circle:
    """Run this part and compare what the `speakers` have heard with the spoken bulletin."""
    province = Province()
    before = {code: len(heard().samples) for code, heard in speakers.items()}
    async with _served(province) as address:
        await asyncio.to_thread(_connect, station, address)
        issued_at = now()
        province.issue(
            Issued(ISSUED, TITLE, ContentKind.TEXT, Priority.PRIORITY, text=TEXT, areas=[AREA], author="Sở NN và MT")
        )
        await until(
            lambda: province.book.states(ISSUED) == STATES and len(province.book.logs) > len(speakers),
            "the log of the bulletin at the province",
            LOGGED_SECONDS,
        )
        await asyncio.to_thread(_disconnect, station)
    sounds = {code: heard() for code, heard in speakers.items()}
    since = {code: Sound(one.samples[before[code] :], one.rate) for code, one in sounds.items()}
    with station.database.session() as session:
        bulletin = session.scalars(sa.select(Bulletin).where(Bulletin.external_id == ISSUED)).one()
        programme_id = bulletin.programme_id or 0
        broadcast = session.scalars(
            sa.select(Broadcast)
            .join(BroadcastSound, BroadcastSound.broadcast_id == Broadcast.id)
            .where(BroadcastSound.programme_id == programme_id)
        ).one()
        found = on_speakers(station, session, programme_id, broadcast, since)
        on_air_at = broadcast.on_air_at
    logs = {str(one["device"]): str(one["state"]) for one in province.book.logs.values()}
    return Circle(
        title=TITLE,
        issued_to_air_seconds=(on_air_at - issued_at).total_seconds() if on_air_at else None,
        heard=found,
        receipts=province.book.states(ISSUED),
        logs=logs,
        proven=not province.book.wrong
        and province.book.repeated == 0
        and all(one.correlation >= CORRELATION and one.delivery == DeliveryState.PLAYED for one in found)
        and all(logs.get(one.speaker) == one.delivery for one in found),
    )


@contextlib.asynccontextmanager
async def _served(province: Province) -> AsyncIterator[str]:
    runner, port = web.AppRunner(province.app), free_port(socket.SOCK_STREAM)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        yield f"http://{LOOPBACK}:{port}"
    finally:
        await runner.cleanup()


def _connect(station: TrialStation, address: str) -> None:
    """Add the province as a source that knows the commune and each speaker."""
    with station.database.session() as session:
        unit_id = session.scalars(sa.select(Unit.id).order_by(Unit.id).limit(1)).one()
        session.add(
            Source(
                code="tinh", name="Tỉnh Cao Bằng", dialect=NEUTRAL, address=address, username=USERNAME,
                password_locked=station.opened.vault.lock(PASSWORD), external_id=AREA, unit_id=unit_id, poll_seconds=1,
                places=[SourcePlace(external_id=AREA, unit_id=unit_id), *_devices(session)],
            )
        )  # fmt: skip


def _devices(session: Session) -> list[SourcePlace]:
    speakers = session.execute(sa.select(Speaker.code, Speaker.id)).all()
    return [SourcePlace(external_id=code, speaker_id=number) for code, number in speakers]


def _disconnect(station: TrialStation) -> None:
    with station.database.session() as session:
        session.execute(sa.update(Source).values(removed_at=now()))
