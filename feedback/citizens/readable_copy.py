"""The copy of a citizen's data as one page to read: what `data.json` contains, in words, without scripts."""

import datetime
from collections.abc import Mapping
from pathlib import Path

import jinja2

from haichieu.locale import FALLBACK, LANGUAGES, Field, UnknownMessage, render_key
from haichieu.locale.rendering import show_moment
from haichieu.station import Station

NAME = "du-lieu.html"

_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def readable_copy(data: Mapping[str, object], station: Station, at: datetime.datetime) -> str:
    """Return the page, in the language of the station, or in Vietnamese."""
    language = station.language if station.language in LANGUAGES else FALLBACK

    def text(key: str, **fields: Field) -> str:
        return render_key(language, key, fields, station.timezone)

    def moment(value: str) -> str:
        return show_moment(datetime.datetime.fromisoformat(value), language, station.timezone)

    def tongue(code: str) -> str:
        try:
            return text(f"panel.spoken.{code}")
        except UnknownMessage:
            return code

    page = _PAGES.get_template("readable_copy.html")
    return page.render(t=text, moment=moment, tongue=tongue, language=language, data=data, station=station.name, at=at)
