"""Baresip as a loudspeaker: a telephone that other people have written."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from haichieu.demo.trial_station import free_port

MODULES = ("g722.so", "g711.so", "aubridge.so", "sndfile.so")
CODECS = {"g722": "G722/16000/1", "alaw": "PCMA/8000/1", "ulaw": "PCMU/8000/1"}
LOCAL = "127.0.0.1"


@asynccontextmanager
async def baresip(server: str, name: str, secret: str, folder: Path, *codecs: str) -> AsyncIterator[Path]:
    """Run a Baresip that registers and answers by itself; yields the folder with a `dump-*-dec.wav` of each call.

    It knows `codecs` only, and sends back what it hears.
    """
    _configure(server, name, secret, folder, codecs)
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "baresip", "-f", str(folder), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield folder
    finally:
        process.terminate()
        await process.wait()


def _configure(server: str, name: str, secret: str, folder: Path, codecs: Sequence[str]) -> None:
    folder.mkdir()
    settings = [
        f"net_interface {LOCAL}", f"sip_listen {LOCAL}:{free_port(socket.SOCK_DGRAM)}",
        "module_path /usr/lib/baresip/modules", *(f"module {name}" for name in MODULES), "module_app account.so",
        "module_app menu.so", "audio_source aubridge,echo", "audio_player aubridge,echo", f"snd_path {folder}",
    ]  # fmt: skip
    (folder / "config").write_text("\n".join(settings) + "\n")
    (folder / "contacts").touch()
    spoken = ",".join(CODECS[codec] for codec in codecs)
    account = f"<sip:{name}@{server}>;auth_user={name};auth_pass={secret};answermode=auto;audio_codecs={spoken}"
    (folder / "accounts").write_text(account + "\n")
