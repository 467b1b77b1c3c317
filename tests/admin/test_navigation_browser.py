"""The places in a real browser: reached by keyboard on a laptop and a phone, and how much of the screen they take."""

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from haichieu.people import Account
from tests.admin.browsing import PHONE, look, sign_in
from tests.admin.served import Served
from tests.builders.broadcasts import on_air
from tests.builders.cases import written

OFFICE = ViewportSize(width=1366, height=768)
HEADER, BAR, RAIL = 56, 60, 200
"""Pixels: the most that the line at the top, the bar at the bottom and the rail at the side take."""
PLACES = ("/", "/calendar", "/cases", "/speakers", "/officials")
BELOW = {"/calendar": ("/broadcasts", "/reports"), "/officials": ("/accounts", "/numbers")}

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def station(station: Served) -> Served:
    """A station with a case that waits, and an administrator with a long name."""
    written(station.house, station.house.home)
    with station.house.database.session() as session:
        session.query(Account).filter_by(email="admin@district.example").one().name = "Nguyễn Thị Bích Ngọc " * 4
    return station


def box(page: Page, of: str) -> dict[str, float]:
    found = page.locator(of).bounding_box()
    assert found, of
    return found  # type: ignore[return-value]


FOCUSED = """
path => {
  const one = document.activeElement, nav = one.closest("nav");
  if (nav && one.getAttribute("href") === path) return "there";
  const onBar = document.querySelector(`a.place[href="${path}"]`)?.getClientRects().length;
  return one.matches(".more:not([open]) > summary") && !onBar ? "more" : "";
}
"""


def open_by_keyboard(page: Page, path: str) -> int:
    """Press the tabulator until a link to a page has the focus, and follow it; return how often it was pressed."""
    for pressed in range(1, 30):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED, path)
        if focused == "there":
            with page.expect_navigation(url=re.compile(f"{re.escape(path)}$")):
                page.keyboard.press("Enter")
            return pressed
        if focused:
            page.keyboard.press("Enter")
    pytest.fail(f"the keyboard does not reach {path}")


@pytest.mark.parametrize(
    "screen", [pytest.param(OFFICE, id="laptop", marks=pytest.mark.proof), pytest.param(PHONE, id="phone")]
)
def test_every_place_is_reached_by_keyboard_and_takes_little_room(page: Page, screen: dict[str, int]) -> None:
    page.set_viewport_size(screen)
    sign_in(page, at="/account")
    is_phone = screen is PHONE
    for path in (*PLACES[1:], PLACES[0]):
        assert open_by_keyboard(page, path) <= 16
        top, places = box(page, ".top"), box(page, ".places")
        assert top["height"] <= HEADER
        if is_phone:
            assert places["height"] <= BAR
            assert abs(places["y"] + places["height"] - PHONE["height"]) < 1
            assert places["width"] == PHONE["width"]
        else:
            assert places["width"] <= RAIL
            assert places["x"] == 0
        for line in page.locator(".pages").all():
            assert line.bounding_box()["height"] <= HEADER  # type: ignore[index]
        heights = page.locator(".place:visible").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
        assert len(set(heights)) == (1 if is_phone else len(PLACES))
        if path != PLACES[-1] or not is_phone:
            expect(page.locator(f'.places a.place[href="{path}"]')).to_have_attribute(
                "aria-current", re.compile("page|true")
            )
        else:
            expect(page.locator(".more summary")).to_have_class("is-here")
        for below in BELOW.get(path, ()) if not is_phone else ():
            open_by_keyboard(page, below)
    expect(page.locator(".badge-count")).to_contain_text("1")
    if is_phone:
        assert page.locator(".place:visible, .more summary").count() == 5
        page.locator(".more summary").click()
        look(page, "more-vi-360")
        page.keyboard.press("Escape")
        expect(page.locator(".more-menu")).to_be_hidden()


def test_search_is_a_key_away_and_text_of_double_size_fits(page: Page, station: Served) -> None:
    sign_in(page, at="/speakers")
    page.keyboard.press("/")
    expect(page.locator("header [data-find]")).to_be_focused()
    page.keyboard.type("loa village")
    with page.expect_navigation():  # the list of speakers, which still stands, has that link too
        page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Loa village")).to_be_visible()
    look(page, "search-vi-1280")
    page.goto("/cases")
    page.keyboard.press("/")
    expect(page.locator("#field-q")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator("header [data-find]")).to_be_focused()
    page.set_viewport_size(PHONE)
    page.keyboard.press("Control+k")
    expect(page).to_have_url(re.compile("/search$"))
    expect(page.locator("main [data-find]")).to_be_focused()
    with station.house.database.session() as session:
        session.query(Account).filter_by(email="admin@district.example").one().language = "en"
    page.goto("/speakers")
    expect(page.get_by_role("link", name="Broadcast now")).to_be_visible()
    assert box(page, ".top")["height"] <= HEADER  # its words are longer in English
    on_air(station.house, "12", "Bản tin " + "rất dài " * 12)
    for path in ("/search?q=loa", "/speakers", "/"):
        page.goto(path)
        if path != "/":
            expect(page.locator(".on-air")).to_be_visible()
        look(page, f"{path.strip('/')[:6] or 'now'}-on-air-360")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        assert box(page, ".places")["height"] <= 2 * BAR
        assert box(page, ".top")["height"] <= 4 * HEADER
