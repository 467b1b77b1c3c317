"""Questions about a speaker at its pole: its code, and what is wrong with it."""

from collections.abc import Awaitable, Callable

from broadcast_bridge.repairs.errors import PoleElsewhere, PoleRefused, PoleRetired, WrongPoleCode
from broadcast_bridge.repairs.states import KEYED, Fault
from ivr.desks.repair_protocols import PoleOfAnotherLine, PoleSeen
from ivr.flows.dialogue import TRIES, Ending, Reply, ask
from ivr.flows.session import Line, Session

NO_CODE = "0"
AGAIN = "*"
CODE_SENTENCES = (
    *("pole-mistyped", "pole-unknown", "pole-elsewhere", "pole-elsewhere-call", "pole-retired"),
    "pole-no-more-tries",
)
FAULT_SENTENCES = ("fault-menu",)


async def ask_pole(
    session: Session, question: str, find: Callable[[str], Awaitable[PoleSeen]]
) -> PoleSeen | Ending | None:
    """Ask for a code until it leads to a speaker; return None without a code or after three wrong ones."""
    before: list[Line] = []
    for _ in range(TRIES):
        reply = await ask(session, Line(question), before=before, first_digit_seconds=10.0)
        if reply.ending is not Ending.ANSWERED:
            return reply.ending
        if reply.keys.strip(AGAIN) in ("", NO_CODE):
            return None
        try:
            return await find(reply.keys)
        except WrongPoleCode:
            before = [Line("pole-mistyped")]
        except PoleOfAnotherLine as other:
            whom = {"unit": other.unit, "number": other.number}
            before = [Line("pole-elsewhere"), Line("pole-elsewhere-call", whom)]
        except PoleElsewhere:
            before = [Line("pole-elsewhere")]
        except PoleRetired:
            before = [Line("pole-retired")]
        except PoleRefused:
            before = [Line("pole-unknown")]
        session.call.forget_keys()
    await session.call.say(*await session.sounds(*before, Line("pole-no-more-tries")))
    return None


async def ask_fault(session: Session, pole: PoleSeen) -> Fault | Ending | None:
    """Ask what is wrong with a speaker; return None when the caller wants another one."""
    reply: Reply = await ask(
        session,
        Line("fault-menu", {"speaker": pole.name}),
        max_digits=1,
        terminator="",
        accepts=lambda key: key in KEYED or key == AGAIN,
    )
    if reply.ending is not Ending.ANSWERED:
        return reply.ending
    return KEYED.get(reply.keys)
