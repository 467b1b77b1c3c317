"""A schedule made from a click on the calendar, in few actions, with the mouse and with the keyboard."""

import datetime

from playwright.sync_api import Page, expect

from broadcast_bridge.schedule.models import Schedule
from haichieu.database import now
from tests.admin.browsing import look, sign_in
from tests.admin.served import Served
from tests.builders.accounts import EDITOR
from tests.builders.programmes import ready

MOST_ACTIONS = 5
TOMORROW = (now() + datetime.timedelta(hours=31)).date()


class Actions:
    """Counts what a person does."""

    def __init__(self, page: Page) -> None:
        self.page, self.done = page, 0

    def click(self, name: str, role: str = "link") -> None:
        self.page.get_by_role(role, name=name).click()  # type: ignore[arg-type]
        self.done += 1

    def choose(self, field: str, option: str) -> None:
        self.page.locator(field).select_option(label=option)
        self.done += 1


def test_schedule_is_made_from_a_click_on_the_calendar(page: Page, station: Served) -> None:
    ready(station.house, title="Tin nông vụ", seconds=1800.0)
    sign_in(page, EDITOR, f"/calendar?day={TOMORROW}")
    place = page.locator(f'[data-hour="{TOMORROW}T08"]')
    actions = Actions(page)
    place.click()
    actions.done += 1
    expect(page.locator("#field-time")).to_have_value("08:00")
    for hidden in ("#field-category", "#field-rule", "#field-lunar_days", "#field-official"):
        expect(page.locator(hidden)).to_be_hidden()
    actions.choose("#field-programme", "Tin nông vụ")
    actions.click("Khu commune", "checkbox")
    actions.click("Hằng ngày trừ Chủ nhật", "radio")
    actions.click("Lưu", "button")
    expect(page.get_by_text("Thứ Bảy hằng tuần lúc 08:00").first).to_be_visible()
    assert actions.done <= MOST_ACTIONS
    with station.house.database.session() as session:
        made = session.query(Schedule).one()
        assert (made.title, made.rrule.count(","), f"{made.starts:%H:%M}") == ("Tin nông vụ", 5, "08:00")
    page.goto(f"/calendar?day={now() + datetime.timedelta(hours=7):%Y-%m-%d}")
    expect(page.locator(".now-line")).to_have_count(1)
    look(page, "calendar-now-vi")
    page.goto(f"/calendar?day={TOMORROW + datetime.timedelta(days=7)}")
    expect(page.get_by_role("img", name="30 phút").first).to_be_visible()
    reachable = page.locator(".add-here[tabindex='0']")
    expect(reachable).to_have_count(1)
    reachable.focus()
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#field-day")).to_be_visible()
    page.get_by_label("Danh sách phát (nhiều chương trình nối tiếp)").check()
    items = page.locator("[name=item]:visible")
    expect(items).to_have_count(1)
    option = page.locator("#programmes option").first.get_attribute("value") or ""
    items.first.fill(option)
    items.nth(1).fill("B")
    page.get_by_role("button", name="Lên trước").click()
    expect(items.first).to_have_value("B")
    expect(items.nth(1)).to_have_value(option)
    look(page, "schedule-playlist-vi")
