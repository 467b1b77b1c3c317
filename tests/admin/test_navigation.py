"""The places of the panel: which of them each role sees, where it is, and the bar of what is on air."""

import datetime
import re

import pytest
from lxml import html

from admin.access.models import WebSession
from broadcast_bridge.broadcasts.states import Priority
from haichieu.people import Role
from tests.builders import in_unit
from tests.builders.broadcasts import on_air
from tests.builders.house import Browser, House
from tests.builders.queries import queries

MOST_QUERIES = 9
"""Of a page that shows nothing of its own: session, station and units of the visitor, and five for the frame."""
PLACES = {
    "viewer": ["/", "/calendar", "/speakers"],
    "approver": ["/", "/calendar", "/cases", "/speakers"],
    "operator": ["/", "/calendar", "/cases", "/speakers"],
    "editor": ["/", "/calendar", "/cases", "/speakers"],
    "admin": ["/", "/calendar", "/cases", "/speakers", "/officials"],
}
BUTTONS = {"viewer": [], "approver": [], "editor": ["/announce"]}
HERE = {
    "/": ("page", ["/"]),
    "/programmes": ("true", ["/programmes"]),
    "/calendar/schedules": ("true", ["/calendar"]),
    "/reports": ("true", ["/broadcasts", "/reports"]),
    "/reports/registers": ("true", ["/broadcasts", "/reports/registers"]),
    "/data-requests": ("true", ["/data-requests"]),
    "/speakers/map": ("true", ["/speakers/map"]),
    "/speakers/1": ("true", ["/speakers"]),
    "/officials/0/edit": ("true", ["/officials", "/officials"]),
    "/accounts": ("true", ["/officials", "/accounts"]),
    "/pronunciations": ("true", ["/numbers", "/prompts"]),
    "/audit": ("true", ["/audit"]),
    "/account": ("", []),
    "/search": ("", []),
}


def links(page: str, way: str) -> list[str]:
    return [str(one) for one in html.fromstring(page).xpath(f"//{way}/@href")]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_the_places_that_it_may_open(house: House, role: Role) -> None:
    browser = house.signed_in(f"{role}@district.example")
    pages, seen = ["/"], set[str]()
    while pages:
        path = pages.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert links(answer.text, "nav[@class='places']/a") == PLACES[role], path
        assert links(answer.text, "nav[@class='acts']/a") == BUTTONS.get(role, ["/announce", "/emergency"])
        pages += links(answer.text, "nav/a") + links(answer.text, "nav//details//a")
    assert len(seen) > len(PLACES[role])


def test_a_page_says_where_it_is(house: House) -> None:
    browser = house.signed_in("admin@district.example")
    for path, (place, tabs) in HERE.items():
        tree = html.fromstring(browser.get(path).text)
        assert tree.xpath("//nav[@class='places']/a/@aria-current") == [place] * bool(place), path
        assert tree.xpath("//nav[starts-with(@class, 'pages')]/a[@aria-current]/@href") == tabs, path
        names = [one.get("aria-label") for one in tree.xpath("//nav")]
        assert len(set(names)) == len(names), path
    tree = html.fromstring(browser.get("/emergency").text)
    assert tree.xpath("//nav[@class='acts']/a[@aria-current]/@href") == ["/emergency"]


def test_cases_that_wait_are_counted_beside_their_place(house: House) -> None:
    for unit in ("commune", "village", "other"):
        in_unit.case(house, unit)
    for role, count in (("operator@x.example", ["2"]), ("operator@district.example", ["3"]), ("viewer@x.example", [])):
        assert re.findall(r'badge-count">(\d+)', house.signed_in(role).get("/speakers").text) == count


def test_the_frame_costs_few_queries_however_much_there_is(house: House) -> None:
    browser = house.signed_in("admin@district.example")
    needed = []
    for _ in range(2):
        with queries(house.database) as asked:
            assert browser.get("/khong-co").status_code == 404
        needed.append(len([one for one in asked if one.startswith(("SELECT", "WITH"))]))
        for unit in house.units:
            in_unit.case(house, unit)
            in_unit.broadcast(house, unit)
    assert needed[0] == needed[1] <= MOST_QUERIES


def test_a_bar_shows_what_is_on_air_here_on_every_page(house: House) -> None:
    on_air(house, "12", "Bản tin <b>chiều</b>")
    on_air(house, "14", "Ở xã khác")
    operator, viewer = house.signed_in("operator@x.example"), house.signed_in("viewer@x.example")
    page = operator.get("/speakers").text
    assert "Bản tin &lt;b&gt;chiều&lt;/b&gt;" in page
    assert "Ở xã khác" not in page
    assert links(page, "section[@data-which]/a[contains(@href, '/stop')]") == ["/broadcasts/1/stop"]
    assert links(viewer.get("/speakers").text, "section[@data-which]/a[contains(@href, '/stop')]") == []
    assert "data-which" not in operator.get("/").text  # it has a board
    assert "data-which" not in house.browser().get("/login").text
    on_air(house, "13", "Lũ về", Priority.EMERGENCY)
    (bar,) = html.fromstring(operator.get("/on-air").text).xpath("//section")
    assert bar.get("class") == "on-air red"
    assert "Lũ về" in bar.text_content()
    assert "và 1 buổi khác" in bar.text_content()


def test_the_bar_does_not_prolong_a_session(house: House) -> None:
    browser = house.signed_in("viewer@x.example")
    before = seen_at(house, browser, "/on-air")
    assert seen_at(house, browser, "/on-air") == before
    assert seen_at(house, browser, "/speakers") > before


def seen_at(house: House, browser: Browser, path: str) -> datetime.datetime:
    """Open a page after a while; return what is then known as the last use of the session."""
    with house.database.session() as session:
        login = session.query(WebSession).one()
        login.seen_at = login.created_at - datetime.timedelta(minutes=5)
    assert browser.get(path).status_code == 200
    with house.database.session() as session:
        return session.query(WebSession).one().seen_at
