"""A station with a link to the stand-in of a province, and the ways in which its worker works on it."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from aiohttp.test_utils import TestServer
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState, Priority
from broadcast_bridge.models import Broadcast, Delivery
from broadcast_bridge.source_system.bulletin_desk import BulletinDesk
from broadcast_bridge.source_system.exchange import Issued
from broadcast_bridge.source_system.models import Bulletin, Source, SourcePlace
from broadcast_bridge.source_system.province import PASSWORD, USERNAME, Province
from broadcast_bridge.source_system.source_links import SourceLinks
from broadcast_bridge.source_system.states import ContentKind
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.media import Media, MediaStore
from haichieu.speech.synthesis import NOBODY, Identity, Speech
from haichieu.vault import Vault
from tests.builders.places import Commune, commune
from tests.builders.sounds import sound_row

T = TypeVar("T")
STATION, AREA, DEVICE = "H24.01", "H24.01.02", "860000000000001"
KEY = b"0123456789012345678901234567890123456789012="
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


class Voice:
    """A synthesiser with one sound for every text."""

    languages = frozenset({"vi"})

    def __init__(self) -> None:
        self.spoken: list[str] = []

    def spoken_by(self) -> dict[str, str]:
        return {"vi": "test"}

    def prepare(self, language: str) -> None:
        pass

    def preferring(self, names: Sequence[str]) -> "Voice":
        return self

    def identity(self, language: str) -> Identity:
        return NOBODY

    def synthesise(self, text: str, language: str) -> Speech:
        self.spoken.append(text)
        return Speech(b"\x00\x20\x00\xe0" * 8000, 16_000)


@dataclass
class Link:
    """The station, the province behind `server`, and the two parts of the worker."""

    database: Database
    province: Province
    links: SourceLinks
    desk: BulletinDesk
    source_id: int
    place: Commune
    voice: Voice = field(default_factory=Voice)

    def look(self, work: Callable[[Session], T]) -> T:
        with self.database.session() as session:
            return work(session)

    async def exchange(self) -> Source:
        """Exchange with the source now, and return its row."""

        def make_due(session: Session) -> None:
            session.get_one(Source, self.source_id).next_poll_at = None

        self.look(make_due)
        await self.links.step()
        return self.look(lambda session: session.get_one(Source, self.source_id))

    async def work(self) -> None:
        """Do the jobs of bulletins that are due."""
        while await self.desk.step():
            pass

    def bulletin(self, external_id: str) -> Bulletin:
        return self.look(
            lambda session: session.scalars(sa.select(Bulletin).where(Bulletin.external_id == external_id)).one()
        )

    def states(self) -> dict[str, str]:
        return self.look(lambda session: dict(session.execute(sa.select(Bulletin.external_id, Bulletin.state)).all()))

    def broadcasts(self) -> Sequence[Broadcast]:
        return self.look(lambda session: session.scalars(sa.select(Broadcast).order_by(Broadcast.id)).all())

    def alarms(self) -> set[str]:
        return {alarm.kind for alarm in self.look(open_alarms)}

    def give_sound(self, external_id: str, seconds: float = 60.0) -> None:
        """Store the sound of a bulletin, as if it had been fetched or spoken."""

        def give(session: Session) -> None:
            media = sound_row(session, session.query(Media).count() + 100)
            media.seconds = seconds
            session.query(Bulletin).filter_by(external_id=external_id).one().sound = media

        self.look(give)

    def job_due(self) -> datetime.datetime | None:
        """Return when the only job that waits is due."""
        return self.look(lambda session: session.scalar(sa.select(Job.due_at).where(Job.state == "waiting")))

    def end_broadcast(self, number: int, seconds: float = 60.0) -> None:
        """End a broadcast that its first speaker heard, and the others missed."""

        def end(session: Session) -> None:
            broadcast, at = session.get_one(Broadcast, number), now()
            broadcast.state, broadcast.on_air_at, broadcast.ended_at = BroadcastState.ENDED, at, at
            for speaker in self.place.speakers:
                is_first = speaker is self.place.speakers[0]
                session.add(
                    Delivery(
                        broadcast_id=number, speaker_id=speaker.id, active=False, ended_at=at,
                        state=DeliveryState.PLAYED if is_first else DeliveryState.MISSED,
                        first_audio_at=at if is_first else None, seconds=seconds if is_first else 0.0,
                        reason=None if is_first else "not_registered",
                    )
                )  # fmt: skip

        self.look(end)


def link_to(database: Database, server: TestServer, province: Province, folder: Path, dialect: str = "neutral") -> Link:
    """Make a station with two speakers whose source is the province."""
    vault = Vault(KEY)
    with database.session() as session:
        place = commune(session)
        source = add_source(session, place, str(server.make_url("/")).rstrip("/"), vault, dialect)
        source_id = source.id
    links, voice = SourceLinks(database, vault), Voice()
    desk = BulletinDesk(database, MediaStore(folder / "media", 1), voice, links.wire_to)
    return Link(database, province, links, desk, source_id, place, voice)


def add_source(
    session: Session, place: Commune, address: str, vault: Vault, dialect: str = "neutral", code: str = "tinh"
) -> Source:
    """Add a source that knows the commune and the first of its speakers."""
    source = Source(
        code=code, name="Tỉnh Cao Bằng", dialect=dialect, address=address, username=USERNAME,
        password_locked=vault.lock(PASSWORD), external_id=STATION, unit_id=place.commune.id,
        places=[
            SourcePlace(external_id=AREA, unit_id=place.commune.id),
            SourcePlace(external_id=DEVICE, speaker_id=place.speakers[0].id),
        ],
    )  # fmt: skip
    session.add(source)
    session.flush()
    return source


def text(external_id: str = "b1", priority: Priority = Priority.NORMAL, **more: object) -> Issued:
    """A bulletin to read aloud, for the whole commune."""
    values: dict[str, object] = {
        "title": f"Bản tin {external_id}", "kind": ContentKind.TEXT, "text": "Mời bà con nghe.", "areas": [AREA],
        "author": "Sở Văn hóa", "field": "1", **more,
    }  # fmt: skip
    return Issued(external_id, priority=priority, **values)  # type: ignore[arg-type]


def audio(external_id: str, link: str, priority: Priority = Priority.NORMAL, **more: object) -> Issued:
    """A bulletin with a sound at a link."""
    return text(external_id, priority, **{"kind": ContentKind.AUDIO, "text": "", "link": link, **more})


async def received(link: Link, *items: object) -> None:
    """Have the province issue these, and fetch them."""
    link.province.issue(*items)  # type: ignore[arg-type]
    assert (await link.exchange()).last_problem is None


def make_jobs_due(link: Link) -> None:
    link.look(lambda session: session.execute(sa.update(Job).values(due_at=now())))
