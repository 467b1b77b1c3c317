"""Targets of the attackers: the station, its numbers and secrets, and what they learn about them."""

import random
from dataclasses import dataclass

from tests.campaigns.hostile_sound import open_udp_ports
from tests.campaigns.sip_attacker import SipAttacker
from tests.campaigns.tally import Tally
from tests.crashes.processes import child_of
from tests.station import district
from tests.station.scene import Scene

OFFICIALS_LINE, HOTLINE, MISSED_CALL_LINE = "1900", "1022", "1023"
STOLEN_SPEAKER, STOLEN_PHONE = "cb-2", "may-la"
NUMBERS = (
    OFFICIALS_LINE,
    HOTLINE,
    MISSED_CALL_LINE,
    district.EMERGENCY,
    "0912000001",
    "+84912000002",
    "113",
    "19001234",
    "00118005551234",
    "s",
    "player",
    "group-0",
    "cb-1",
    "may-hai",
    "carrier",
    "0900123456%40carrier",
    "*",
    "#",
    "1900%22%29%26System(x)",
    "9" * 300,
)
"""Every kind of number: lines, subscribers, short and premium numbers, parts of the dialplan, accounts, junk."""
OFFICIALS = (district.HAI, district.MAI, district.LAN, district.MAI_SECOND)
NO_SUBSCRIBERS = (
    "113",
    "114",
    "115",
    "1900545454",
    "+12025550123",
    "+8816123456",
    "carrier2%2Fsip",
    "0900123456%40carrier",
    "%22",
    "a%27b%5C%5Cc",
    "1022",
    "*99#",
    "anonymous",
)
"""From users that the station must neither call nor text."""
MARKUP = (
    "<script>alert(1)</script>",
    "'; DROP TABLE cases; --",
    "${SHELL(touch /tmp/x)}",
    "{{ 7 * 7 }} %s %n {0}",
    "=cmd|' /C calc'!A0",
    "\u202e\u200b\x1b[2J",
    "x" * 1500,
    "Cầu treo hỏng",
)


@dataclass
class Targets:
    """The station under attack, shared by all attackers."""

    scene: Scene
    carrier: SipAttacker
    """The far end of the trunk: a caller who can forge its address."""
    tally: Tally

    @property
    def server(self) -> str:
        """SIP address of the station."""
        return self.scene.station.server

    def media_ports(self) -> list[int]:
        """Return the ports of the calls in progress at the station."""
        first, _, last = self.scene.station.settings.rtp_ports.partition("-")
        known = open_udp_ports(child_of(self.scene.station, "asterisk"))
        return [port for port in known if int(first) <= port <= int(last)]

    def speaker_ports(self) -> list[int]:
        """Return every port of the honest speakers: SIP, and sound while they play."""
        return [port for speaker in self.scene.speakers.values() for port in open_udp_ports(speaker.pid)]


def wrong_pin(chance: random.Random) -> str:
    """Return a guess that is no PIN of this district."""
    while True:
        guess = chance.choice(
            ["", "0000", "1234", "123456", f"{chance.randrange(10**6):06}", f"{chance.randrange(10**4):04}"]
        )
        if guess not in (*district.PINS.values(), district.EMERGENCY_PIN):
            return guess


def keys(text: str, before: float = 0.3) -> list[tuple[float, str]]:
    """Return keys to press, with a pause before the first and a short one before the others."""
    return [(before if number == 0 else 0.05, key) for number, key in enumerate(text)]
