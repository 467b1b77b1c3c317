"""Baresip as a loudspeaker: a SIP telephone by other developers that registers, answers by itself and records.

`async with BaresipSpeaker(…) as speaker: await speaker.registered()`; `speaker.heard()` is everything it decoded.
"""

import asyncio
import contextlib
import os
import re
import shutil
import struct
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from haichieu.audio.sound import FULL_SCALE, HEADER_BYTES, Sound
from haichieu.demo.event_process import ChildEnded, EventMissing
from haichieu.demo.loopback_sockets import keep_to_loopback
from haichieu.process_control import be_killed_with_parent, end_with_parent, run_in_real_time

PROGRAM = "baresip"
LOOPBACK = "127.0.0.1"
CODECS = {"g722": "G722/16000/1", "alaw": "PCMA/8000/1", "ulaw": "PCMU/8000/1"}
MODULES = ("g711.so", "g722.so", "aubridge.so", "sndfile.so")
APPLICATIONS = ("account.so", "menu.so")
TELEPHONE_RATE = 8000
RATE_AT = 24
"""Where the header of a WAV file has the sample rate."""
STOP_SECONDS = 3.0
"""Baresip waits for the answer to its last REGISTER, half a minute if the server is gone."""
_REGISTERED = re.compile(r" 200 .*\[\d+ binding")
_OPENED = re.compile(r"baresip is ready|sndfile: dumping")
"""Lines after which it has new sockets: one at the start, and one for each call."""


def installed_version() -> str | None:
    """Return the version of the installed Baresip, or None without a Baresip that has the necessary modules."""
    program = shutil.which(PROGRAM)
    if program is None or not all((_modules(program) / name).exists() for name in (*MODULES, *APPLICATIONS)):
        return None
    usage = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    found = re.search(r"v(\d[\w.]*)", usage.stdout + usage.stderr)
    return found[1] if found else None


def configuration(
    server: str, id: str, password: str, folder: Path, modules: Path, codecs: Sequence[str], expires: int
) -> dict[str, str]:
    """Return the content of Baresip's configuration files by name.

    Id and password may consist of letters, digits and hyphens. It listens on a free loopback port, registers every
    `expires` seconds, knows `codecs` only, and sends back what it hears: without a source of sound it sends nothing.
    """
    settings = [
        f"net_interface {LOOPBACK}",
        f"sip_listen {LOOPBACK}:0",
        f"module_path {modules}",
        *(f"module {name}" for name in MODULES),
        *(f"module_app {name}" for name in APPLICATIONS),
        "audio_source aubridge,echo",
        "audio_player aubridge,echo",
        f"snd_path {folder}",
    ]
    spoken = ",".join(CODECS[codec] for codec in codecs)
    account = [
        f"<sip:{id}@{server}>",
        f"auth_user={id}",
        f"auth_pass={password}",
        "answermode=auto",
        f"audio_codecs={spoken}",
        f"regint={expires}",
    ]
    # Without a list of contacts Baresip would write one with examples.
    return {"config": "\n".join(settings) + "\n", "accounts": ";".join(account) + "\n", "contacts": ""}


class BaresipSpeaker:
    """One Baresip in a separate process; an asynchronous context manager that ends it.

    Its configuration and the recording of each call are in `folder`, which must not exist yet.
    """

    def __init__(
        self,
        *,
        server: str,
        id: str,
        password: str,
        folder: Path,
        codecs: Sequence[str] = ("alaw",),
        expires: int = 30,
    ) -> None:
        self._folder = folder
        self._account = (server, id, password)
        self._codecs, self._expires = codecs, expires
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._known = asyncio.Event()
        self.lines: deque[str] = deque(maxlen=20)
        """The last lines that it printed."""

    async def __aenter__(self) -> Self:
        program = shutil.which(PROGRAM)
        if program is None:
            raise ChildEnded("demo.child_not_started", program=PROGRAM)
        self._folder.mkdir(mode=0o700)
        files = configuration(*self._account, self._folder, _modules(program), self._codecs, self._expires)
        for name, content in files.items():
            (self._folder / name).write_text(content)
        # A terminal, since it keeps back what it prints into a pipe.
        ours, its = os.openpty()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(program, "-f", str(self._folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=its,
                stderr=its,
                env={**os.environ, "HOME": str(self._folder)},
                preexec_fn=_be_tied_to_parent,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(its)
        self._reader = asyncio.create_task(self._read(ours))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id. Raises ChildEnded before the start."""
        return self._started().pid

    async def registered(self, timeout: float = 10.0) -> None:
        """Wait until the server knows it. Raises EventMissing after `timeout` seconds, ChildEnded when it is gone."""
        ended = asyncio.create_task(self._started().wait())
        known = asyncio.create_task(self._known.wait())
        try:
            await asyncio.wait({ended, known}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if self._known.is_set():
                return
            said = " ".join(self.lines)
            if ended.done():
                raise ChildEnded("demo.child_ended", program=PROGRAM, status=str(ended.result()), errors=said)
            raise EventMissing("demo.event_missing", events="registered", seconds=float(timeout), last=said)
        finally:
            ended.cancel()
            known.cancel()

    def heard(self) -> Sound:
        """Return the sound of all calls so far, one after the other, also of one that is not over."""
        calls = [recorded(file) for file in sorted(self._folder.glob("dump-*-dec.wav"))]
        sounds = [call for call in calls if call is not None]
        if not sounds:
            return Sound(np.zeros(0, np.float32), TELEPHONE_RATE)
        return Sound(np.concatenate([sound.samples for sound in sounds]), sounds[0].rate)

    async def stop(self) -> int:
        """Stop it with SIGTERM, then SIGKILL; return the exit status. Calling it again does nothing."""
        process = self._started()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
        status = await process.wait()
        if self._reader is not None:
            await self._reader
        return status

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise ChildEnded("demo.child_not_started", program=PROGRAM)
        return self._process

    async def _read(self, terminal: int) -> None:
        """Take what it prints until it ends."""
        stream = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(stream)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(terminal, "rb", buffering=0))
        try:
            with contextlib.suppress(OSError):  # how a terminal ends
                async for raw in stream:
                    line = raw.decode(errors="replace").strip()
                    self.lines.append(line)
                    if _OPENED.search(line):
                        keep_to_loopback(self.pid)
                    if _REGISTERED.search(line):
                        self._known.set()
        finally:
            transport.close()


def recorded(file: Path) -> Sound | None:
    """Return the sound of one call, or None before its first sample.

    Baresip writes the length into the header when the call ends, so the samples are counted by the file's size.
    """
    content = file.read_bytes()
    samples = np.frombuffer(content[HEADER_BYTES : len(content) - len(content) % 2], "<i2")
    if not len(samples):
        return None
    [rate] = struct.unpack_from("<I", content, RATE_AT)
    return Sound((samples / FULL_SCALE).astype(np.float32), rate)


def _modules(program: str) -> Path:
    return Path(program).resolve().parents[1] / "lib/baresip/modules"


def _be_tied_to_parent() -> None:
    end_with_parent()
    be_killed_with_parent()
    run_in_real_time()
