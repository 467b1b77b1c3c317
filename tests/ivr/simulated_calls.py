"""Builders for calls to the officials' line: a caller with a script, a desk with one official and three zones."""

import datetime
from typing import Any

from ivr.flows.definition import Flow, delivered_flow
from ivr.flows.interpreter import FlowEnd, run_flow
from ivr.flows.session import LastReport, Session, ZoneSeen
from ivr.prompts.prompt_texts import PromptTexts
from ivr.simulator.simulator import SimulatedCall, SimulatedDesk, WrittenPrompts

TEXTS = PromptTexts.delivered()
KNOWN = "+84912000001"
STRANGER = "+84987654321"
CO_BA = ZoneSeen("11", "Cô Ba", reachable=11, total=12)
SILENT_ZONE = ZoneSeen("13", "Hồng Trị", reachable=0, total=4)
WHOLE_DISTRICT = ZoneSeen("99", "Toàn huyện", reachable=30, total=33)
REPORT = LastReport("Cô Ba", datetime.datetime(2026, 11, 24, 17, 0), 11, 12, ("Cụm loa Cô Ba 2",))


def desk(**changes: Any) -> SimulatedDesk:
    """A desk with zones 11, 13 (no speaker there) and 99; zone 12 belongs to another official."""
    zones = {zone.keys: zone for zone in (CO_BA, SILENT_ZONE, WHOLE_DISTRICT)}
    return SimulatedDesk(**{"zones": zones, "forbidden_zones": frozenset({"12"})} | changes)


def session(call: SimulatedCall, at_desk: SimulatedDesk | None = None, language: str = "vi", **more: Any) -> Session:
    return Session(call, WrittenPrompts(TEXTS), at_desk or desk(), language, **more)


async def place_call(
    *keys: str,
    caller: str | None = KNOWN,
    at_desk: SimulatedDesk | None = None,
    flow: Flow | None = None,
    hang_up_at: int | None = None,
    language: str = "vi",
    **more: Any,
) -> tuple[SimulatedCall, FlowEnd]:
    """Run a whole call, to the officials' line unless another flow is given."""
    call = SimulatedCall(keys, caller_number=caller, hang_up_at=hang_up_at)
    end = await run_flow(flow or delivered_flow("official-line"), session(call, at_desk, language, **more))
    return call, end


def said(key: str, language: str = "vi", /, **values: str | int) -> str:
    """The sentence of a prompt."""
    return TEXTS.render(key, language, values)
