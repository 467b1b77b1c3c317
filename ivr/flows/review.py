"""Review of a new recording by the caller: keep, listen, or record again."""

from ivr.flows.dialogue import Ending, ask
from ivr.flows.session import Line, Session

KEEP, LISTEN, AGAIN = "1", "2", "3"


async def review(session: Session, menu: Line, sound: str, more_keys: str = "") -> str | None:
    """Ask with `menu`, playing `sound` as often as the caller wants.

    Return KEEP, AGAIN or one of `more_keys`; None to end the call.
    """
    played: list[str] = []
    while True:
        reply = await ask(
            session,
            menu,
            played=played,
            max_digits=1,
            terminator="",
            accepts=lambda key: key in KEEP + LISTEN + AGAIN + more_keys,
        )
        if reply.ending is not Ending.ANSWERED:
            return None
        if reply.keys != LISTEN:
            return reply.keys
        played = [sound]
