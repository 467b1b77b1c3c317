"""The verb `choose-zone`."""

from typing import ClassVar, Literal

from broadcast_bridge.speakers.zones import ALL_MY_ZONES, UnknownZone, ZoneNotAllowed
from ivr.flows.dialogue import TRIES, Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session, ZoneSeen

ZONE_SENTENCES = ("ask-zone", "unknown-zone", "zone-not-allowed", "no-zone-of-yours")


class ChooseZone(Node):
    """Asks for a zone by its code, `*` meaning all zones of the official, until one can be used.

    A zone outside the official's rights and an unknown one get different prompts: an official who has signed in may
    know the district's zones, and needs to know whether to correct the code or to request the right. `refused` is taken
    after three codes that could not be used.

    {"id": "choose-zone", "verb": "choose-zone", "exits": {"chosen": "confirm", "refused": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"chosen", "refused"})
    waits_for_caller: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"official"})
    sentences: ClassVar[tuple[str, ...]] = (*ZONE_SENTENCES, "zone-unreachable")

    verb: Literal["choose-zone"]

    def gives(self, exit_name: str) -> frozenset[str]:
        return frozenset({"zone", "reachable", "total"} if exit_name == "chosen" else ())

    async def run(self, session: Session) -> str | None:
        session.zone = None
        session.take_requested_priority()  # it was requested for another zone, and confirmed there
        chosen = await ask_zone(session, must_be_reachable=True)
        if isinstance(chosen, ZoneSeen):
            session.zone = chosen
            return "chosen"
        return "refused" if chosen is None else None


async def ask_zone(session: Session, *, must_be_reachable: bool) -> ZoneSeen | Ending | None:
    """Ask for a zone; None after three that could not be used, an Ending to end the call."""
    official = session.require_official()
    before: list[Line] = []
    for _ in range(TRIES):
        reply = await ask(session, Line("ask-zone"), before=before)
        if reply.ending is not Ending.ANSWERED:
            return reply.ending
        try:
            zone = await session.desk.find_zone(official.id, reply.keys)
        except UnknownZone:
            before = [Line("unknown-zone", {"code": reply.keys})]
        except ZoneNotAllowed:
            mine = reply.keys == ALL_MY_ZONES
            before = [Line("no-zone-of-yours" if mine else "zone-not-allowed", {"code": reply.keys})]
        else:
            if zone.reachable or not must_be_reachable:
                return zone
            before = [Line("zone-unreachable", {"zone": zone.name})]
        session.call.forget_keys()
    await session.call.say(*await session.sounds(*before))
    return None
