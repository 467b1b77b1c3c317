"""Messages for values that pydantic refuses."""

import re

from pydantic_core import ErrorDetails

from haichieu.errors import InvalidValue
from haichieu.locale import Message, message
from haichieu.locale.messages import Field

_WITH_FIELDS = {
    "missing": (),
    "extra_forbidden": (),
    "string_type": (),
    "int_type": (),
    "int_parsing": (),
    "bool_type": (),
    "bool_parsing": (),
    "list_type": (),
    "model_type": (),
    "float_type": (),
    "float_parsing": (),
    "greater_than": ("gt",),
    "greater_than_equal": ("ge",),
    "less_than_equal": ("le",),
    "string_pattern_mismatch": ("pattern",),
}
_WITH_COUNT = {
    "string_too_long": "max_length",
    "string_too_short": "min_length",
    "too_long": "max_length",
    "too_short": "min_length",
}


def message_of_detail(error: ErrorDetails) -> Message:
    """Return what is wrong with one value: the message of our own validator, or that of pydantic's error type."""
    context = error.get("ctx", {})
    kind = error["type"]
    if isinstance(problem := context.get("error"), InvalidValue):
        return problem.message
    if kind.startswith("datetime_") or kind == "timezone_aware":
        return message("base.value.moment")
    if kind in ("literal_error", "enum"):
        return message("base.value.literal_error", values=tuple(re.findall(r"'([^']*)'", str(context["expected"]))))
    if kind in _WITH_COUNT:
        return message(f"base.value.{kind}", count=int(context[_WITH_COUNT[kind]]))
    if kind in _WITH_FIELDS:
        fields: dict[str, Field] = {name: _plain(context[name]) for name in _WITH_FIELDS[kind]}
        return Message(f"base.value.{kind}", fields)
    return Message.verbatim(error["msg"])


def _plain(value: object) -> Field:
    return value if isinstance(value, str | int | float) else str(value)
