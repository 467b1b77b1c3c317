"""Linphone as a telephone and as a loudspeaker: its console program, which plays and records files instead of sound."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from haichieu.demo.loopback_sockets import keep_to_loopback
from haichieu.demo.trial_station import until
from haichieu.process_control import end_with_parent, run_in_real_time

PROGRAM = "linphonec"
SETTINGS = """\
[sip]
sip_port=-1
sip_tcp_port=0
sip_tls_port=0
guess_hostname=0
default_proxy=-1
[rtp]
audio_rtp_port=-1
[net]
firewall_policy=0
"""


class Linphone:
    """A running Linphone; the commands of its console say what to do."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process, self._folder = process, folder

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return (self._folder / "said").read_text(errors="replace")

    async def tell(self, command: str) -> None:
        """Type a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def says(self, words: str, seconds: float = 10.0) -> None:
        """Wait until it has printed these words."""
        await until(lambda: words in self.said, f"Linphone says {words}", seconds)

    async def register(self, server: str, name: str, secret: str) -> None:
        """Begin to register with a station; only the station tells when it is."""
        host = server.partition(":")[0]
        await self.tell(f"register sip:{name}@{host} sip:{server} {secret}")


@asynccontextmanager
async def linphone(folder: Path, *, answers: bool = False) -> AsyncIterator[Linphone]:
    """Run Linphone with its files in `folder`, which must not exist yet; it `answers` every call by itself."""
    (folder / ".local/share/linphone").mkdir(parents=True)  # without its database it does not register
    (folder / "rc").write_text(SETTINGS)
    with (folder / "said").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "-c", str(folder / "rc"), *(["-a"] if answers else []),
            stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output,
            env={**os.environ, "HOME": str(folder)}, preexec_fn=_as_a_device,
        )  # fmt: skip
    phone = Linphone(process, folder)
    try:
        await phone.says("linphonec>")
        keep_to_loopback(process.pid)
        await phone.tell("soundcard use files")
        yield phone
    finally:
        process.kill()
        await process.wait()


def _as_a_device() -> None:
    end_with_parent()
    run_in_real_time()
