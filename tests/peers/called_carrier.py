"""Numbers, an account without registration, and a part that places calls: shared by the tests of carriers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dialplans.configuration import ari_password
from haichieu.ari.client import AriClient
from haichieu.background import in_background
from tests.lone_asterisk import LoneAsterisk

ANSWERS = "[degraded]\nexten => _[0-9+*#]!,1,Answer()\n same => n,Wait(20)\n"
OURS, THEIRS = "02063888222", "0912345678"
PLAIN = {"register": False, "username": "", "password": ""}


@asynccontextmanager
async def application(asterisk: LoneAsterisk) -> AsyncIterator[AriClient]:
    """The part of a switchboard that places calls."""

    async def nothing(*_: object) -> None: ...

    settings = asterisk.settings
    async with (
        AriClient("127.0.0.1", settings.ari_port, ari_password(settings), lambda _: None) as client,
        in_background(client.run(nothing, nothing)),
    ):
        await client.connected.wait()
        yield client
