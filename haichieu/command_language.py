"""The language of command output: one per process, by the `language` setting."""

import datetime
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from haichieu.locale import Field, Message, render, render_key, rendering
from haichieu.settings import command_language
from haichieu.station import the_station

if TYPE_CHECKING:
    from rich.console import Console


@functools.cache
def language() -> str:
    """Return the language of this process, from HAICHIEU_LANGUAGE or from haichieu.toml in the home of `--home`."""
    return command_language(_home(sys.argv[1:]))


def say(key: str, /, **fields: Field) -> str:
    """Return a sentence of the catalogue."""
    return render_key(language(), key, fields)


def said(message: Message | str | None, timezone: str = rendering.TIMEZONE) -> str:
    """Return a message as a sentence, with moments in `timezone`; words that are in no catalogue stay as they are."""
    return render(message, language(), timezone) if isinstance(message, Message) else message or ""


def said_here(session: Session, message: Message | str | None) -> str:
    """Do the same with moments in the station's time zone."""
    return said(message, the_station(session).timezone)


def terminal(*, soft_wrap: bool = False) -> "Console":
    """Return the terminal for a command's output, which prints every string as it is.

    Names and other data are no markup ("[/]"), and ":AB:" in a fingerprint is no emoji; colours are given by `Text`.
    """
    from rich.console import Console  # loading it takes longer than many commands

    return Console(markup=False, emoji=False, soft_wrap=soft_wrap)


def show_moment(session: Session, at: datetime.datetime | None, clock: str = "HH:mm") -> str:
    """Return a moment in the language of the command and the station's time zone; "" for none."""
    return rendering.show_moment(at, language(), the_station(session).timezone, clock) if at else ""


def _home(arguments: list[str]) -> Path | None:
    for index, argument in enumerate(arguments):
        if argument.startswith("--home="):
            return Path(argument.removeprefix("--home="))
        if argument == "--home" and index + 1 < len(arguments):
            return Path(arguments[index + 1])
    return None
