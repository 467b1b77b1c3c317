"""Call flows in a real browser: a menu changed by form, by dragging and by keyboard, tried, published, taken back."""

import pytest
from playwright.sync_api import Page, expect

from tests.admin.browsing import drag, follow, look, sign_in, views
from tests.admin.served import Served

pytestmark = pytest.mark.timeout(240)

DRAFT = "/flows/hotline/draft"


def leads(page: Page, key: str) -> str:
    """The step that a key of the main menu leads to."""
    item = page.locator(f'[data-order="order-main-menu"] > [data-exit="{key}"]')
    return item.locator(".flow-head b, .flow-to a").first.inner_text()


def test_a_menu_from_draft_to_published_and_back(page: Page, station: Served) -> None:
    sign_in(page, at="/flows")
    follow(page, page.get_by_role("link", name="Sửa hotline"))
    page.get_by_label("Tên bước").fill("gio-lam-viec")
    page.get_by_label("Việc của bước").select_option("say")
    page.get_by_label("Đứng sau bước").select_option("main-menu")
    page.get_by_label("qua lối ra").fill("5")
    page.get_by_role("button", name="Thêm", exact=True).click()
    expect(page.get_by_text("thiếu prompt")).to_be_visible()
    look(page, "flow-step-wrong-vi")
    page.get_by_label("Câu thoại").select_option("duty-desk-closed")
    page.get_by_label("xong").select_option("main-menu")
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.get_by_text("Không có chỗ sai")).to_be_visible()
    assert (leads(page, "1"), leads(page, "2"), leads(page, "5")) == ("Chọn xã", "Để lại lời nhắn", "gio-lam-viec")
    handle = page.locator('[data-order="order-main-menu"] > [data-exit="2"] > .flow-way > .flow-exit')
    target = page.locator('[data-order="order-main-menu"] > [data-exit="1"] > .flow-way > .flow-exit')
    page.goto(DRAFT)  # a page that is at rest: the one before is still on its way to the step that was saved
    with page.expect_navigation():
        drag(page, handle, target)
    assert (leads(page, "1"), leads(page, "2")) == ("Để lại lời nhắn", "Chọn xã")
    with page.expect_navigation():
        page.get_by_role("button", name="Đưa Chọn xã lên trước phím 2").press("Enter")
    assert (leads(page, "1"), leads(page, "2")) == ("Chọn xã", "Để lại lời nhắn")
    follow(page, page.get_by_role("link", name="Thử", exact=True))
    page.get_by_label("Bấm phím, ví dụ").fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("gio-lam-viec")).to_be_visible()
    page.get_by_role("button", name="2", exact=True).click()
    expect(
        page.get_by_text("Phản ánh của bà con về việc gì").or_(page.locator("code", has_text="Để lại lời nhắn"))
    ).to_be_visible()
    page.goto("/flows/hotline/publish")
    page.get_by_label("Lý do thay đổi").fill("Thêm phím 5: giờ làm việc")
    page.get_by_role("button", name="Áp dụng").click()
    expect(page.get_by_text("Từ cuộc gọi kế tiếp, đài theo bản 1.")).to_be_visible()
    follow(page, page.get_by_role("link", name="Bản 0"))
    page.get_by_label("Lý do thay đổi").fill("Ghi thiếu câu thoại")
    page.get_by_role("button", name="Quay lại bản 0").click()
    expect(page.get_by_text("nay là bản 2")).to_be_visible()


@pytest.mark.proof
def test_every_page_of_flows_can_be_read_by_everybody(page: Page, station: Served) -> None:
    sign_in(page, at=f"{DRAFT}/language")
    page.get_by_label("Tên bước").fill("ngon-ngu")
    follow(page, page.get_by_role("button", name="Lưu", exact=True))
    page.goto("/flows/answer-call/draft/answers")
    page.get_by_label("nói thêm").select_option("")
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.get_by_text("thiếu lối ra speak").first).to_be_visible()
    pages = {
        "flows": "/flows", "flow": "/flows/hotline", "flow-draft": DRAFT, "flow-step": f"{DRAFT}/main-menu",
        "flow-json": "/flows/hotline/json", "flow-publish": "/flows/hotline/publish",
        "flow-draft-wrong": "/flows/answer-call/draft", "flow-publish-wrong": "/flows/answer-call/publish",
        "flow-trial": "/flows/official-line/simulator?keys=2468%23&keys=1", "flow-version": "/flows/hotline/versions/1",
    }  # fmt: skip
    for other, view in views(page, station):
        for name, path in pages.items():
            other.goto(path)
            look(other, f"{name}-{view}")
