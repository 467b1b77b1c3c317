"""A station that is texted with: by a phone of its own, and by a GSM gateway for everybody else."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from feedback.models import Case, Message
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, trial_station, until
from haichieu.station import Station

PHONE = "+84987654321"
DISTRICT = """
[station]
name = "Thử"
[[units]]
code = "CB"
name = "Cô Ba"
level = "commune"
[[numbers]]
number = "1022"
flow = "official-line"
unit = "CB"
[[phones]]
id = "may-la"
name = "Máy lạ"
password = "secret-of-may-la"
caller_number = "{phone}"
[[speakers]]
id = "cb-1"
name = "Loa"
unit = "CB"
password = "secret-of-cb-1"
[[trunks]]
id = "gsm"
host = "127.0.0.1"
port = {gateway}
texts = true
prefix_rules = [["+84", "0"]]
"""


@dataclass
class Texting:
    """A station, a phone of its own and a GSM gateway."""

    station: TrialStation
    phone: SoftPhone
    gateway: SoftPhone
    stack: AsyncExitStack

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


def write_district(file: Path, gateway_port: int) -> Path:
    """Write the district file and return its path."""
    file.write_text(DISTRICT.replace("{gateway}", str(gateway_port)).replace("{phone}", PHONE))
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def texting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Texting]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        gateway_port = probe.getsockname()[1]
    file = write_district(tmp_path_factory.mktemp("texts") / "district.toml", gateway_port)
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(trial_station(file, transcriber="none"))
        phone = await stack.enter_async_context(
            SoftPhone(server=station.server, id="may-la", password="secret-of-may-la")
        )
        gateway = await stack.enter_async_context(
            SoftPhone(server=station.server, caller_number="0912345678", port=gateway_port)
        )
        await phone.registered()
        await gateway.ready()
        with station.database.session() as session:
            session.get_one(Station, 1).reply_hours = ""  # the tests are run at night as well
        yield Texting(station, phone, gateway, stack)
