"""The inbox in a real browser: a case by keys, how much of the list is seen, several cases while others arrive."""

import datetime
import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from feedback.cases.case_lifecycle import OPEN, Opening, Said, find_case, open_case
from feedback.cases.merging import close
from feedback.citizens.registry import open_citizens
from feedback.models import Case
from feedback.states import Channel, Direction
from haichieu.database import now
from tests.admin.browsing import PHONE, sign_in
from tests.admin.served import Served
from tests.builders.accounts import OPERATOR

OFFICE = ViewportSize(width=1366, height=768)
MOST_KEYS = 12
LONG = "Cầu treo ở xóm hỏng hai tháng nay, trẻ em không đi học được, xin xã sửa giúp bà con. " * 3

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def numbers(station: Served) -> list[str]:
    """Ten cases of a known citizen that wait, the most urgent first."""
    with station.house.database.session() as session:
        for one in session.query(Case).filter(Case.status.in_(OPEN)):
            close(session, one, "test", now())
    return [arrive(station, f"{number}: {LONG}", days=number) for number in range(1, 11)]


def arrive(station: Served, text: str, days: int) -> str:
    house = station.house
    with house.database.session() as session:
        citizen = open_citizens(house.home).meet(session, "+84912345678", now())
        said = Said(Direction.IN, Channel.TEXT, "citizen", text)
        one = open_case(session, Opening(Channel.TEXT, house.units["village"], "number", citizen), said, now())
        one.due_at = now() + datetime.timedelta(days=days)
        return one.number


def status(station: Served, number: str) -> str:
    with station.house.database.session() as session:
        return find_case(session, number).status


class Keyboard:
    """Presses keys of the page and counts them, each of a combination too."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed = 0

    def press(self, keys: str, leads_to: str = "") -> None:
        self.pressed += len(keys.split("+"))
        self.page.keyboard.press(keys)
        if leads_to:
            expect(self.page).to_have_url(re.compile(leads_to))
            self.page.wait_for_load_state()  # until then the page has no keys


def test_a_case_is_answered_and_closed_in_twelve_keys(page: Page, station: Served, numbers: list[str]) -> None:
    rows = page.locator("[data-inbox] > li")
    sign_in(page, OPERATOR, "/cases")
    for screen, least in ((PHONE, 1), (OFFICE, 8)):
        page.set_viewport_size(screen)
        boxes = [row.bounding_box() for row in rows.all()]
        seen = [box for box in boxes if box and box["y"] + box["height"] <= screen["height"]]
        assert len(seen) >= least, (screen, boxes[:9])
    keyboard = Keyboard(page)
    keyboard.press("j")
    expect(page.locator(f"#case-{numbers[0]}")).to_be_focused()
    keyboard.press("Enter", f"/cases/{numbers[0]}")
    keyboard.press("a")
    box = page.locator("#field-answer")
    expect(box).to_be_focused()
    page.keyboard.type("cjgknu? Đã sửa")
    expect(box).to_have_value("cjgknu? Đã sửa")
    keyboard.press("Control+Shift+Enter", f"/cases/{numbers[1]}")
    assert keyboard.pressed <= MOST_KEYS
    assert (status(station, numbers[0]), status(station, numbers[1])) == ("closed", "new")
    expect(page.get_by_text("Đã trả lời và đóng phản ánh.")).to_be_visible()
    keyboard.press("j", f"/cases/{numbers[2]}")
    keyboard.press("k", f"/cases/{numbers[1]}")
    with page.expect_navigation():  # while it loads, a page has no keys
        keyboard.press("g")
    expect(page.locator("[aria-keyshortcuts=g]")).to_have_count(0)
    assert status(station, numbers[1]) == "assigned"
    keyboard.press("n")
    expect(page.locator("#field-note")).to_be_focused()
    keyboard.press("Escape")
    keyboard.press("a")
    page.keyboard.type("/3")
    expect(box).to_have_value(re.compile("đã được xử lý xong"))
    page.get_by_role("button", name="Xem trước").click()
    expect(page.locator("#preview")).to_contain_text("Gửi thành")
    box.fill("")
    keyboard.press("Escape")
    with page.expect_navigation(url=re.compile(f"/cases/{numbers[2]}")):
        page.keyboard.down("c")
    page.keyboard.down("c")  # it is still held
    page.keyboard.up("c")
    keyboard.press("j", f"/cases/{numbers[3]}")
    assert (status(station, numbers[1]), status(station, numbers[2])) == ("closed", "new")


def test_several_cases_are_picked_while_others_arrive(page: Page, station: Served, numbers: list[str]) -> None:
    sign_in(page, OPERATOR, "/cases")
    bulk = page.locator("#bulk")
    expect(bulk).to_be_hidden()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(bulk.locator("[data-picked]")).to_have_text("2")
    late = arrive(station, "Vừa mới đến", days=0)
    expect(page.locator("[data-inbox] > li").first).to_contain_text("Vừa mới đến")
    expect(page.locator(f"#case-{numbers[1]}")).to_be_focused()
    for number, picked in ((numbers[0], True), (numbers[1], True), (late, False)):
        expect(page.locator(f"#pick-{number}")).to_be_checked(checked=picked)
    bulk.locator("select").select_option(label="Tài khoản operator")
    bulk.get_by_role("button", name="Giao xử lý").click()
    expect(page.get_by_text("Đã giao 2 phản ánh.")).to_be_visible()
    for number in numbers[:2]:
        page.locator(f"#pick-{number}").check()
    with station.house.database.session() as session:
        close(session, find_case(session, numbers[1]), "test", now())
    bulk.get_by_text("Đóng các phản ánh đã chọn…").click()
    bulk.get_by_label("Lý do").fill("Trùng nhau")
    bulk.get_by_label("Tôi đã xem").check()
    bulk.get_by_role("button", name="Đóng phản ánh").click()
    expect(page.get_by_text("Đã đóng 1 phản ánh.")).to_be_visible()  # the other one is gone, or is said to be closed
    assert {status(station, number) for number in numbers[:2]} == {"closed"}
