"""Dial string, headers and volume for the call to a speaker."""

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Delivery, Speaker
from broadcast_bridge.studio.speaker_leg import LegTarget

AUTO_ANSWER_HEADERS = {
    # RFC 5373 is the standard; Call-Info is read by Polycom, Grandstream, Yealink, Snom and Cisco,
    # Alert-Info by Aastra, Fanvil, Algo and many SIP loudspeakers.
    "PJSIP_HEADER(add,Call-Info)": "<sip:haichieu.invalid>;answer-after=0",
    "PJSIP_HEADER(add,Alert-Info)": "<http://haichieu.invalid>;info=alert-autoanswer;delay=0",
    "PJSIP_HEADER(add,Answer-Mode)": "Auto",
}

EMERGENCY_HEADER = {"PJSIP_HEADER(add,Priority)": "emergency"}
"""RFC 3261 §20.26: a speaker in another call takes this one instead."""


def leg_target(delivery: Delivery, priority: Priority, interface: str) -> LegTarget:
    """Return the target for a delivery. `interface` is the local address for multicast."""
    speaker = delivery.speaker
    variables: dict[str, str] = {}
    if not speaker.is_multicast:
        variables |= AUTO_ANSWER_HEADERS
        if priority is Priority.EMERGENCY:
            variables |= EMERGENCY_HEADER
    if speaker.volume_db:
        variables["VOLUME(TX)"] = volume_factor(speaker.volume_db)
    return LegTarget(
        delivery_id=delivery.id,
        code=speaker.code,
        endpoint=dial_string(speaker, priority, interface),
        reachable=speaker.counts_as_reachable,
        supervised=not speaker.is_multicast,
        variables=variables,
    )


def dial_string(speaker: Speaker, priority: Priority, interface: str) -> str:
    """Return Asterisk's dial string: the SIP account, or the multicast group with the speaker's first codec.

    `interface` is the local address for multicast; empty leaves the choice to the routing table.
    """
    if speaker.is_multicast:
        group = speaker.multicast_by_priority.get(priority, speaker.multicast)
        leaves_from = f"i({interface})" if interface else ""
        return f"MulticastRTP/basic/{group}//c({speaker.codecs[0]}){leaves_from}"
    return f"PJSIP/{speaker.code}"


def volume_factor(decibels: float) -> str:
    """Return a gain for Asterisk's VOLUME function: a factor, or a negative one to divide by."""
    factor = 10 ** (abs(decibels) / 20)
    return f"{factor if decibels >= 0 else -factor:.2f}"
