"""In which language the pages speak: the account's choice, else the browser's cookie, else the station's language."""

import datetime
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, redirect, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from admin.access.paths import path_within
from admin.access.permissions import open_to_all
from admin.access.visitors import visitor_or_none
from admin.layout.words import FALLBACK, LANGUAGES, Words, half
from admin.panel import Panel
from haichieu.locale import Message, render
from haichieu.people import Account
from haichieu.station import the_station

COOKIE = "haichieu_language"
_WORDS = "haichieu_words"
_A_YEAR = 365 * 24 * 3600


def register_language(app: Flask, panel: Panel) -> None:
    """Give templates `t`, `half`, `moment` and `language`, and let people choose."""
    words = Words()

    app.extensions[_WORDS] = words

    @app.context_processor
    def language_of_the_page() -> dict[str, object]:
        return {"language": page_language(), "languages": LANGUAGES, "t": say, "has_text": words.has}

    @app.template_filter("half")
    def half_of(sentence: str) -> str:
        return half(sentence, page_language())

    @app.template_filter("message")
    def message_text(message: Message) -> str:
        return render(message, page_language(), _timezone(panel))

    @app.template_filter("moment")
    def moment(at: datetime.datetime | None) -> str:
        return show_moment(at, _timezone(panel))

    @app.template_filter("clock")
    def clock(at: datetime.datetime | None) -> str:
        return show_moment(at, _timezone(panel), " %H:%M:%S")

    app.template_filter("day")(show_day)
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
    """The language of the page that is being made."""
    if g.get("language"):
        return str(g.language)
    visitor = visitor_or_none()
    wanted = (visitor.account.language if visitor else "") or request.cookies.get(COOKIE, "")
    if wanted not in LANGUAGES:
        wanted = request.accept_languages.best_match(list(LANGUAGES)) or FALLBACK
        wanted = FALLBACK if request.accept_languages.best in (None, "") else wanted
    g.language = wanted
    return wanted


def say(name: str, **fields: object) -> str:
    """A text of the catalogue in the language of the page. Raises NoSuchText."""
    words: Words = current_app.extensions[_WORDS]
    return words.say(page_language(), name, fields)


def show_day(day: datetime.date) -> str:
    """A day as people of the station write it."""
    return day.strftime(_day_pattern())


def show_figure(value: float | None, places: int = 0) -> str:
    """A number with the marks of the language; a whole one has no decimals, an unknown one is a dash."""
    if value is None:
        return "–"
    written = f"{value:,}" if isinstance(value, int) else f"{value:,.{places}f}"
    return written.translate(str.maketrans(",.", ".,")) if page_language() == "vi" else written


def say_in(language: str, name: str) -> str:
    """A text of the catalogue in another language than the page's. Raises NoSuchText."""
    words: Words = current_app.extensions[_WORDS]
    return words.say(language, name, {})


def know_timezone(session: Session) -> None:
    """Look up the station's time zone for a page that is made while this session is open."""
    g.timezone = the_station(session).timezone


def show_moment(at: datetime.datetime | None, timezone: str, clock: str = " %H:%M") -> Markup:
    """A moment as people of the station write it, and for programs."""
    if at is None:
        return Markup("")
    local = at.astimezone(ZoneInfo(timezone))
    pattern = _day_pattern() + clock
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), local.strftime(pattern))


def _day_pattern() -> str:
    return "%d/%m/%Y" if page_language() == "vi" else "%d %b %Y"


def _timezone(panel: Panel) -> str:
    if "timezone" not in g:
        with panel.database.reading() as session:
            know_timezone(session)
    return str(g.timezone)


def _remember(panel: Panel, response: Response | AnyResponse, language: str) -> None:
    visitor = visitor_or_none()
    if visitor is not None:
        with panel.database.session() as session:
            session.get_one(Account, visitor.account.id).language = language
    response.set_cookie(COOKIE, language, max_age=_A_YEAR, secure=panel.is_https, httponly=True, samesite="Lax")
