"""Background work: it ends with its block, and restarts after a failure."""

import asyncio

import pytest

from haichieu import background
from haichieu.background import Tasks, for_ever, kept_going, retried


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


async def test_work_without_end_survives_every_error_but_not_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.0)
    begun = asyncio.Queue[None]()

    async def weak() -> None:
        begun.put_nowait(None)
        raise ZeroDivisionError

    working = asyncio.create_task(for_ever(weak))
    for _ in range(3):
        await asyncio.wait_for(begun.get(), 10)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_only_the_named_problems_are_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", (0.0,))
    answers = iter([OSError(), OSError(), "written", ZeroDivisionError()])

    async def write() -> str:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    assert await retried(write, OSError) == "written"
    with pytest.raises(ZeroDivisionError):
        await retried(write, OSError)


async def test_a_failing_task_ends_neither_the_others_nor_their_owner() -> None:
    goes_on, ended = asyncio.Event(), asyncio.Event()

    async def call() -> None:
        try:
            await goes_on.wait()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        raise ZeroDivisionError

    async with Tasks() as calls:
        calls.begin(call())
        calls.begin(fail())
        assert await asyncio.wait_for(calls.room(2), 10) == 1
        goes_on.set()
        assert not ended.is_set()
    assert ended.is_set()
