"""The verb `go-live`."""

from typing import ClassVar, Literal

from broadcast_bridge.broadcasts.starting import LiveNotAllowed, NoReachableSpeaker, ZoneBusy, ZoneQuiet
from broadcast_bridge.broadcasts.states import Priority, Reason, reason_message
from broadcast_bridge.speakers.zones import UnknownZone, ZoneNotAllowed
from haichieu.locale import render
from haichieu.media import DiskFull
from ivr.flows.node import Node
from ivr.flows.session import CallBackRequired, LiveResult, Session


class GoLive(Node):
    """Puts the caller on the loudspeakers of the chosen zone, and reports afterwards how many played it.

    `not-started` is taken when the broadcast was refused, after the reason was played; `call-back` when the station
    must first call the official's registered number: the node it leads to should end the call.

    While a node with an exit to it runs, the speakers of the zone are called already, unless it is an emergency.

    With `priority` emergency it pre-empts every other broadcast, for officials with that right. On a call back, the
    first broadcast has the priority that was requested before, if no other zone is chosen.

    {"id": "live", "verb": "go-live",
     "exits": {"done": "main-menu", "not-started": "main-menu", "call-back": "end"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done", "not-started", "call-back"})
    needs: ClassVar[frozenset[str]] = frozenset({"official", "zone"})
    sentences: ClassVar[tuple[str, ...]] = (
        "call-back-announcement",
        "zone-busy",
        "zone-unreachable",
        "zone-quiet",
        "live-not-allowed",
        "unknown-zone",
        "zone-not-allowed",
        "disk-full",
        "live-time-limit",
        "live-interrupted",
        "live-result",
        "live-unconfirmed",
    )

    verb: Literal["go-live"]
    priority: Literal["normal", "emergency"] = "normal"

    async def run(self, session: Session) -> str | None:
        official, zone = session.require_official(), session.require_zone()
        priority = session.take_requested_priority() or Priority(self.priority)
        try:
            result = await session.desk.go_live(official.id, zone, priority, called_back=session.called_back)
        except CallBackRequired:
            await session.say("call-back-announcement")
            return "call-back"
        except ZoneBusy as busy:
            await session.say("zone-busy", on_air=busy.on_air)
        except NoReachableSpeaker:
            await session.say("zone-unreachable")
        except ZoneQuiet as quiet:
            await session.say("zone-quiet", reason=render(reason_message(quiet.reason), session.language))
        except LiveNotAllowed:
            await session.say("live-not-allowed")
        except UnknownZone:  # removed since it was chosen
            await session.say("unknown-zone", code=zone.keys)
        except ZoneNotAllowed:
            await session.say("zone-not-allowed", code=zone.keys)
        except DiskFull:
            await session.say("disk-full")
        else:
            await _report(session, result)
            return "done"
        return "not-started"


async def _report(session: Session, result: LiveResult) -> None:
    session.call.forget_keys()  # keys pressed while live were not meant for the menu
    if result.reason is Reason.TIME_LIMIT:
        await session.say("live-time-limit")
    elif result.reason is not None:
        await session.say("live-interrupted", reason=render(reason_message(result.reason), session.language))
    await session.say("live-result", heard=result.heard, total=result.total)
    if result.unconfirmed:
        await session.say("live-unconfirmed", unconfirmed=result.unconfirmed)
