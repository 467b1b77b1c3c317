"""Messages as sentences in the reader's language, with dates and numbers as written there (CLDR, by Babel)."""

import datetime
from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal

from haichieu.locale.catalogue import FALLBACK, LANGUAGES, catalogue
from haichieu.locale.messages import LINES, Field, Message

TIMEZONE = "Asia/Ho_Chi_Minh"
DATES = {"vi": "dd/MM/yyyy", "en": "d MMM yyyy"}


def render(message: Message, language: str, timezone: str = TIMEZONE) -> str:
    """Return the sentence. Moments are shown in `timezone`.

    Raises UnknownMessage, except for a stored message: its key and fields are shown when this version does not know it.
    """
    language = language if language in LANGUAGES else FALLBACK
    try:
        return _sentence(message, language, timezone)
    except LookupError:
        if not message.stored:
            raise
    fields = [f"{name}={_shown(name, value, language, timezone)}" for name, value in message.fields.items()]
    return f"{message.key} ({', '.join(fields)})" if fields else message.key


def _sentence(message: Message, language: str, timezone: str) -> str:
    if message.key == LINES and isinstance(lines := message.fields["lines"], tuple):
        return "\n".join(_shown("line", line, language, timezone) for line in lines)
    return render_key(language, message.key, message.fields, timezone)


def render_key(language: str, key: str, fields: Mapping[str, Field], timezone: str = TIMEZONE) -> str:
    """Return the sentence of a key with these fields; in Vietnamese for a language without a catalogue.

    Raises UnknownMessage.
    """
    language = language if language in LANGUAGES else FALLBACK
    count = fields.get("count")
    template = catalogue(language).template(key, count if isinstance(count, int) else None)
    shown = {name: _shown(name, value, language, timezone) for name, value in fields.items()}
    return template.format_map(shown) if shown else template


def show_moment(at: datetime.datetime, language: str, timezone: str = TIMEZONE, clock: str = "HH:mm") -> str:
    """Return a moment as it is written in the language; an aware one in `timezone`."""
    local = at.astimezone(ZoneInfo(timezone)) if at.tzinfo else at
    return str(format_datetime(local, f"{DATES[language]} {clock}", locale=language))


def _shown(name: str, value: Field, language: str, timezone: str) -> str:
    match value:
        case Message():
            return render(value, language, timezone)
        case tuple():
            return ", ".join(_shown(name, one, language, timezone) for one in value)
        case datetime.datetime():
            return show_moment(value, language, timezone)
        case datetime.date():
            return format_date(value, DATES[language], locale=language)
        case datetime.time():
            return format_time(value, "HH:mm", locale=language)
        case float():
            return _decimal(value, language)
        case int() if name == "count":
            return _decimal(value, language)
        case _:
            return str(value)


@lru_cache(4096, typed=True)
def _decimal(value: float, language: str) -> str:
    return str(format_decimal(value, locale=language))
