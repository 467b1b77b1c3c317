"""Rules of registration: its length, and a SIP proxy in front of the nodes that it may come through."""

from dataclasses import dataclass

LONGEST_SECONDS = 3600
"""Seconds. A device gets what it asks for up to this value, which most makers preset: some devices ignore the answer
and register again by their own clock (RFC 3261 §10.2.4). Qualify notices much sooner that a device is gone."""
SHORTEST_SECONDS = 30


@dataclass(frozen=True)
class Registration:
    """The rules for every device that registers.

    Through a proxy, the Path of its registration (RFC 3327) leads calls back to the device, and its contact stays as it
    wrote it: its packets come from the proxy's address.
    """

    longest_seconds: int = LONGEST_SECONDS
    through_proxy: bool = False

    @property
    def fields(self) -> dict[str, str]:
        """The fields of an AOR."""
        seconds = str(self.longest_seconds)
        return {
            "minimum_expiration": str(min(SHORTEST_SECONDS, self.longest_seconds)),
            "default_expiration": seconds,
            "maximum_expiration": seconds,
            "support_path": "yes" if self.through_proxy else "no",
        }


DIRECT = Registration()
