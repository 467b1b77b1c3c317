"""An Asterisk without the application: what the station is while the switchboard is down."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialplans.account_file import AccountFile
from dialplans.accounts import DynamicObject
from dialplans.configuration import write_configuration
from dialplans.degraded import DegradedMode, write_degraded
from dialplans.installation import find_installation
from haichieu.demo.trial_station import free_ports, until
from haichieu.process_control import MOST_OPEN_FILES, end_with_parent, run_ahead_of_other_work
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import Settings, load_settings
from haichieu.sip.certificate import certificate_facts
from tests import asterisk_rest


@dataclass
class LoneAsterisk:
    """An Asterisk in the home of a station on free ports of loopback."""

    settings: Settings
    log: Path
    resolv_conf: Path | None = None
    """What it has in place of /etc/resolv.conf, in a mount namespace of its own (needs root)."""
    process: asyncio.subprocess.Process | None = None

    @property
    def server(self) -> str:
        """Where phones and speakers register, as HOST:PORT."""
        return f"{self.settings.bind}:{self.settings.sip_port}"

    @property
    def tls(self) -> dict[str, str]:
        """Where they register over TLS, and the fingerprint of its certificate."""
        server = f"{self.settings.bind}:{self.settings.sip_tls_port}"
        return {"server": server, "fingerprint": certificate_facts(self.settings).fingerprint}

    async def start(self) -> None:
        """Write its configuration, start it, and wait until ARI answers.

        Started here and not by `haichieu asterisk`, whose imports take longer than Asterisk's own start.
        """
        installation = find_or_fetch(self.settings)
        configuration = write_configuration(self.settings, installation, files=MOST_OPEN_FILES)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*self._with_resolv_conf(), *installation.argv, "-f", "-C", str(configuration)),
                stdout=log, stderr=log, preexec_fn=_as_the_station_does,
            )  # fmt: skip
        await until(self._answers, "ARI answers", 20)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 15)

    async def kill(self) -> None:
        """End it as a crash would."""
        await self.stop(signal.SIGKILL)

    def forget_registrations(self) -> None:
        """Delete the database in which it stores where phones and speakers are."""
        for file in (self.settings.home / "lib").glob("astdb*"):
            file.unlink()

    async def ari(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the JSON of its answer. Raises urllib.error.HTTPError."""
        return await asyncio.to_thread(asterisk_rest.request, self.settings, method, path, body)

    async def channels(self) -> list[dict[str, Any]]:
        """Its channels, each once: Asterisk lists one twice whose state changes meanwhile."""
        listed = await self.ari("GET", "/channels")
        return list({channel["id"]: channel for channel in listed}.values())

    async def calls_over(self) -> None:
        """Wait until no channel is left: it sends a BYE, or answers one, before it gives the channel up."""
        await until(lambda: asterisk_rest.request(self.settings, "GET", "/channels") == [], "no channel is left")

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

    def _with_resolv_conf(self) -> list[str]:
        if self.resolv_conf is None:
            return []
        mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", mount, str(self.resolv_conf)]

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text(errors="replace")
        with contextlib.suppress(OSError):
            asterisk_rest.request(self.settings, "GET", "/asterisk/ping")
            return True
        return False


def _as_the_station_does() -> None:
    end_with_parent()
    run_ahead_of_other_work()


@asynccontextmanager
async def lone_asterisk(
    home: Path,
    accounts: Iterable[Iterable[DynamicObject]] = (),
    degraded: DegradedMode | None = None,
    dialplan: str = "",
    resolv_conf: Path | None = None,
    **settings: str | int,
) -> AsyncIterator[LoneAsterisk]:
    """Run an Asterisk that knows `accounts` from the file, as after a restart without the application.

    Calls take the dialplan of a degraded mode, or the one that is given as text.
    """
    AccountFile(home).write([item for account in accounts for item in account])
    given = load_settings(home=home, **{**free_ports(), **settings})
    if degraded is not None:
        write_degraded(given, degraded)
    if dialplan:
        (home / "etc").mkdir(parents=True, exist_ok=True)
        (home / "etc/degraded.conf").write_text(dialplan)
    asterisk = LoneAsterisk(given, home / "asterisk.log", resolv_conf=resolv_conf)
    try:
        await asterisk.start()
        yield asterisk
    finally:
        await asterisk.stop()
