"""The page of the search."""

from flask import Flask
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.layout.addresses import text_asked
from admin.layout.pages import page
from admin.panel import Panel
from admin.search.finding import NEWEST_CASES, find_everywhere
from haichieu.account_rights import Action

LONGEST_WORDS = 100


def register_search(app: Flask, panel: Panel) -> None:
    """Add the page of the search, whose field is in the frame of every page."""
    app.jinja_env.globals["longest_words"] = LONGEST_WORDS

    @app.get("/search")
    @needs(Action.VIEW)
    def search() -> Response:
        """Show the cases, speakers, officials, programmes and numbers that contain the words (`q`), a few of each."""
        words = text_asked("q", LONGEST_WORDS)
        with panel.database.reading() as session:
            found = find_everywhere(session, panel.citizens, visitor(), words)
        return page("search/search.html", words=words, kinds=found, newest=NEWEST_CASES)
