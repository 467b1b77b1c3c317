"""Flows in use: each call gets the newest version at its start.

A version that cannot be used never takes the line down: the built-in flow replaces it, with an alarm.
"""

import asyncio
from functools import lru_cache

import sqlalchemy as sa
import structlog

from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Database
from haichieu.errors import message_of
from haichieu.locale import Message, message, render
from ivr.custom_flows.versions import BUILT_IN, FlowCheck, current_number, find_version
from ivr.flows.definition import Flow, delivered_flow, delivered_flows
from ivr.flows.mistakes import FlowMistakes

log = structlog.get_logger()

WHEN_UNKNOWN = "hotline"
"""Replaces the flow of a number when this program does not know it: callers can at least leave a message."""

_built_in = lru_cache(delivered_flow)


class FlowsInUse:
    """Reads versions on demand and caches sound ones."""

    def __init__(self, database: Database, check: FlowCheck) -> None:
        self._database = database
        self._check = check
        self._sound: dict[str, tuple[int, Flow]] = {}

    async def __call__(self, name: str) -> Flow:
        """Return the flow of a call."""
        return await asyncio.to_thread(self.now, name)

    def now(self, name: str) -> Flow:
        """Return the flow; blocks on the database."""
        if name not in delivered_flows():
            self._step_in(name, message("flow.alarm.unknown", instead=WHEN_UNKNOWN))
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
            self._step_in(name, message("flow.alarm.version_unusable", number=number, problem=_in_brief(problem)))
            return _built_in(name)
        self._sound[name] = (number, flow)
        with self._database.session() as session:
            alarm_is_over(session, AlarmKind.FLOW_DAMAGED, f"flow:{name}")
        return flow

    def _step_in(self, name: str, text: Message) -> None:
        """Raise the alarm that another flow is used. A failing database must not lose the call."""
        log.warning("flow.damaged", flow=name, problem=render(text, "en"))
        try:
            with self._database.session() as session:
                raise_alarm(session, AlarmKind.FLOW_DAMAGED, f"flow:{name}", text)
        except sa.exc.SQLAlchemyError:
            log.exception("alarm.not_raised")


def _in_brief(problem: Exception) -> Message:
    """Return the message of a problem; of several mistakes the first one and their number, to fit in an alarm."""
    if isinstance(problem, FlowMistakes) and len(problem.mistakes) > 1:
        first, *others = problem.mistakes
        return message("flow.alarm.first_mistake", mistake=first.message, count=len(others))
    return message_of(problem)
