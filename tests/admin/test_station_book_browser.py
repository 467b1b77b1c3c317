"""The station book in a browser: on a phone, without a horizontal bar, as axe accepts it, and used by keyboard only."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.admin.browsing import View, follow, look, on_every_view, sign_in
from tests.admin.served import Served
from tests.builders.in_unit import device

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def number(station: Served) -> int:
    """A device with a long code and name."""
    return device(station.house, "commune", code="TB-" + "0123456789" * 3, name="Cụm loa Nà Sài-" * 12, serial="007")


@pytest.mark.proof
@on_every_view
def test_every_page_of_the_book_can_be_read(page: Page, number: int, view: View) -> None:
    sign_in(page)
    for path in ("", "/devices", "/budget", "/devices/import", "/budget/0", f"/devices/{number}"):
        page.goto(f"/book{path}")
        look(page, f"book{path.replace('/', '-')}-{view}")


@pytest.mark.proof
def test_an_entry_of_the_book_is_made_and_counted(page: Page) -> None:
    sign_in(page)
    page.goto("/book/budget")
    follow(page, page.get_by_role("link", name=re.compile("^Thêm mục")))
    page.get_by_label("Nguồn kinh phí", exact=True).select_option("donors")
    page.get_by_label("Mục đích chi", exact=True).select_option("repairs")
    page.get_by_label("Năm", exact=True).fill("2027")
    page.get_by_label("Đơn vị", exact=True).select_option("COMMUNE")
    page.get_by_label("Đã chi (đồng)").fill("1.234")
    follow(page, page.get_by_role("button", name="Lưu"))
    expect(page.get_by_text("1234 hay 1 đồng")).to_be_visible()
    look(page, "book-budget-wrong")
    page.get_by_label("Đã chi (đồng)").fill("1.234.567")
    follow(page, page.get_by_role("button", name="Lưu"))
    expect(page.get_by_role("cell", name="1.234.567")).to_be_visible()
    page.goto("/book?year=2027")
    expect(page.get_by_text("đã chi 1.234.567 đồng")).to_be_visible()
    look(page, "book-report")
