"""A station that is texted with: by a phone of its own, and by a GSM gateway for everybody else."""

from dataclasses import dataclass

import pytest_asyncio
import sqlalchemy as sa

from feedback.models import Case, Message
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, until
from tests.station.scene import Scene


@dataclass
class Texting:
    """A station, a phone of its own and a GSM gateway."""

    scene: Scene
    phone: SoftPhone
    gateway: SoftPhone

    @property
    def station(self) -> TrialStation:
        """The station itself."""
        return self.scene.station

    def said(self) -> list[str]:
        """What citizens wrote, the oldest first."""
        with self.station.database.session() as session:
            query = sa.select(Message.text).where(Message.direction == "in").order_by(Message.id)
            return list(session.scalars(query))

    async def files(self, text: str) -> str:
        """Wait until a text is filed; returns its case's number."""
        await until(lambda: text in self.said(), f"filed: {text}")
        with self.station.database.session() as session:
            return session.scalars(sa.select(Case.number).join(Message).where(Message.text == text)).one()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def texting(breakable_station: Scene) -> Texting:
    """The station whose carrier takes texts, without the texts of the module before."""
    await breakable_station.reset()
    phone, gateway = await breakable_station.phone("may-la"), await breakable_station.outside("0912345678")
    return Texting(breakable_station, phone, gateway)
