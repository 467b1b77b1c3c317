"""Sounds as Asterisk plays them: names, ids of playbacks, and the longest time they may take."""

from pathlib import Path

UNKNOWN_SECONDS = 600.0
"""Of a sound whose file is not found: Asterisk's own, by name."""
SPARE_SECONDS = 15.0

_BYTES_A_SECOND = {".wav": 16_000, ".wav16": 32_000}


def playback_ids(channel_id: str) -> tuple[str, ...]:
    """Return the ids that playbacks on a channel use in turn, so that any switchboard can stop them.

    Several, because the end of a stopped playback is reported late and must not be taken for the end of the next.
    """
    return tuple(f"play-{channel_id}-{number}" for number in range(8))


def media(sounds: tuple[str, ...]) -> str:
    """Write sound paths as ARI media."""
    return ",".join(f"sound:{sound}" for sound in sounds)


def longest_seconds(sounds: tuple[str, ...]) -> float:
    """Return a limit for playing these sounds (paths without extension) one after the other."""
    return sum(seconds_of(sound) for sound in sounds) + SPARE_SECONDS


def seconds_of(sound: str) -> float:
    """Return how long a sound takes (its path without extension)."""
    for suffix, per_second in _BYTES_A_SECOND.items():
        try:
            return Path(f"{sound}{suffix}").stat().st_size / per_second
        except OSError:
            continue
    return UNKNOWN_SECONDS
