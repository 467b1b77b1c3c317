"""What Asterisk does alone while the application is down: the emergency line, and a sentence for everybody else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialplans.configuration import render, write_secretly
from haichieu.settings import Settings

GROUP = 40
"""Speakers in one Page(): a hundred were reached at once, three hundred not at all."""

_DESTINATION = re.compile(r"[A-Za-z0-9/.:()_-]+")


@dataclass(frozen=True)
class DegradedSounds:
    """What is said, as paths without extension."""

    station_down: str
    ask_pin: str
    wrong_pin: str
    refused: str
    locked: str
    live: str


@dataclass(frozen=True)
class DegradedMode:
    """All that Asterisk must know to do without us. An empty `emergency_number` means no emergency line.

    `destinations` are the speakers as Asterisk dials them; one that is not registered is passed over by it.
    """

    emergency_number: str
    emergency_pin: str
    destinations: tuple[str, ...]
    sounds: DegradedSounds


def write_degraded(settings: Settings, mode: DegradedMode) -> bool:
    """Write `degraded.conf`, for the station's user only; say whether it differs from what was there."""
    path = settings.home.absolute() / "etc" / "degraded.conf"
    text = degraded_dialplan(settings, mode)
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_secretly(path, text)
    return True


def degraded_dialplan(settings: Settings, mode: DegradedMode) -> str:
    """Return the dialplan as text."""
    sounds = {f"sound_{name}": value for name, value in vars(mode.sounds).items()}
    has_line = bool(mode.emergency_number.isdigit() and mode.emergency_pin.isdigit())
    route = f"exten => {mode.emergency_number},1,Goto(emergency-line,s,1)" if has_line else "; no emergency line"
    text = render("degraded.conf", {**sounds, "emergency_route": route})
    if not has_line:
        return text
    groups = _groups([name for name in mode.destinations if _DESTINATION.fullmatch(name)])
    return text + render(
        "emergency.conf",
        {
            **sounds,
            "pin": mode.emergency_pin,
            "recordings": settings.home.absolute() / "spool" / "emergency",
            "groups": groups[0]
            if len(groups) == 1
            else "&".join(f"Local/group-{number}@emergency-groups/n" for number in range(len(groups))),
            "group_extensions": "\n".join(
                f"exten => group-{number},1,Answer()\n same => n,Page({group},qb(auto-answer^s^1))"
                for number, group in enumerate(groups)
            ),
        },
    )


def _groups(destinations: Sequence[str]) -> list[str]:
    groups = ["&".join(destinations[i : i + GROUP]) for i in range(0, len(destinations), GROUP)]
    return groups or ["Local/nobody@emergency-groups"]
