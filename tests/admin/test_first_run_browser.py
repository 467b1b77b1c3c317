"""The first run in a real browser, on a phone: from an empty station to its first pages."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from admin.set_up.first_link import first_link
from haichieu.settings import load_settings
from tests.admin.browsing import HUGE, PHONE, follow, look, overfill
from tests.admin.served import Served

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def station(web: Served, migrated_sqlite: Path) -> Served:
    """A station without a single account."""
    web.empty(migrated_sqlite)
    return web


def test_an_empty_station_is_set_up_on_a_phone(page: Page, station: Served) -> None:
    link = "/first-run/" + first_link(load_settings(home=station.house.home)).rpartition("/")[2]
    page.set_viewport_size(PHONE)
    page.goto(link)
    look(page, "first-run-vi-360")
    overfill(page, "Tên đơn vị")
    page.get_by_label("Mã đơn vị").fill("BAO-LAC")
    page.get_by_label("Họ tên").fill("Nông Văn Hải")
    page.get_by_label("Email").fill("hai@bl.example")
    page.get_by_label("Mật khẩu", exact=True).fill("ba-con-ech-xanh")
    page.get_by_label("Nhập lại mật khẩu").fill("ba-con-ech-xanh")
    follow(page, page.get_by_role("button", name="Tạo đài"))
    expect(page.get_by_label("Tên đơn vị")).to_have_value(HUGE)
    look(page, "first-run-refused-vi-360")
    page.get_by_label("Tên đơn vị").fill("Xã Bảo Lạc")
    page.get_by_label("Mật khẩu", exact=True).fill("ba-con-ech-xanh")
    page.get_by_label("Nhập lại mật khẩu").fill("ba-con-ech-xanh")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1. Đơn vị xong")).to_be_visible()
    follow(page, page.get_by_role("link", name="Thêm đơn vị"))
    look(page, "first-run-units-vi-360")
    page.get_by_label("Tên các đơn vị mới").fill("Xóm Nà Phạc\nXóm Cốc Xả")
    page.get_by_role("button", name="Thêm", exact=True).click()
    expect(page.get_by_text("Đã thêm 2 đơn vị: Xóm Nà Phạc (BAO-LAC-1), Xóm Cốc Xả (BAO-LAC-2).")).to_be_visible()
    for path in (
        "/set-up",
        "/",
        "/speakers",
        "/speakers/map",
        "/zones",
        "/officials",
        "/accounts",
        "/station",
        "/audit",
    ):
        page.goto(path)
        look(page, f"empty-{path.strip('/').replace('/', '-') or 'now'}-vi-360")
