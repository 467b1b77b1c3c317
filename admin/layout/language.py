"""In which language the pages speak: the account's choice, else the browser's cookie, else the station's language."""

import datetime
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from admin.access.paths import path_within
from admin.access.permissions import open_to_all
from admin.access.visitors import visitor_or_none
from admin.layout.words import FALLBACK, LANGUAGES, Words, half
from admin.panel import Panel
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

    @app.template_filter("moment")
    def moment(at: datetime.datetime | None) -> str:
        return show_moment(at, _timezone(panel))

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


def show_moment(at: datetime.datetime | None, timezone: str) -> Markup:
    """A moment as people of the station write it, and for programs."""
    if at is None:
        return Markup("")
    local = at.astimezone(ZoneInfo(timezone))
    pattern = "%d/%m/%Y %H:%M" if page_language() == "vi" else "%d %b %Y %H:%M"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), local.strftime(pattern))


def _timezone(panel: Panel) -> str:
    if "timezone" not in g:
        with panel.database.session() as session:
            g.timezone = the_station(session).timezone
    return str(g.timezone)


def _remember(panel: Panel, response: Response | AnyResponse, language: str) -> None:
    visitor = visitor_or_none()
    if visitor is not None:
        with panel.database.session() as session:
            session.get_one(Account, visitor.account.id).language = language
    response.set_cookie(COOKIE, language, max_age=_A_YEAR, secure=panel.is_https, httponly=True, samesite="Lax")
