"""The share of a recording that a speaker has heard, which decides whether the recording is played there again.

The chimes do not count. A speaker that heard everything has played the broadcast, also when it dropped out or was taken
by another broadcast at the very end; one that heard a part or nothing gets it again.
"""

import datetime

from broadcast_bridge.broadcasts.states import DeliveryState
from broadcast_bridge.models import Broadcast, Delivery

UNNOTICED_SECONDS = 1.5
UNNOTICED_SHARE = 0.02
"""A gap is accepted up to this length, or up to this share of a long recording."""


def sounds_seconds(broadcast: Broadcast) -> float:
    """Return how long the sounds of a recorded broadcast take once, from its offset on."""
    return max(sum(sound.media.seconds for sound in broadcast.sounds) - broadcast.offset_seconds, 0.0)


def position(broadcast: Broadcast, at: datetime.datetime) -> float:
    """Return the position in a recording, in seconds, at a given time."""
    return broadcast.offset_seconds + _seconds_on_air(broadcast, at)


def heard_whole(broadcast: Broadcast, delivery: Delivery, at: datetime.datetime, *, complete: bool) -> bool:
    """Return whether a speaker heard the sounds once.

    They count up to `at` only, unless the broadcast should have been `complete`.
    """
    wanted = sounds_seconds(broadcast)
    if not complete:
        wanted = min(wanted, _seconds_on_air(broadcast, at))
    some = delivery.first_audio_at is not None and delivery.seconds > 0
    return some and _is_enough(_seconds_heard(broadcast, delivery, at), wanted)


def resume_position(broadcast: Broadcast, delivery: Delivery, at: datetime.datetime) -> float:
    """Return the position from which a speaker that is taken away now needs the rest: where it left, or the start."""
    heard = _seconds_heard(broadcast, delivery, at)
    if delivery.state == DeliveryState.PLAYING and delivery.attempts <= 1 and delivery.first_audio_at is not None:
        # It never left, and the seconds measured last are some seconds old.
        heard = min((at - delivery.first_audio_at).total_seconds(), _seconds_on_air(broadcast, at))
    complete = heard > 0 and _is_enough(heard, _seconds_on_air(broadcast, at))
    return position(broadcast, at) if complete else broadcast.offset_seconds


def is_worth_resuming(broadcast: Broadcast, offset: float) -> bool:
    """Return whether more than the chimes is left after this position."""
    return not _is_enough(offset - broadcast.offset_seconds, sounds_seconds(broadcast))


def _is_enough(heard: float, wanted: float) -> bool:
    return wanted - heard <= max(UNNOTICED_SECONDS, wanted * UNNOTICED_SHARE)


def _seconds_on_air(broadcast: Broadcast, at: datetime.datetime) -> float:
    return max((at - broadcast.live_at).total_seconds(), 0.0) if broadcast.live_at else 0.0


def _seconds_heard(broadcast: Broadcast, delivery: Delivery, at: datetime.datetime) -> float:
    """Return the seconds that a speaker was on the bridge while the sounds played."""
    if delivery.first_audio_at is None or broadcast.live_at is None:
        return 0.0
    opening = max((broadcast.live_at - delivery.first_audio_at).total_seconds(), 0.0)
    closing = 0.0
    if delivery.state == DeliveryState.PLAYING and broadcast.times > 0:
        sounds = sounds_seconds(broadcast) * broadcast.times + broadcast.pause_seconds * (broadcast.times - 1)
        closing = max(_seconds_on_air(broadcast, at) - sounds, 0.0)
    return max(delivery.seconds - opening - closing, 0.0)
