"""A message without its language: a key of the catalogue and the values of its fields."""

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, Union

VERBATIM = "text.verbatim"
LINES = "text.lines"

Field: TypeAlias = Union[
    str, int, float, Path, datetime.datetime, datetime.date, datetime.time, "Message", "tuple[Field, ...]"
]
"""What a message can carry. An `int` named `count` chooses the plural; other integers are identifiers."""


@dataclass(frozen=True)
class Message:
    """A key of the catalogue with its fields; rendered for a reader by `haichieu.locale.rendering`.

    One that was `stored` may be of another version, whose catalogue had other keys and fields.
    """

    key: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    stored: bool = field(default=False, compare=False, repr=False)

    @classmethod
    def verbatim(cls, text: str) -> "Message":
        """Wrap words that are in no catalogue: those of a person, of another program, or of a row written earlier."""
        return cls(VERBATIM, {"text": text})

    @classmethod
    def lines(cls, messages: Iterable["Message"]) -> "Message":
        """Combine several messages, one per line."""
        return cls(LINES, {"lines": tuple(messages)})

    def to_json(self) -> str:
        """Serialise for a database row or a job payload. Raises TypeError for a field that is None."""
        return json.dumps(_packed(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Message":
        """Read what `to_json` wrote. Text of any other form is taken verbatim: rows of versions before 0.2.0."""
        try:
            found = _unpacked(json.loads(text))
        except (ValueError, KeyError, TypeError):
            return cls.verbatim(text)
        return found if isinstance(found, Message) else cls.verbatim(text)


def message(key: str, /, **fields: Field) -> Message:
    """Return a message by its key and fields."""
    return Message(key, fields)


def _packed(value: Field) -> Any:
    match value:
        case Message():
            return {"key": value.key, "fields": {name: _packed(one) for name, one in value.fields.items()}}
        case tuple():
            return [_packed(one) for one in value]
        case datetime.datetime():
            return {"at": value.isoformat()}
        case datetime.date():
            return {"day": value.isoformat()}
        case datetime.time():
            return {"time": value.isoformat()}
        case Path():
            return str(value)
        case None:
            raise TypeError("a field of a message is None")
        case _:
            return value


def _unpacked(value: Any) -> Field:
    match value:
        case {"key": str(key), "fields": dict(fields)}:
            return Message(key, {name: _unpacked(one) for name, one in fields.items()}, stored=True)
        case {"at": str(at)}:
            return datetime.datetime.fromisoformat(at)
        case {"day": str(day)}:
            return datetime.date.fromisoformat(day)
        case {"time": str(time)}:
            return datetime.time.fromisoformat(time)
        case list():
            return tuple(_unpacked(one) for one in value)
        case str() | int() | float():
            return value
        case _:
            raise ValueError(value)
