"""The verb `choose-zone`."""

from typing import ClassVar, Literal

from broadcast_bridge.zones import ALL_MY_ZONES, UnknownZone, ZoneNotAllowed
from ivr.dialogue import TRIES, Ending, ask
from ivr.node import Node
from ivr.session import Line, Session


class ChooseZone(Node):
    """Asks for a zone by its code, `*` meaning all zones of the official, until one can be used.

    A zone outside the official's rights is told apart from one that does not exist: who has signed in may know
    the district's zones, and must know whether to correct the code or to ask for the right. `refused` is taken
    after three codes that could not be used.

    {"id": "choose-zone", "verb": "choose-zone", "exits": {"chosen": "confirm", "refused": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"chosen", "refused"})
    waits_for_caller: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (
        "ask-zone",
        "unknown-zone",
        "zone-not-allowed",
        "no-zone-of-yours",
        "zone-unreachable",
    )

    verb: Literal["choose-zone"]

    def gives(self, exit_name: str) -> frozenset[str]:
        """The zone, and how many of its speakers are there."""
        return frozenset({"zone", "reachable", "total"} if exit_name == "chosen" else ())

    async def run(self, session: Session) -> str | None:
        """Ask until a zone with a reachable speaker was named."""
        official = session.the_official()
        session.zone = None
        before: list[Line] = []
        for _ in range(TRIES):
            reply = await ask(session, Line("ask-zone"), before=before)
            if reply.ending is not Ending.ANSWERED:
                return None
            try:
                zone = await session.desk.find_zone(official.id, reply.keys)
            except UnknownZone:
                before = [Line("unknown-zone", {"code": reply.keys})]
            except ZoneNotAllowed:
                mine = reply.keys == ALL_MY_ZONES
                before = [Line("no-zone-of-yours" if mine else "zone-not-allowed", {"code": reply.keys})]
            else:
                if zone.reachable:
                    session.zone = zone
                    return "chosen"
                before = [Line("zone-unreachable", {"zone": zone.name})]
            session.call.forget_keys()
        await session.call.say(*await session.sounds(*before))
        return "refused"
