"""The two parts of the worker that work on a link, in a process that is killed in one of their steps.

A step is a transaction, a request to the province, or storing a sound. The process is killed before it is done for good
(`within`) or as soon as it is (`after`); nothing of the product knows about it.
"""

import asyncio
import inspect
import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import TypeVar

import aiohttp
from sqlalchemy.orm import Session

from broadcast_bridge.source_system.bulletin_desk import BulletinDesk
from broadcast_bridge.source_system.http_wire import HttpWire
from broadcast_bridge.source_system.source_links import SourceLinks
from haichieu.database import Database
from haichieu.media import MediaStore, Stored
from haichieu.vault import Vault
from tests.broadcast_bridge.source_system.link import KEY, Voice
from tests.every_table import load_every_table

T = TypeVar("T")
WITHIN, AFTER = "within", "after"


class Steps:
    """Notes each step in a file, and kills the process at the one that `kill_at` names."""

    def __init__(self, seen: Path, kill_at: str) -> None:
        self._seen = seen
        self._kill_at = kill_at

    def reached(self, step: str, moment: str) -> None:
        name = f"{step} {moment}"
        with self._seen.open("a") as file:
            file.write(f"{name}\n")
        if name == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class WatchedDatabase(Database):
    """A database whose transactions are steps, named after the function that works in them."""

    steps: Steps

    async def run(self, work: Callable[[Session], T]) -> T:
        step = _name(work)

        def watched(session: Session) -> T:
            result = work(session)
            session.flush()
            self.steps.reached(step, WITHIN)
            return result

        result = await super().run(watched)
        self.steps.reached(step, AFTER)
        return result


class WatchedStore(MediaStore):
    """A media store in which storing a sound is a step."""

    steps: Steps

    def put(self, wav: Path, wideband: Path | None = None) -> Stored:
        stored = super().put(wav, wideband)
        self.steps.reached("store sound", AFTER)
        return stored


def watch_requests(steps: Steps) -> None:
    """Make every request to the province a step: before it is sent, and when its answer is here."""
    ask, save = HttpWire._ask, HttpWire._save

    async def watched_ask(wire: HttpWire, method: str, path: str, *args: object, **more: object) -> object:
        body = more.get("body")
        about = (body.get("type") or body.get("LoaiNhatKy")) if isinstance(body, dict) else None
        step = f"{method} {path} {about}" if about else f"{method} {path}"
        steps.reached(step, WITHIN)
        answer = await ask(wire, method, path, *args, **more)  # type: ignore[arg-type]
        steps.reached(step, AFTER)
        return answer

    async def watched_save(wire: HttpWire, *args: object) -> None:
        steps.reached("GET sound", WITHIN)
        await save(wire, *args)  # type: ignore[arg-type]
        steps.reached("GET sound", AFTER)

    HttpWire._ask, HttpWire._save = watched_ask, watched_save  # type: ignore[method-assign,assignment]


def _name(work: Callable[[Session], object]) -> str:
    """Return the name of the function behind a transaction; a lambda has that of its method and object."""
    while isinstance(work, partial):
        work = work.func
    outer, _, own = str(getattr(work, "__qualname__", "")).rpartition(".")
    if own != "<lambda>":
        return own
    owner, _, method = outer.removesuffix(".<locals>").rpartition(".")
    around = inspect.getclosurevars(work).nonlocals.get("self")
    return f"{owner if around is None else type(around).__name__}.{method}"


def work(url: str, folder: Path, seen: Path, kill_at: str) -> None:
    """Exchange with the province once, and do the jobs of bulletins that are due."""
    load_every_table()
    steps = Steps(seen, kill_at)
    watch_requests(steps)
    database, store = WatchedDatabase(url), WatchedStore(folder, 1)
    database.steps = store.steps = steps
    links = SourceLinks(database, Vault(KEY))
    asyncio.run(_work(links, BulletinDesk(database, store, Voice(), links.wire_to)))
    database.close()


async def _work(links: SourceLinks, desk: BulletinDesk) -> None:
    async with aiohttp.ClientSession() as links._client:
        await links.step()
        while await desk.step():
            pass


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


def process(url: str, folder: Path, seen: Path, kill_at: str) -> ForkServerProcess:
    """Return a process that does that work."""
    return _PROCESSES.Process(target=work, args=(url, folder, seen, kill_at))
