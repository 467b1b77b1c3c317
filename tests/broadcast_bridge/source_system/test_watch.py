"""Waiting for news: a bulletin is fetched at once, and a province is not asked more often for it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from broadcast_bridge.source_system import source_watch
from broadcast_bridge.source_system.models import Source
from broadcast_bridge.source_system.province import Fault
from broadcast_bridge.source_system.source_watch import AGAIN_SECONDS, UNKNOWN_SECONDS, SourceWatch
from tests.broadcast_bridge.source_system.link import Link, text

DEADLINE = 20.0


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await holds():  # noqa: ASYNC110 - another process writes what is waited for
            await asyncio.sleep(0.05)


def watch(link: Link) -> SourceWatch:
    return SourceWatch(link.database, link.links)


async def test_news_make_the_exchange_due_at_once(link: Link) -> None:
    source = await link.exchange()
    assert source.next_poll_at is not None
    waiting = asyncio.create_task(watch(link).wait_once(link.source_id))
    link.province.issue(text())

    async def is_due() -> bool:
        return link.look(lambda session: session.scalar(sa.select(Source.next_poll_at))) is None

    await until(is_due)
    assert not waiting.done()  # until the exchange has moved on
    await link.exchange()
    assert await asyncio.wait_for(waiting, DEADLINE) == 0.0
    assert link.states() == {"b1": "offered"}


async def test_bulletin_arrives_while_the_worker_waits(link: Link) -> None:
    await link.exchange()
    link.look(lambda session: session.execute(sa.update(Source).values(poll_seconds=3600)))
    await link.exchange()
    tasks = [asyncio.create_task(link.links.run()), asyncio.create_task(watch(link).run())]
    try:

        async def is_watched() -> bool:
            return link.province.waiting > 0

        await until(is_watched)
        link.province.issue(text("b1"))

        async def has_arrived() -> bool:
            return link.states() == {"b1": "offered"}

        await until(has_arrived)
        assert link.province.logins == 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_source_that_does_not_know_the_request_is_not_asked_again(link: Link) -> None:
    await link.exchange()
    link.province.faults.append(("news", Fault.UNKNOWN))
    assert await watch(link).wait_once(link.source_id) == UNKNOWN_SECONDS


async def test_failing_source_is_waited_for_less_often(link: Link) -> None:
    await link.exchange()
    link.province.faults.append(("news", Fault.ERROR))
    assert await watch(link).wait_once(link.source_id) == AGAIN_SECONDS


async def test_source_that_answers_at_once_is_not_asked_without_end(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_watch, "WAIT_SECONDS", 0.0)
    await link.exchange()
    assert await watch(link).wait_once(link.source_id) == AGAIN_SECONDS


@pytest.mark.parametrize("dialect", ["device", "portal"])
async def test_other_dialects_are_asked_at_their_pace(link: Link, dialect: str) -> None:
    await link.exchange()
    assert await watch(link).wait_once(link.source_id) == UNKNOWN_SECONDS
