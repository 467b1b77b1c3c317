"""An Asterisk without the application: what the station is while the switchboard is down."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from dialplans.account_file import AccountFile
from dialplans.accounts import DynamicObject
from dialplans.configuration import ari_password
from dialplans.degraded import DegradedMode, write_degraded
from dialplans.installation import find_installation
from haichieu.demo.trial_station import free_ports
from haichieu.process_control import end_with_parent
from haichieu.settings import Settings, load_settings


@dataclass
class LoneAsterisk:
    """An Asterisk in the home of a station on free ports of loopback."""

    settings: Settings
    log: Path
    process: asyncio.subprocess.Process | None = None

    @property
    def server(self) -> str:
        """Where phones and speakers register, as HOST:PORT."""
        return f"{self.settings.bind}:{self.settings.sip_port}"

    async def start(self) -> None:
        """Start it and wait until ARI answers."""
        given = {name: str(getattr(self.settings, name)) for name in self.settings.model_fields_set}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "haichieu", "asterisk"),
                env={**os.environ, **{f"HAICHIEU_{name.upper()}": value for name, value in given.items()}},
                stdout=log, stderr=log, preexec_fn=end_with_parent,
            )  # fmt: skip
        async with asyncio.timeout(20):
            while not await self._answers():
                assert self.process.returncode is None, self.log.read_text(errors="replace")
                await asyncio.sleep(0.05)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 15)

    async def ari(self, method: str, path: str, body: object = None) -> Any:
        """One request; the JSON of its answer. Raises aiohttp.ClientResponseError."""
        url = f"http://{self.settings.ari_host}:{self.settings.ari_port}/ari{path}"
        login = {"Authorization": aiohttp.encode_basic_auth("haichieu", ari_password(self.settings))}
        async with (
            aiohttp.ClientSession(headers=login, raise_for_status=True) as session,
            session.request(method, url, json=body) as answer,
        ):
            return await answer.json(content_type=None)

    async def put(self, account: Iterable[DynamicObject]) -> None:
        """Push an account as the switchboard does."""
        for item in account:
            fields = [{"attribute": name, "value": value} for name, value in item.fields.items()]
            await self.ari(
                "PUT", f"/asterisk/config/dynamic/res_pjsip/{item.object_type}/{item.id}", {"fields": fields}
            )

    async def command(self, line: str) -> str:
        """What a command of Asterisk's console prints."""
        installation = find_installation(self.settings)
        assert installation is not None
        process = await asyncio.create_subprocess_exec(
            *installation.argv, "-C", str(self.settings.home / "etc/asterisk.conf"), "-rx", line,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        return (await process.communicate())[0].decode(errors="replace")

    async def _answers(self) -> bool:
        try:
            await self.ari("GET", "/asterisk/ping")
        except (aiohttp.ClientError, OSError):
            return False
        return True


@asynccontextmanager
async def lone_asterisk(
    home: Path,
    accounts: Iterable[Iterable[DynamicObject]] = (),
    degraded: DegradedMode | None = None,
    **settings: str | int,
) -> AsyncIterator[LoneAsterisk]:
    """Run an Asterisk that knows `accounts` from the file, as after a restart without the application."""
    AccountFile(home).write([item for account in accounts for item in account])
    given = load_settings(home=home, **{**free_ports(), **settings})
    if degraded is not None:
        write_degraded(given, degraded)
    asterisk = LoneAsterisk(given, home / "asterisk.log")
    try:
        await asterisk.start()
        yield asterisk
    finally:
        await asterisk.stop()
