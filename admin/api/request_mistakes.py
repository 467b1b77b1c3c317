"""Messages for the values of a request that pydantic refuses."""

from typing import Any

from pydantic_core import ErrorDetails

from haichieu.errors import InvalidValue
from haichieu.locale import Message, message

_KEYS = {
    "missing": "api.value.missing",
    "extra_forbidden": "api.value.unknown",
    "string_type": "api.value.text",
    "int_type": "api.value.whole_number",
    "int_parsing": "api.value.whole_number",
    "int_parsing_size": "api.value.whole_number",
    "int_from_float": "api.value.whole_number",
    "bool_type": "api.value.yes_or_no",
    "bool_parsing": "api.value.yes_or_no",
    "list_type": "api.value.list",
    "model_type": "api.value.object",
    "model_attributes_type": "api.value.object",
    "enum": "api.value.one_of",
    "literal_error": "api.value.one_of",
    "greater_than_equal": "api.value.at_least",
    "less_than_equal": "api.value.at_most",
    "string_too_long": "api.value.too_long",
    "string_too_short": "api.value.too_short",
    "too_long": "api.value.too_many",
    "too_short": "api.value.too_few",
    "string_pattern_mismatch": "api.value.signs",
    "timezone_aware": "api.value.needs_zone",
}


def message_of(error: ErrorDetails) -> Message:
    """Return what is wrong with one value."""
    context: dict[str, Any] = error.get("ctx", {})
    refused = context.get("error")
    if isinstance(refused, InvalidValue):
        return refused.message
    key = _KEYS.get(error["type"], "api.value.invalid")
    fields = {
        "least": context.get("ge", context.get("min_length", "")),
        "most": context.get("le", context.get("max_length", "")),
        "choices": str(context.get("expected", "")).replace(" or ", ", "),
    }
    return message(key, **fields)
