"""The rule for speakers that get their sound directly from the fan-out, and not through Asterisk."""

from broadcast_bridge.models import Speaker
from dialplans.accounts import FAN_OUT_CODECS


def allows_direct_sound(speaker: Speaker) -> bool:
    """Return whether the fan-out may serve a speaker.

    Encrypted sound, the volume of one speaker and a codec other than G.711 and G.722 need Asterisk. A device behind
    NAT gets sound only where its own sound comes from, and a router lets in only packets of an address that it knows.
    """
    return (
        not speaker.is_multicast
        and not speaker.encrypted
        and not speaker.sends_from_elsewhere
        and not speaker.volume_db
        and bool(speaker.codecs)
        and speaker.codecs[0] in FAN_OUT_CODECS
    )
