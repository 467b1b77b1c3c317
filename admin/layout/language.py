"""Language of pages and API: choosing it, and rendering messages, dates and numbers in it.

A page follows the account's choice, else the browser's cookie, else the languages that the browser asks for. The API
follows `Accept-Language`, else the account of the token. Vietnamese is the fallback of both.
"""

import datetime
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, Response, g, redirect, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.datastructures import LanguageAccept
from werkzeug.wrappers import Response as AnyResponse

from admin.access.gate import API
from admin.access.paths import path_within
from admin.access.permissions import open_to_all
from admin.access.visitors import visitor_or_none
from admin.panel import Panel
from haichieu.locale import FALLBACK, LANGUAGES, Field, Message, render, render_key, rendering
from haichieu.locale.catalogue import catalogue
from haichieu.locale.rendering import DATES, TIMEZONE
from haichieu.people import Account
from haichieu.station import the_station

COOKIE = "haichieu_language"
_SHORT_DATES = {"vi": "dd/MM", "en": "d MMM"}
_A_YEAR = 365 * 24 * 3600


def register_language(app: Flask, panel: Panel) -> None:
    """Give templates their texts, dates and numbers, and add the route that switches the language."""

    @app.context_processor
    def language_of_the_page() -> dict[str, object]:
        return {"language": page_language(), "languages": LANGUAGES, "t": say, "has_text": has_text}

    @app.template_filter("moment")
    def moment(at: datetime.datetime | None) -> str:
        return show_moment(at, _timezone(panel))

    @app.template_filter("clock")
    def clock(at: datetime.datetime | None) -> str:
        return show_moment(at, _timezone(panel), "HH:mm:ss")

    app.template_filter("sentence")(sentence)
    app.template_filter("day")(show_day)
    app.template_filter("short_day")(show_short_day)
    app.template_filter("figure")(show_figure)

    @app.post("/language")
    @open_to_all
    def choose_language() -> AnyResponse:
        """Switch the language of the pages, for the account and this browser."""
        wanted = request.form.get("language", "")
        response = redirect(path_within(request.form.get("next")), 303)
        if wanted in LANGUAGES:
            _remember(panel, response, wanted)
        return response


def page_language() -> str:
    """Return the language of the answer to this request."""
    if "language" not in g:
        visitor = visitor_or_none()
        of_account = visitor.account.language if visitor else ""
        of_request = _language_asked_for()
        if request.path.startswith(API):
            by_preference = [of_request, of_account]
        else:
            by_preference = [of_account, request.cookies.get(COOKIE, ""), of_request]
        g.language = next((one for one in by_preference if one in LANGUAGES), FALLBACK)
    return str(g.language)


def _language_asked_for() -> str:
    """Return the best match of `Accept-Language`; "" for none. `*` accepts every language and prefers none."""
    named = LanguageAccept([one for one in request.accept_languages if one[0] != "*"])
    return named.best_match(list(LANGUAGES)) or ""


def say(name: str, **fields: Field) -> str:
    """Return a text of the pages (`panel.…`) in the language of the page. Raises UnknownMessage."""
    timezone = _timezone_or_default() if fields else TIMEZONE
    return render_key(page_language(), f"panel.{name}", fields, timezone)


def say_in(language: str, name: str) -> str:
    """Return a text of the pages in another language than the page's. Raises UnknownMessage."""
    return render_key(language, f"panel.{name}", {})


def has_text(name: str) -> bool:
    """Return whether the pages have such a text."""
    return f"panel.{name}" in catalogue(FALLBACK).keys


def sentence(said: Message | str | None) -> str:
    """Return a message in the language of the page; words that are rendered already stay as they are."""
    if isinstance(said, Message):
        return render(said, page_language(), _timezone_or_default())
    return said or ""


def show_day(day: datetime.date) -> str:
    """Return a day as it is written in the language of the page."""
    return str(format_date(day, DATES[page_language()], locale=page_language()))


def show_short_day(day: datetime.date) -> str:
    """Return a day without its year."""
    return str(format_date(day, _SHORT_DATES[page_language()], locale=page_language()))


def show_figure(value: float | None, places: int = 0) -> str:
    """Return a number with the marks of the language; integers without decimals, an unknown one as a dash."""
    if value is None:
        return "–"
    decimals = f".{'0' * places}" if places and not isinstance(value, int) else ""
    return _figure(value, f"#,##0{decimals}", page_language())


@lru_cache(8192, typed=True)
def _figure(value: float, pattern: str, language: str) -> str:
    return str(format_decimal(value, format=pattern, locale=language))


def know_timezone(session: Session) -> None:
    """Look up the station's time zone for a page that is made while this session is open."""
    g.timezone = the_station(session).timezone


def show_moment(at: datetime.datetime | None, timezone: str, clock: str = "HH:mm") -> Markup:
    """Return a moment for people, inside an element that carries it for programs."""
    if at is None:
        return Markup("")
    language = page_language()
    shown = rendering.show_moment(at, language, timezone, clock)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), shown)


def _timezone(panel: Panel) -> str:
    if "timezone" not in g:
        with panel.database.reading() as session:
            know_timezone(session)
    return str(g.timezone)


def _timezone_or_default() -> str:
    return str(g.get("timezone", TIMEZONE))


def _remember(panel: Panel, response: Response | AnyResponse, language: str) -> None:
    visitor = visitor_or_none()
    if visitor is not None:
        with panel.database.session() as session:
            session.get_one(Account, visitor.account.id).language = language
    response.set_cookie(COOKIE, language, max_age=_A_YEAR, secure=panel.is_https, httponly=True, samesite="Lax")
