"""What is to become of something that was just recorded: kept, heard, or spoken anew."""

from ivr.flows.dialogue import Ending, ask
from ivr.flows.session import Line, Session

KEEP, LISTEN, AGAIN = "1", "2", "3"


async def review(session: Session, menu: Line, sound: str, more_keys: str = "") -> str | None:
    """Ask by `menu` what is to become of it, playing `sound` as often as the caller wants to hear it.

    Returns KEEP, AGAIN or one of `more_keys`; None when the call is to be ended.
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
