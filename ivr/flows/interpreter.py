"""Interpreter: takes a caller through a flow, node by node, until one side hangs up."""

import contextlib
from collections.abc import Callable
from enum import StrEnum

import structlog

from haichieu.ari.errors import CallEnded
from haichieu.errors import HaiChieuError
from ivr.flows.definition import Flow
from ivr.flows.expecting import expect_live
from ivr.flows.session import NotKnownYet, Session

log = structlog.get_logger()

MOST_STEPS = 1000
"""Nodes per call: hours of use by a person, a moment for an endless loop."""


class FlowEnd(StrEnum):
    """The end of a run of a flow."""

    COMPLETED = "completed"
    CALLER_LEFT = "caller_left"
    FAILED = "failed"


async def run_flow(flow: Flow, session: Session, entered: Callable[[str], None] = lambda _: None) -> FlowEnd:
    """Answer the call, run the flow and hang up; return how it ended. `entered` is called with each node.

    A caller who hangs up ends the run at once. An internal error is logged, and the caller hears an apology.
    Cancellation passes through: the owner of the call ends it.
    """
    try:
        if not session.called_back:
            await session.call.answer()
        await _walk(flow, session, entered)
        await session.call.hang_up()
    except CallEnded:
        return FlowEnd.CALLER_LEFT
    except Exception:
        log.exception("flow.failed", flow=flow.flow)
        with contextlib.suppress(HaiChieuError):
            await session.say("technical-failure")
        with contextlib.suppress(HaiChieuError):
            await session.call.hang_up()
        return FlowEnd.FAILED
    finally:
        session.desk.expect_nothing()
    return FlowEnd.COMPLETED


async def _walk(flow: Flow, session: Session, entered: Callable[[str], None]) -> None:
    nodes = {node.id: node for node in flow.nodes}
    here = flow.call_back_entry if session.called_back else flow.start
    if here is None:
        raise NotKnownYet(f"the flow {flow.flow} does not say where a call-back begins")
    for _ in range(MOST_STEPS):
        entered(here)
        expect_live(nodes[here], nodes, session)
        taken = await nodes[here].run(session)
        log.debug("flow.node_left", flow=flow.flow, node=here, exit=taken)
        if taken is None:
            return
        here = nodes[here].exits[taken]
    log.warning("flow.too_many_steps", flow=flow.flow, steps=MOST_STEPS)
    await session.say("goodbye")
