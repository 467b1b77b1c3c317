"""The five places of the panel and their pages, as far as a visitor may open them, and where the visitor is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask, request, url_for
from sqlalchemy.orm import Session

from admin.access.permissions import Where, rule_of
from admin.access.visitors import Visitor, visitor_or_none
from admin.bulletins.views import has_sources
from admin.panel import Panel
from admin.set_up.progress import missing
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_search import NOT_MERGED
from feedback.models import Case
from haichieu.account_rights import Action

SETTINGS = "settings"
"""The place that a telephone shows under "More"."""


@dataclass(frozen=True)
class Page:
    """A page; its text is `nav.<text>`, by default of its endpoint. `also` are paths of pages that belong to it.

    With `only_while` it is shown while that is true.
    """

    endpoint: str
    text: str = ""
    also: tuple[str, ...] = ()
    only_while: Callable[[Session], object] | None = None


@dataclass(frozen=True)
class Group:
    """A place, or a group of pages within one; it leads to the first of them that the visitor may open."""

    text: str
    pages: "tuple[Page | Group, ...]"


MAP = (
    Group("now", (Page("now"), Page("set_up", only_while=missing))),
    Group(
        "broadcasting",
        (
            *(Page("calendar_page"), Page("programmes", also=("/work",)), Page("bulletins", only_while=has_sources)),
            Group("log_and_reports", (Page("broadcast_log_page"), Page("duties"), Page("reports"), Page("registers"))),
        ),
    ),
    Group("cases", (Page("cases"), Page("data_requests"))),
    Group(
        "loudspeakers",
        (
            *(Page("speakers", "speaker_list"), Page("speakers_map"), Page("zones")),
            *(Page("repairs"), Page("book")),
        ),
    ),
    Group(
        SETTINGS,
        (
            Group("people", (Page("officials"), Page("accounts"))),
            Page("units"),
            Group("switchboard", (Page("numbers"), Page("flows"), Page("prompts", also=("/pronunciations",)))),
            Page("station"),
            Page("audit_trail"),
        ),
    ),
)
BUTTONS = ("announce", "emergency")


@dataclass(frozen=True)
class Way:
    """An entry of the navigation as it is shown. `current` is the value of `aria-current`."""

    text: str
    path: str
    current: str
    ways: "Sequence[Way]" = ()


@dataclass(frozen=True)
class Ways:
    """The places and buttons of a visitor, and the number of cases that wait for an answer."""

    places: Sequence[Way] = ()
    buttons: Sequence[Way] = ()
    waiting: int = 0

    @property
    def tabs(self) -> Iterator[Sequence[Way]]:
        """The pages of the current place, then those of its current group, each if there is a choice."""
        here = next((one for one in self.places if one.current), None)
        while here is not None:
            if len(here.ways) > 1:
                yield here.ways
            here = next((one for one in here.ways if one.current), None)


def register_navigation(app: Flask, panel: Panel) -> None:
    """Give templates `visitor`, `may_open`, and `ways_of_page`, which the frame calls once per page."""

    @app.context_processor
    def who_visits() -> dict[str, object]:
        return {"visitor": visitor_or_none()}

    @app.template_global("ways_of_page")
    def ways_of_page() -> Ways:
        found = visitor_or_none()
        if found is None:
            return Ways()
        with panel.database.reading() as session:
            return _Signposts(app, session, found).all()

    @app.template_global("may_open")
    def may_open(endpoint: str) -> bool:
        """Return whether the visitor may open a page."""
        found = visitor_or_none()
        if found is None:
            return False
        with panel.database.reading() as session:
            return _Signposts(app, session, found).is_open(Page(endpoint))


class _Signposts:
    """What one visitor may open; each question to the database is asked once."""

    def __init__(self, app: Flask, session: Session, visitor: Visitor) -> None:
        self._app, self._session, self._visitor = app, session, visitor
        self._covered: dict[Where, bool] = {}

    def all(self) -> Ways:
        """Return the places, one of them current, and the buttons."""
        here = _page_here()
        places = [way for place in MAP if (way := self._way(place, here))]
        buttons = [_leaf(Page(name), here) for name in BUTTONS if self.is_open(Page(name))]
        return Ways(places, buttons, self._waiting() if self._visitor.may(Action.READ_CASES) else 0)

    def _way(self, entry: Page | Group, here: str) -> Way | None:
        if isinstance(entry, Page):
            return _leaf(entry, here) if self.is_open(entry) else None
        ways = [way for one in entry.pages if (way := self._way(one, here))]
        if not ways:
            return None
        is_here = any(way.current for way in ways)
        return Way(entry.text, ways[0].path, ways[0].current or ("true" if is_here else ""), ways)

    def is_open(self, page: Page) -> bool:
        """Return whether the visitor may open a page, and it is on the map now."""
        rule = rule_of(self._app, page.endpoint)
        if rule is None or rule.steps is not None or not (rule.action is None or self._visitor.may(rule.action)):
            return False
        if rule.where is not None and not self._covers(rule.where):
            return False
        return page.only_while is None or bool(page.only_while(self._session))

    def _waiting(self) -> int:
        # Few cases are open: the expression keeps the planner on the index of states instead of that of units.
        here = (Case.status.in_(OPEN), sa.func.coalesce(Case.unit_id, 0).in_(self._visitor.units), NOT_MERGED)
        return self._session.scalars(sa.select(sa.func.count()).select_from(Case).where(*here)).one()

    def _covers(self, where: Where) -> bool:
        if where not in self._covered:
            self._covered[where] = self._visitor.units.issuperset(where(self._session))
        return self._covered[where]


def _leaf(page: Page, here: str) -> Way:
    current = "" if page.endpoint != here else "page" if request.endpoint == here else "true"
    return Way(page.text or page.endpoint, url_for(page.endpoint), current)


def _page_here() -> str:
    """Return the endpoint of the page on the map to which the shown page belongs: that with the longest common path."""
    paths = [
        (path, page.endpoint)
        for page in (*_pages(MAP), *map(Page, BUTTONS))
        for path in (url_for(page.endpoint), *page.also)
        if request.path == path or (path != "/" and request.path.startswith(f"{path}/"))
    ]
    return max(paths, default=("", ""))[1]


def _pages(entries: Sequence[Page | Group]) -> Iterator[Page]:
    for entry in entries:
        if isinstance(entry, Page):
            yield entry
        else:
            yield from _pages(entry.pages)
