"""Fields and acts of an entry as its form shows them; what is typed is checked by `haichieu.district`."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from admin.layout.language import say


class Control(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    LINES = "lines"
    """Several values, one per line."""
    TEXT = "text"
    TICK = "tick"
    CHOICE = "choice"
    RADIO = "radio"
    BOXES = "boxes"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True)
class Field:
    """One field. Its text is `station_field.<name>` and that below it `station_hint.<hint>`, or both are whole keys.

    `choices` are the values of a choice, with the group of texts that names them; without one they are shown as they
    are. `rows` names choices that the page brings, such as units. `key` cannot be changed later.
    """

    name: str
    control: Control = Control.LINE
    hint: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    texts: str = ""
    rows: str = ""
    most: int = 200
    sample: str = ""
    label: str = ""
    """The name of its text, where that is not its own."""
    empty: str = ""
    """The text of a choice that chooses nothing."""
    inputmode: str = ""
    type: str = "text"
    is_key: bool = False

    @property
    def title(self) -> str:
        """The key of its text."""
        return self.label if "." in self.label else f"station_field.{self.label or self.name}"

    @property
    def help(self) -> str:
        """The key of the text below it, if any."""
        return self.hint if "." in self.hint or not self.hint else f"station_hint.{self.hint}"


@dataclass(frozen=True)
class Act:
    """A step with a form of its own below that of the entry: a button, and what it asks for."""

    step: str
    button: str
    says: str = ""
    sure: str = ""
    """The text of the box to tick."""
    asks_password: bool = False
    is_grave: bool = False
    fields: Sequence[Field] = ()


def unlocking(until: datetime.datetime | None) -> Sequence[Act]:
    """Return the act that unlocks the sign-in of a person, while it is locked."""
    return [Act("unlock", "entry.unlock", says=say("entry.locked_until", at=until))] if until is not None else []
