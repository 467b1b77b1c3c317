"""The flows that calls follow: asked for at the start of each call, so that a new version holds for the next one.

A version that cannot be followed never takes the line down: the flow that comes with the program steps in, and an
alarm says so.
"""

import asyncio
from functools import lru_cache

import sqlalchemy as sa
import structlog

from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database
from haichieu.locale import Message
from ivr.custom_flows.checking import FlowCheck
from ivr.custom_flows.numbers import BUILT_IN, current_number, find_version
from ivr.flows.definition import Flow, delivered_flow, delivered_flows

log = structlog.get_logger()

WHEN_UNKNOWN = "hotline"
"""Followed by calls to a number whose flow this program does not know: somebody can at least leave a message."""

_built_in = lru_cache(delivered_flow)


class FlowsInUse:
    """Reads versions when they are asked for and keeps those that were found sound."""

    def __init__(self, database: Database, check: FlowCheck) -> None:
        self._database = database
        self._check = check
        self._sound: dict[str, tuple[int, Flow]] = {}

    async def __call__(self, name: str) -> Flow:
        """Return the flow that a call is to follow from here to its end."""
        return await asyncio.to_thread(self.now, name)

    def now(self, name: str) -> Flow:
        """Return it, from a thread in which one may wait for the database."""
        if name not in delivered_flows():
            self._step_in(
                name, f"Không có kịch bản này, đài dùng {WHEN_UNKNOWN}. / No such flow: {WHEN_UNKNOWN} is used."
            )
            return self.now(WHEN_UNKNOWN)
        with self._database.reading() as session:
            number = current_number(session, name)
            if number == BUILT_IN:
                return _built_in(name)
            kept_number, flow = self._sound.get(name, (BUILT_IN, None))
            if flow is not None and kept_number == number:
                return flow
            definition = find_version(session, name, number)
        try:
            flow = self._check.require_sound(name, definition)
        except Exception as problem:
            self._step_in(
                name,
                f"Bản số {number} không dùng được, đài dùng bản có sẵn: {_half(problem, 0)} / "
                f"Version {number} cannot be used, the built-in one is: {_half(problem, 1)}",
            )
            return _built_in(name)
        self._sound[name] = (number, flow)
        with self._database.session() as session:
            alarm_is_over(session, AlarmKind.FLOW_DAMAGED, f"flow:{name}")
        return flow

    def _step_in(self, name: str, text: str) -> None:
        """Say that another flow steps in; a call is not lost because that could not be written down."""
        log.warning("flow.damaged", flow=name, problem=text)
        try:
            with self._database.session() as session:
                raise_alarm(session, AlarmKind.FLOW_DAMAGED, f"flow:{name}", Message.verbatim(text))
        except sa.exc.SQLAlchemyError:
            log.exception("alarm.not_raised")


def _half(problem: Exception, side: int) -> str:
    """The first mistake in Vietnamese (0) or English (1)."""
    first, _, _ = str(problem).partition("\n")
    return first.split(" / ")[min(side, first.count(" / "))][:300]
