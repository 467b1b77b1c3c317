"""Background work: it ends with its block, and restarts after a failure."""

import asyncio

import pytest

from haichieu import background
from haichieu.background import kept_going


async def test_what_fails_is_begun_again_and_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.01)
    begun, other = 0, 0
    works, ended = asyncio.Event(), False

    async def weak() -> None:
        nonlocal begun, ended
        begun += 1
        if begun < 3:
            raise RuntimeError("the database is away")
        works.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    async def steady() -> None:
        nonlocal other
        other += 1
        await asyncio.Event().wait()

    async with kept_going(weak, steady):
        await asyncio.wait_for(works.wait(), 10)
    assert (begun, other, ended) == (3, 1, True)
