"""Speakers as they are called: dial string, headers, caller id, volume and time limit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Delivery, Speaker
from broadcast_bridge.speakers.direct_sound_rule import allows_direct_sound
from dialplans.accounts import node_endpoint
from dialplans.auto_answer import EMERGENCY, auto_answer_headers

NO_DELIVERY = 0


@dataclass(frozen=True)
class MulticastRoute:
    """How multicast leaves the station: local address (empty: by the routing table), and time to live."""

    source: str = ""
    ttl: int = 1


@dataclass(frozen=True)
class Shown:
    """The number and name of the station in From; devices with an allow-list answer no other number."""

    number: str = ""
    name: str = ""


@dataclass(frozen=True)
class Calling:
    """How this switchboard calls speakers."""

    route: MulticastRoute
    shown: Callable[[Session], Shown]


@dataclass(frozen=True)
class LegTarget:
    """The speaker of a leg: its delivery, how Asterisk dials it, and its state.

    A multicast group is not `supervised`: it neither registers nor reports back.
    """

    delivery_id: int
    """`NO_DELIVERY` for a speaker that is called before its broadcast begins."""
    code: str
    endpoint: str
    reachable: bool
    supervised: bool
    variables: Mapping[str, str] = field(default_factory=dict)
    """Channel variables: the headers of the INVITE, and the volume."""
    direct_codecs: tuple[str, ...] = ()
    """Its codecs if the fan-out may serve it; empty if not."""
    answer_seconds: float | None = None
    """How long this device may take to answer; None means as long as any."""
    answered_in: float = 0.0
    """Seconds that it took to answer when it was last called ahead."""
    heard_seconds: float = 0.0
    """What it has heard of this broadcast already, at another node or before a restart."""

    def is_called_like(self, other: "LegTarget") -> bool:
        """Return whether a call to this target serves the other one."""
        return (self.endpoint, self.variables) == (other.endpoint, other.variables)


def leg_target(delivery: Delivery, priority: Priority, route: MulticastRoute, shown: Shown) -> LegTarget:
    """Return the target for a delivery."""
    target = target_ahead(delivery.speaker, priority, route, shown)
    return replace(target, delivery_id=delivery.id, heard_seconds=delivery.seconds or 0.0)


def target_ahead(speaker: Speaker, priority: Priority, route: MulticastRoute, shown: Shown) -> LegTarget:
    """Return the target for a speaker that is called before its broadcast begins."""
    variables = {} if speaker.is_multicast else {**_headers(speaker, priority), **_caller_id(shown)}
    if speaker.volume_db:
        variables["VOLUME(TX)"] = volume_factor(speaker.volume_db)
    return LegTarget(
        delivery_id=NO_DELIVERY,
        code=speaker.code,
        endpoint=dial_string(speaker, priority, route),
        reachable=speaker.counts_as_reachable,
        supervised=not speaker.is_multicast,
        variables=variables,
        answer_seconds=speaker.answer_seconds,
        answered_in=speaker.answered_in or 0.0,
        direct_codecs=tuple(speaker.codecs) if allows_direct_sound(speaker) else (),
    )


def relay_target(broadcast_id: int, node: str) -> LegTarget:
    """Return how another node is called for a broadcast: as a speaker without a delivery."""
    return LegTarget(
        NO_DELIVERY,
        node_endpoint(node),
        f"PJSIP/{broadcast_id}@{node_endpoint(node)}",
        reachable=True,
        supervised=False,
    )


def dial_string(speaker: Speaker, priority: Priority, route: MulticastRoute) -> str:
    """Return Asterisk's dial string: the SIP account, or the multicast group with the speaker's first codec."""
    if speaker.is_multicast:
        group = speaker.multicast_by_priority.get(priority, speaker.multicast)
        leaves_from = f"i({route.source})" if route.source else ""
        return f"MulticastRTP/basic/{group}//c({speaker.codecs[0]}){leaves_from}t({route.ttl})"
    return f"PJSIP/{speaker.code}"


def volume_factor(decibels: float) -> str:
    """Return a gain for Asterisk's VOLUME function: a factor, or a negative one to divide by."""
    factor = 10 ** (abs(decibels) / 20)
    return f"{factor if decibels >= 0 else -factor:.2f}"


def _headers(speaker: Speaker, priority: Priority) -> dict[str, str]:
    headers = auto_answer_headers(speaker.make) | (EMERGENCY if priority is Priority.EMERGENCY else {})
    return {f"PJSIP_HEADER(add,{name})": value for name, value in headers.items()}


def _caller_id(shown: Shown) -> dict[str, str]:
    if not shown.number:
        return {}
    # Asterisk writes From from the connected line of the channel that it dials.
    return {
        "CONNECTEDLINE(num,i)": shown.number,
        "CONNECTEDLINE(name,i)": shown.name,
        "CONNECTEDLINE(num-pres,i)": "allowed",
        "CONNECTEDLINE(name-pres,i)": "allowed",
    }
