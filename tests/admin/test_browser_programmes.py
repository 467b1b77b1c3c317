"""Programmes and the calendar in a real browser: one person's way from a file to the week, and axe on every page."""

import datetime
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from haichieu.database import now
from tests.admin.browsing import follow, look, sign_in, views
from tests.admin.served import Served
from tests.builders.sounds import tone

pytestmark = pytest.mark.timeout(240)


def test_uploaded_file_is_approved_planned_and_shown_in_the_week(page: Page, station: Served, tmp_path: Path) -> None:
    (tmp_path / "bai-hat.wav").write_bytes(tone(2))
    sign_in(page, "editor@x.example", "/programmes/0/edit")
    look(page, "programme-new-vi")
    form = page.locator("form[data-upload]")
    form.get_by_label("Tiêu đề").fill("Bài hát quê hương")
    form.get_by_label("Tệp âm thanh").set_input_files(tmp_path / "bai-hat.wav")
    form.get_by_role("button", name="Gửi lên").click()
    expect(page.get_by_text("Đã thêm chương trình.")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Gửi duyệt").click()
    expect(page.get_by_text("chờ duyệt")).to_be_visible()
    path = page.url
    page.context.clear_cookies()
    sign_in(page, "approver@x.example", path)
    look(page, "programme-vi")
    page.get_by_role("button", name="Duyệt", exact=True).click()
    expect(page.get_by_text("đã duyệt", exact=True)).to_be_visible()
    follow(page, page.get_by_role("link", name="Đặt lịch"))
    look(page, "schedule-form-vi")
    tomorrow = (now() + datetime.timedelta(hours=31)).date()
    page.get_by_label("Tên lịch phát").fill("Tin sáng")
    page.get_by_label("Khu commune").check()
    page.get_by_label("Ngày (đầu tiên)").fill(tomorrow.isoformat())
    page.get_by_label("Hằng ngày", exact=True).check()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Hằng ngày lúc 05:30").first).to_be_visible()
    for other, view in views(page, station, "approver@x.example"):
        for at in ("/programmes", path, "/calendar/schedules/1", "/calendar?view=list"):
            other.goto(at)
            look(other, f"{re.sub('[^a-z0-9]+', '-', at.rpartition('://')[2])}-{view}")
        other.goto(f"/calendar?day={tomorrow}")
        expect(other.get_by_role("link", name="Tin sáng", exact=True).first).to_be_visible()
        look(other, f"calendar-week-{view}")
        other.goto(f"/calendar?view=month&day={tomorrow}")
        look(other, f"calendar-month-{view}")


def test_a_programme_is_spoken_into_the_browser(page: Page) -> None:
    sign_in(page, "editor@x.example", "/programmes/0/edit")
    form = page.locator("form[data-upload]")
    form.get_by_label("Tiêu đề").fill("Lời trưởng thôn")
    form.get_by_role("button", name="Bắt đầu thu").click()
    page.wait_for_timeout(2500)
    form.get_by_role("button", name="Dừng thu").click()
    form.get_by_role("button", name="Gửi lên").click()
    expect(page.get_by_text("Đã thêm chương trình.")).to_be_visible(timeout=60_000)
    expect(page.locator("canvas.wave")).to_have_attribute("data-drawn", "240")
