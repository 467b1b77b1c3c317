"""Outgoing calls: a number is reached by the first of its routes whose carrier does its part."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriRefused, NotAnswered
from haichieu.phone_numbers import as_dialled, normalise

log = structlog.get_logger()

SIGN_SECONDS = 10.0
"""A carrier that has neither rung nor played anything for this long is given up, if there is another one."""

CARRIERS_FAULT = frozenset({NotAnswered.SILENT, NotAnswered.UNREACHABLE, 3, 27, 34, 38, 41, 42, 44, 47, 102})
"""Q.850 causes that say nothing about the person called. Asterisk makes them of SIP 408 and 5xx, and of an address
that it cannot reach."""


@dataclass(frozen=True)
class Leg:
    """One way of calling a number: an endpoint, and the number that is shown there."""

    endpoint: str
    our_number: str = ""
    """The number that is shown if the call does not ask for another one."""
    fixed_number: str = ""
    """The only number that the carrier lets us show."""
    prefix_rules: Sequence[Sequence[str]] = ()
    """How the carrier writes numbers; see `haichieu.phone_numbers.as_dialled`."""
    is_withheld: bool = False
    """Whether the carrier is asked to hide the number (RFC 3323)."""

    def shown(self, number: str) -> str:
        """Return what to show for `number`, one of ours; empty if the station has no number."""
        own = number or self.our_number
        return self.fixed_number or as_dialled(normalise(own) or own, self.prefix_rules)


@asynccontextmanager
async def dial(
    client: AriClient,
    legs: Sequence[Leg],
    *,
    timeout: float,
    caller_number: str = "",
    called_number: str = "",
) -> AsyncIterator[Call]:
    """Call by the first leg that works and yield the answered call; it is hung up at the end of the block.

    `timeout` is in seconds, for each leg; `caller_number` is the one of our numbers to show. Raises NotAnswered with
    the Q.850 cause of the last leg.
    """
    async with AsyncExitStack() as stack:
        for others, leg in zip(range(len(legs) - 1, -1, -1), legs, strict=True):
            attempt = dial_one(
                client,
                leg.endpoint,
                timeout=timeout,
                caller_number=leg.shown(caller_number),
                called_number=called_number,
                is_withheld=leg.is_withheld,
                sign_seconds=SIGN_SECONDS if others else None,
            )
            try:
                call = await stack.enter_async_context(attempt)
                break
            except (NotAnswered, AriRefused) as problem:
                if not others or (isinstance(problem, NotAnswered) and problem.cause not in CARRIERS_FAULT):
                    raise
                log.warning("call.next_carrier", legs_left=others, problem=type(problem).__name__)
        yield call


@asynccontextmanager
async def dial_one(
    client: AriClient,
    endpoint: str,
    *,
    timeout: float,
    caller_number: str = "",
    called_number: str = "",
    is_withheld: bool = False,
    sign_seconds: float | None = None,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[Call]:
    """Call an endpoint and yield the answered call; it is hung up at the end of the block.

    `timeout` and `sign_seconds` (see `Call.answered`) are in seconds. Raises NotAnswered with the Q.850 cause.
    """
    call = Call(client, f"out-{uuid.uuid4().hex}", normalise(called_number), called_number)
    shows = {**_shows(caller_number, is_withheld=is_withheld), **(variables or {})}
    async with call:
        try:
            async with asyncio.timeout(timeout + 1.0):
                await call.place(endpoint, role="outbound", timeout=timeout, variables=shows)
                await call.answered(sign_seconds)
        except TimeoutError:
            raise NotAnswered(NotAnswered.NO_ANSWER, "no answer") from None
        await call.leave_dial_bridge()
        yield call


def _shows(number: str, *, is_withheld: bool) -> dict[str, str]:
    """Return the variables that make `number` the caller id of a channel that is about to be dialled."""
    if not number:
        return {}
    presentation = "prohib" if is_withheld else "allowed"
    return {
        "CALLERID(num)": number,
        "CALLERID(num-pres)": presentation,
        "CONNECTEDLINE(num,i)": number,
        "CONNECTEDLINE(num-pres,i)": presentation,
    }
