"""Degraded dialplan: Asterisk's behaviour while the application is down.

The emergency line pages every speaker, hotline numbers record a message (see `left_messages`), and other callers hear
an announcement.
"""

import filecmp
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

from dialplans import left_messages
from dialplans.auto_answer import EMERGENCY, FOR_EVERY_MAKE, MAKES, alert_info
from dialplans.configuration import as_value, render, write_secretly
from dialplans.sealed import caller_key
from haichieu.home import HomeNotWritable
from haichieu.phone_numbers import number_forms, spellings
from haichieu.settings import Settings

GROUP = 40
"""Speakers per Page(): measured, a hundred work at once, three hundred fail."""

_NUMBER = re.compile(r"[0-9+*#]+")
_NOT_IN_A_NAME = re.compile(r"[^\w .-]")
_DESTINATION = re.compile(r"[A-Za-z0-9/.:()_-]+")


@dataclass(frozen=True)
class DegradedSounds:
    """Announcements as paths without extension."""

    station_down: str
    ask_pin: str
    wrong_pin: str
    refused: str
    locked: str
    live: str
    leave_message: str
    message_kept: str
    message_not_kept: str


ASTERISKS_OWN = DegradedSounds(
    station_down="ss-noservice",
    ask_pin="vm-password",
    wrong_pin="vm-incorrect",
    refused="vm-goodbye",
    locked="vm-sorry",
    live="beep",
    leave_message="vm-intro",
    message_kept="vm-msgsaved",
    message_not_kept="vm-mailboxfull",
)
"""English sounds of Asterisk, for announcements that are neither recorded nor synthesised."""


@dataclass(frozen=True)
class DegradedMode:
    """The data of the degraded dialplan. An empty `emergency_number` means no emergency line.

    `destinations` are the speakers as Asterisk dials them; it skips those that are not registered. `makes` has those of
    a known make, `shown_number` and `shown_name` present the station to them. `hotline_numbers` record messages.
    `officials_numbers` are in E.164; their PIN tries are counted apart from those of strangers.
    """

    emergency_number: str
    emergency_pin: str
    destinations: tuple[str, ...]
    sounds: DegradedSounds
    hotline_numbers: tuple[str, ...] = ()
    officials_numbers: tuple[str, ...] = ()
    makes: Mapping[str, str] = field(default_factory=dict)
    shown_number: str = ""
    shown_name: str = ""


def write_degraded(settings: Settings, mode: DegradedMode) -> bool:
    """Write `degraded.conf`, for the station's user only; return whether it changed.

    The sounds are copied next to it, so that the application's cleaning cannot remove them.
    Raises HomeNotWritable.
    """
    home = settings.home.absolute()
    path = home / "etc" / "degraded.conf"
    try:
        sounds = _copy_sounds(mode.sounds, home / "lib" / "degraded")
        text = degraded_dialplan(mode, sounds, home, caller_key(home))
        if path.exists() and path.read_text("utf-8") == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        write_secretly(path, text)
    except OSError as problem:
        raise HomeNotWritable(home, problem.strerror or str(problem)) from problem
    return True


def degraded_dialplan(mode: DegradedMode, sounds: DegradedSounds, home: Path, key: str) -> str:
    """Return the dialplan as text; callers' numbers are encrypted with `key`."""
    said = {f"sound_{name}": sound for name, sound in asdict(sounds).items()}
    has_line = all(text.isascii() and text.isdigit() for text in (mode.emergency_number, mode.emergency_pin))
    route = f"exten => {mode.emergency_number},1,Goto(emergency-line,s,1)" if has_line else "; no emergency line"
    hotlines = [number for number in mode.hotline_numbers if _NUMBER.fullmatch(number)]
    text = render(
        "degraded.conf",
        {
            **said,
            "emergency_route": route,
            "our_numbers": "\n".join(
                f"exten => n{form},1,Return({number})"
                for form, number in number_forms([*((mode.emergency_number,) if has_line else ()), *hotlines]).items()
            ),
            "hotline_routes": "\n".join(
                f"exten => {number},1,Set(DIALLED={number})\n same => n,Goto(leave-message,s,1)"
                for number in hotlines
                if number != mode.emergency_number
            ),
        },
    ) + render(
        "left_message.conf",
        {
            **said,
            "key": key,
            "messages": home / left_messages.FOLDER,
            "silence_seconds": left_messages.SILENCE_SECONDS,
            "most_seconds": left_messages.MOST_SECONDS,
        },
    )
    if not has_line:
        return text
    return text + render("emergency.conf", {**said, **_emergency_values(mode, home)})


def _emergency_values(mode: DegradedMode, home: Path) -> Mapping[str, object]:
    destinations = [name for name in mode.destinations if _DESTINATION.fullmatch(name)]
    groups = list(_groups(destinations, mode.makes)) or [("s", "Local/nobody@emergency-groups")]
    return {
        "pin": mode.emergency_pin,
        "budgets": "\n".join(
            f"exten => c{spelling},1,Return({number.lstrip('+')})"
            for number in mode.officials_numbers
            if _NUMBER.fullmatch(number)
            for spelling in spellings(number)
        ),
        "recordings": home / "spool" / "emergency",
        "groups": groups[0][1]
        if len(groups) == 1
        else "&".join(f"Local/group-{number}@emergency-groups/n" for number in range(len(groups))),
        "make": groups[0][0],
        "group_extensions": "\n".join(
            f'exten => group-{number},1,ExecIf($["${{EMERGENCY_PAGE}}" != "yes"]?Hangup(21))\n'
            f" same => n,Answer()\n same => n,Page({group},qib(auto-answer^{make}^1))"
            for number, (make, group) in enumerate(groups)
        ),
        "makes": "\n".join(_makes_extension(make) for make in ("", *MAKES)),
        "headers": "\n".join(_set_header(*header) for header in {**FOR_EVERY_MAKE, **EMERGENCY}.items()),
        "shown_number": mode.shown_number if _NUMBER.fullmatch(mode.shown_number) else "",
        "shown_name": _NOT_IN_A_NAME.sub("", mode.shown_name),
        "hang_ups": "\n".join(f" same => n,SoftHangup({name},a)" for name in destinations if name.startswith("PJSIP/")),
    }


def _copy_sounds(sounds: DegradedSounds, folder: Path) -> DegradedSounds:
    """Copy the sounds in all their formats into `folder`; return the paths to play."""
    folder.mkdir(parents=True, exist_ok=True)
    return DegradedSounds(**{name: _copy_sound(name, Path(sound), folder) for name, sound in asdict(sounds).items()})


def _copy_sound(name: str, sound: Path, folder: Path) -> str:
    if not sound.is_absolute():
        return str(sound)  # part of Asterisk
    forms = list(sound.parent.glob(f"{sound.name}.*"))
    for form in forms:
        copy = folder / (name + form.suffix)
        if not (copy.exists() and filecmp.cmp(form, copy, shallow=False)):
            draft = copy.with_name(f".{copy.name}.{os.getpid()}")
            shutil.copyfile(form, draft)
            draft.replace(copy)
    if any(folder.glob(f"{name}.*")):
        return str(folder / name)
    own: str = getattr(ASTERISKS_OWN, name)
    return own


def _groups(destinations: Sequence[str], makes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the destinations of each Page() with the extension of their headers: one for each make."""

    def make(name: str) -> str:
        return found if (found := makes.get(name, "")) in MAKES else "s"

    for kind, same in groupby(sorted(destinations, key=make), make):
        names = list(same)
        yield from ((kind, "&".join(names[i : i + GROUP])) for i in range(0, len(names), GROUP))


def _makes_extension(make: str) -> str:
    name, alert = make or "s", alert_info(make)
    lines = [*([_set_header("Alert-Info", alert)] if alert else []), " same => n,Goto(every-make,1)"]
    return "\n".join([f'exten => {name},1,GotoIf($["${{CHANNEL(channeltype)}}" != "PJSIP"]?every-make,end)', *lines])


def _set_header(name: str, value: str) -> str:
    return f" same => n,Set(PJSIP_HEADER(add,{name})={as_value(value)})"
