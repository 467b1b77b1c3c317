"""Texts, answers and broadcasts while a station is being broken."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import Request, ask
from broadcast_bridge.programmes.models import Programme
from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.models import Case
from feedback.states import Channel, Way
from haichieu.database import now
from haichieu.demo.event_process import EventProcessError
from haichieu.demo.softphone.controller import SoftPhone
from tests.station import on_air
from tests.station.scene import Scene

T = TypeVar("T")

ACCEPTED = 202
TEXT_SECONDS = 40.0
"""A sender gives up after 32 seconds of silence (RFC 3261 §17.1.2.2)."""
ZONES = (("11",), ("12",), ("13",), ("11", "12"))


class Office:
    """What was texted, answered and asked for, and how the gateway or the database took it."""

    def __init__(self, scene: Scene, gateway: SoftPhone, seed: int) -> None:
        self.gateway = gateway
        self.texts: dict[str, int | None] = {}
        """Texts of citizens, with the status of their SIP response; None without one."""
        self.answers: list[str] = []
        """Answers that were committed."""
        self.broadcasts: list[int] = []
        """Broadcasts that were asked for, and committed."""
        self._scene = scene
        self._seed = seed
        self._programme = 0

    def prepare(self) -> None:
        """Upload the programme that is broadcast."""
        station = self._scene.station
        speech = self._scene.speeches["demo-instruct"]
        self._programme = on_air.add_programme(station.database, station.settings.home, speech)

    async def keep_texting(self) -> None:
        """Text through the gateway, one text after the other, until cancelled."""
        chance = random.Random(f"texts {self._seed}")
        while True:
            text = f"Cầu treo hỏng, lần {len(self.texts) + 1} {self._seed}-{chance.randrange(10**6):06}"
            self.texts[text] = None
            self.gateway.forget("text_answered")
            with contextlib.suppress(EventProcessError):  # no response
                self.texts[text] = await self.gateway.text("1022", text, TEXT_SECONDS)
            await asyncio.sleep(chance.uniform(1.0, 4.0))

    async def keep_answering(self) -> None:
        """Answer cases by text until cancelled."""
        chance = random.Random(f"answers {self._seed}")
        while True:
            await asyncio.sleep(chance.uniform(2.0, 6.0))
            text = f"Đã giao đội sửa chữa, số {len(self.answers) + 1} {self._seed}-{chance.randrange(10**6):06}"

            def answer(session: Session, text: str = text) -> bool:
                texted = sa.select(Case).where(Case.channel == Channel.TEXT, Case.citizen_id.is_not(None))
                case = session.scalar(texted.order_by(Case.id.desc()).limit(1))
                if case is not None:
                    replies.answer(session, case, Answer("account:truc@example.vn", [Way.TEXT], text), now())
                return case is not None

            if await self._written(answer):
                self.answers.append(text)

    async def keep_broadcasting(self) -> None:
        """Ask for broadcasts until cancelled; some wait for the one before, some take its speakers."""
        chance = random.Random(f"broadcasts {self._seed}")
        while True:
            zones = chance.choice(ZONES)

            def request(session: Session, zones: tuple[str, ...] = zones) -> int:
                programme = session.get_one(Programme, self._programme)
                title = f"Bản tin {len(self.broadcasts) + 1}"
                assert programme.sound_id is not None
                wanted = Request("test", title, [programme.sound_id], zones, programme_ids=[programme.id])
                return ask(session, wanted, now()).id

            if (number := await self._written(request)) is not None:
                self.broadcasts.append(number)
            await asyncio.sleep(chance.uniform(3.0, 8.0))

    async def _written(self, work: Callable[[Session], T]) -> T | None:
        """Do `work` in a transaction; None when it was not committed."""
        try:
            return await self._scene.station.database.run(work)
        except (sa.exc.DBAPIError, sa.exc.TimeoutError):
            return None
