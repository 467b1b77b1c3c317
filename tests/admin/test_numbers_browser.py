"""Numbers and prompts in a real browser: an administrator's way through them, axe in both languages, a phone."""

import pytest
from playwright.sync_api import Page, expect

from haichieu.database import now
from haichieu.people import Account, Official, OfficialPhone
from haichieu.station import Station
from ivr.calls.number_routes import Days, Route
from ivr.calls.routing import Number
from ivr.prompts import custom
from ivr.prompts.prompt_texts import PromptTexts
from tests.admin.browsing import View, follow, look, on_every_view, sign_in
from tests.admin.served import Served

pytestmark = pytest.mark.timeout(300)

PROMPT = "/prompts/vi/hotline-menu"
LONG = "Bấm-phím-không-có-dấu-cách-nào-" * 8


@pytest.fixture(scope="module")
def station(station: Served) -> Served:
    """A station with a number whose flow is gone, one with many routes, and a prompt that is too long."""
    unit = station.house.units["commune"]
    night, off = Route("duty-desk", hours="22:00-05:00"), Route("gone", Days.OFF, "07:00-19:00", "+84912000009")
    with station.house.database.session() as session:
        session.add(Station(id=1, name="Thử", languages=["vi", "tay"]))
        session.add(Number(number="1900", flow="official-line", unit_id=unit))
        session.add(
            Number(
                number="1055", flow="hotline", unit_id=unit, duty_phone="+842063000001", duty_hours="07:30-17:00",
                routes=[night.as_row(), off.as_row()],
            )
        )  # fmt: skip
        weekend = Route("duty-desk", Days.OFF, "07:00-19:00", "+84912000001")
        session.add(
            Number(
                number="1080", flow="hotline", unit_id=unit, duty_phone="+842063000001", duty_hours="07:30-17:00",
                routes=[night.as_row(), weekend.as_row()], missed_call_back=True,
            )
        )  # fmt: skip
        hai = Official(code="1001", name="Nông Văn Hải", pin_hash="x", unit_id=unit)
        hai.phones = [OfficialPhone(number="+84912000001")]
        session.add(hai)
        texts = PromptTexts.delivered()
        custom.set_text(session, texts, "goodbye", "vi", LONG, "account:admin@district.example", now())
        session.query(Account).update({"language": ""})
    return station


@pytest.mark.proof
def test_a_number_leads_elsewhere_at_night_once_its_hours_do_not_overlap(page: Page) -> None:
    sign_in(page, "admin@district.example", "/numbers")
    follow(page, page.get_by_role("link", name="Thêm số"))
    page.get_by_label("Số", exact=True).fill("1022")
    page.get_by_label("Đơn vị").select_option("COMMUNE")
    page.locator("#field-flow").select_option("hotline")
    page.get_by_label("Máy trực", exact=True).fill("0206 3000001")
    for at, (begins, ends) in enumerate((("17:00", "07:30"), ("06:00", "08:00"))):
        row = page.get_by_role("group", name=f"Khung giờ {at + 1}")
        row.get_by_label("Từ").fill(begins)
        row.get_by_label("Đến", exact=True).fill(ends)
        row.get_by_label("Dẫn đến").select_option("duty-desk")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("alert")).to_contain_text("“mọi ngày 17:00-07:30” và “mọi ngày 06:00-08:00” trùng nhau")
    look(page, "number-overlap.vi")
    row = page.get_by_role("group", name="Khung giờ 2")
    expect(row.get_by_label("Từ")).to_have_value("06:00")
    row.get_by_label("Từ").fill("07:30")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Đã lưu.")).to_be_visible()
    page.get_by_label("Ngày", exact=True).fill("2026-11-25")
    page.get_by_label("Lúc").fill("03:15")
    page.get_by_role("button", name="Xem").click()
    expect(page.locator(".loud")).to_contain_text("Thứ Tư 25/11/2026, 03:15, ai gọi 1022 sẽ gặp: Nối ngay đến máy trực")
    page.get_by_label("Lúc").fill("12:00")
    page.get_by_role("button", name="Xem").click()
    expect(page.locator(".loud")).to_contain_text("Đường dây của bà con")
    follow(page, page.get_by_role("link", name="Sửa"))
    expect(page.get_by_role("group", name="Khung giờ 4")).to_be_visible()


@pytest.mark.proof
def test_a_prompt_is_reworded_recorded_and_restored(page: Page) -> None:
    sign_in(page, "admin@district.example", "/prompts?q=hotline+menu")
    follow(page, page.get_by_role("link", name="hotline-menu"))
    page.get_by_label("Văn bản").fill("Bấm một để nghe tin. Bấm hai để nhắn. Bấm không để gặp cán bộ.")
    page.get_by_role("button", name="Nghe thử").click()
    expect(page.locator("[data-hear-player]")).to_be_visible(timeout=20_000)
    follow(page, page.get_by_role("button", name="Dùng câu này"))
    expect(page.get_by_text("Đã đổi câu thoại")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("heading", name="câu chữ riêng")).to_be_visible()
    page.get_by_role("button", name="Bắt đầu thu").click()
    expect(page.get_by_text("Đang thu âm…")).to_be_visible()
    page.wait_for_timeout(2500)  # the browser's own test sound: a beep every second
    page.get_by_role("button", name="Dừng thu").click()
    expect(page.locator("[data-recorded]")).to_be_visible()
    follow(page, page.get_by_role("button", name="Dùng bản này"))
    expect(page.get_by_role("heading", name="bản thu riêng")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Gọi để thu").click()
    expect(page.get_by_text("sắp gọi")).to_be_visible()
    expect(page.get_by_role("button", name="Gọi để thu")).to_be_disabled()
    page.get_by_label("Bỏ câu chữ hoặc bản thu riêng này.").check()
    page.get_by_role("button", name="Dùng lại bản có sẵn").click()
    expect(page.get_by_role("heading", name="máy đọc")).to_be_visible()


@pytest.mark.proof
@on_every_view
def test_every_page_can_be_read_by_everybody(page: Page, station: Served, view: View) -> None:
    with station.house.database.session() as session:
        gone, good = (session.query(Number).filter_by(number=one).one().id for one in ("1055", "1080"))
    pages = {
        "numbers": "/numbers", "number": f"/numbers/{good}?day=2026-09-02&hour=15:30",
        "number-form": f"/numbers/{good}/edit", "number-gone": f"/numbers/{gone}",
        "number-form-gone": f"/numbers/{gone}/edit", "prompts": "/prompts?q=hotline",
        "prompts-own": "/prompts?voice=own_text", "prompt": PROMPT, "prompt-long": "/prompts/vi/goodbye",
        "prompts-empty": "/prompts?q=xyz", "prompt-values": "/prompts/vi/confirm-live",
        "prompt-no-voice": "/prompts/tay/goodbye",
    }  # fmt: skip
    sign_in(page)
    for name, path in pages.items():
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == view.language
        look(page, f"{name}-{view}")
