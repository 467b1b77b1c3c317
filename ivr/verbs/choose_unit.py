"""The verb `choose-unit`."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from ivr.desks.protocols import CommuneSeen
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session

MOST_FORMER_NAMES = 3


class ChooseUnit(Node):
    """Determines the caller's commune, and asks only when neither an earlier call nor the number decides it.

    Communes are numbered in the order in which they are read out, each also with the names that it had before. Without
    a key the caller hears the bulletins for all of them. With `anew` it always asks.

    {"id": "commune", "verb": "choose-unit", "exits": {"chosen": "bulletins"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"chosen"})
    for_citizens: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = (
        "ask-commune",
        "commune-choice",
        "commune-formerly",
        "commune-chosen",
    )

    verb: Literal["choose-unit"]
    anew: bool = False

    def gives(self, exit_name: str) -> frozenset[str]:
        return frozenset({"unit"})

    async def run(self, session: Session) -> str | None:
        desk = session.require_citizens()
        known = None if self.anew else await desk.commune()
        if known is not None:
            session.commune = known
            return "chosen"
        whole, *communes = await desk.communes()
        session.commune = whole
        if not communes:
            return "chosen"
        keys = {str(number): commune for number, commune in enumerate(communes, 1)}
        reply = await ask(
            session,
            Line("ask-commune"),
            after=[line for key, commune in keys.items() for line in _read_out(commune, key)],
            max_digits=len(str(len(keys))),
            accepts=lambda pressed: pressed in keys or pressed.strip("0") == "",
            leave_on_silence=True,
        )
        if reply.ending is Ending.GAVE_UP:
            return None
        if chosen := keys.get(reply.keys):
            session.commune = chosen
            desk.lives_in(chosen)
        await session.say("commune-chosen", unit=session.commune.name)
        return "chosen"


def _read_out(commune: CommuneSeen, key: str) -> Iterator[Line]:
    yield Line("commune-choice", {"name": commune.name, "key": key})
    for name in commune.formerly[:MOST_FORMER_NAMES]:
        yield Line("commune-formerly", {"former": name, "name": commune.name, "key": key})
