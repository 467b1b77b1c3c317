"""What an address says after its question mark, read leniently: a filter that cannot be is no filter."""

import datetime
from enum import StrEnum
from typing import TypeVar

from flask import request

Choice = TypeVar("Choice", bound=StrEnum)
LARGEST_NUMBER = 2**31 - 1


def text_asked(name: str, most: int = 200) -> str:
    """A text, without the spaces around it."""
    return request.args.get(name, "")[:most].replace("\0", "").strip()


def number_asked(name: str) -> int | None:
    """A number that a row may have."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number <= LARGEST_NUMBER else None


def day_asked(name: str) -> datetime.date | None:
    """A day, as ISO 8601 writes it."""
    return request.args.get(name, type=datetime.date.fromisoformat)


def choice_asked(name: str, choices: type[Choice]) -> Choice | None:
    """One of a few words."""
    return request.args.get(name, type=choices)
