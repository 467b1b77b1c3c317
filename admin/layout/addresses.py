"""Lenient query-string parsing: invalid filters are ignored."""

import datetime
from enum import StrEnum
from typing import TypeVar

from flask import request

Choice = TypeVar("Choice", bound=StrEnum)
LARGEST_NUMBER = 2**31 - 1


def text_asked(name: str, most: int = 200) -> str:
    """Return a text without surrounding spaces."""
    return request.args.get(name, "")[:most].replace("\0", "").strip()


def number_asked(name: str) -> int | None:
    """Return a possible row id."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number <= LARGEST_NUMBER else None


def day_asked(name: str) -> datetime.date | None:
    """Return an ISO 8601 date."""
    return request.args.get(name, type=datetime.date.fromisoformat)


def choice_asked(name: str, choices: type[Choice]) -> Choice | None:
    """Return one of the choices."""
    return request.args.get(name, type=choices)


def file_asked() -> str:
    """Return the kind of file in which a list is asked for (`as`), `csv` or `xlsx`; empty for its page."""
    kind = request.args.get("as", "")
    return kind if kind in ("csv", "xlsx") else ""
