"""Kill campaign: faults of all kinds in a station that takes calls and texts, answers and broadcasts.

`python -m tests.campaigns.kills --faults 200 --seed 1 --database postgresql` prints each fault, and at the end, also
when it is interrupted, a table of counts. Exit status 1 if anything was lost, doubled, anonymous by mistake or stuck,
or if a call was not answered within five seconds of the last fault. The disk is not filled: that needs a file system
of its own.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
import urllib.error
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from feedback.job_kinds import SEND_SIP_TEXT, SEND_TEXT
from haichieu.database import now
from haichieu.demo.event_process import EventProcessError
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.jobs import Job, JobState
from tests.campaigns.callers import HOTLINE, Callers
from tests.campaigns.faults import DatabaseAway, Faults
from tests.campaigns.kill_counts import Counts, count, stuck
from tests.campaigns.office import Office
from tests.crashes.pausing import locked_database
from tests.postgres import PostgresCluster, private_cluster
from tests.station.scene import Scene
from tests.station.stations import SPEAKERS, cut_speeches, started

CALLERS = 3
GATEWAY = "0912345678"
LAST_CALLER = "+84977999999"
QUIET_SECONDS = 240.0
"""Longer than the lease of a text (two minutes), which ends before another process sends it."""
QUIET_LOOK_SECONDS = 5.0
LAST_CALL_SECONDS = 60.0
SETTINGS = {"daily_receipts": 100_000, "daily_answer_texts": 100_000}

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """The extent of a campaign: faults, and the most seconds in which they are injected."""

    faults: int = 200
    seed: int = 1
    seconds: float = 600.0


async def campaign(folder: Path, plan: Plan, cluster: PostgresCluster | None, counts: Counts, tell: Tell) -> None:
    """Start a station on PostgreSQL, or on SQLite without a cluster; break it, and fill in the counts."""
    with ExitStack() as stack:
        settings: dict[str, str | int | float] = dict(SETTINGS)
        url = stack.enter_context(cluster.database()) if cluster is not None else ""
        if url:
            settings["database_url"] = url
        async with started(folder, cut_speeches(folder), texts=True, **settings) as scene:

            def database_away() -> AbstractContextManager[None]:
                return cluster.away(url) if cluster is not None else locked_database(scene.station.database)

            for code in SPEAKERS:
                await scene.speaker(code)
            await _broken(scene, plan, counts, database_away, tell)


async def _broken(scene: Scene, plan: Plan, counts: Counts, database_away: DatabaseAway, tell: Tell) -> None:
    office = Office(scene, await scene.outside(GATEWAY), plan.seed)
    callers, faults = Callers(scene, plan.seed), Faults(scene, plan.seed, database_away)
    await asyncio.to_thread(office.prepare)
    await asyncio.to_thread(callers.prepare)
    counts.faults = faults.injected
    last_caller = SoftPhone(server=scene.station.server, caller_number=LAST_CALLER)
    await (await scene.stack.enter_async_context(last_caller)).ready(30)
    began = time.monotonic()
    try:
        async with _at_work(callers, office):
            await faults.inject(plan.faults, began + plan.seconds, tell)
            counts.seconds = time.monotonic() - began
            counts.answered_after = await _answered(last_caller, faults.last_at)
            tell(f"a call was answered {counts.answered_after} s after the last fault")
        await _until_quiet(scene, tell)
        counts.finished = True
        counts.answered_in_peace = await _answered(last_caller, time.monotonic())
    finally:
        counts.seconds = counts.seconds or time.monotonic() - began
        count(counts, scene, callers, office)


@asynccontextmanager
async def _at_work(callers: Callers, office: Office) -> AsyncIterator[None]:
    """Call, text, answer and broadcast during the block; a worker that fails fails the campaign."""
    work = [
        *(callers.keep_calling(caller) for caller in range(CALLERS)),
        office.keep_texting(),
        office.keep_answering(),
        office.keep_broadcasting(),
    ]
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _answered(phone: SoftPhone, since: float) -> float | None:
    """Call the hotline until it answers; return the seconds since then, None if it does not for a minute."""
    deadline = since + LAST_CALL_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            await phone.call(HOTLINE, left)
        except EventProcessError:
            await asyncio.sleep(0.2)
            continue
        answered = time.monotonic() - since
        with contextlib.suppress(EventProcessError):
            await phone.hang_up()
            await phone.ended()
        return answered
    return None


async def _until_quiet(scene: Scene, tell: Tell) -> None:
    """Wait until nothing is left to do; texts that wait for another attempt are tried at once."""
    deadline, told = time.monotonic() + QUIET_SECONDS, 0
    while time.monotonic() < deadline:
        left = await asyncio.to_thread(_left, scene)
        if not left:
            return
        if len(left) != told:
            tell(f"waits for {len(left)}: {', '.join(left[:3])}")
        told = len(left)
        await asyncio.sleep(QUIET_LOOK_SECONDS)


def _left(scene: Scene) -> list[str]:
    try:
        with scene.station.database.session() as session:
            waiting = Job.kind.in_([SEND_SIP_TEXT, SEND_TEXT]), Job.state == JobState.WAITING
            session.execute(sa.update(Job).where(*waiting, Job.due_at > now()).values(due_at=now()))
        return stuck(scene)
    except (sa.exc.DBAPIError, urllib.error.URLError, OSError) as problem:
        return [f"the station: {problem}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign and print its counts; return 1 if there is anything bad in them."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.kills", description=__doc__)
    parser.add_argument("--faults", type=int, default=Plan.faults)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="the most in which faults are injected")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args(arguments)
    plan, counts = Plan(given.faults, given.seed, given.seconds), Counts(given.seed, given.database)

    def tell(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)

    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="haichieu-kills-")))
            cluster = stack.enter_context(private_cluster()) if given.database == "postgresql" else None
            if cluster is not None:
                cluster.make_template()
            asyncio.run(campaign(folder, plan, cluster, counts, tell))
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        print(counts.table(), flush=True)
    return 1 if counts.bad else 0


if __name__ == "__main__":
    sys.exit(main())
