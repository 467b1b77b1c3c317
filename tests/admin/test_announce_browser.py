"""Broadcast now in a real browser: five actions for a text, a recording by microphone, and a large file."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from broadcast_bridge.broadcasts.draft_conversion import DraftConversion
from broadcast_bridge.models import Broadcast
from tests.admin.browsing import sign_in
from tests.admin.served import Served
from tests.builders.sounds import tone

pytestmark = pytest.mark.timeout(240)
OPERATOR = "operator@x.example"


def titles(station: Served) -> list[str]:
    with station.house.database.reading() as session:
        return list(session.scalars(sa.select(Broadcast.title).order_by(Broadcast.id)))


def test_a_text_is_on_air_after_five_actions_from_any_page(page: Page, station: Served) -> None:
    sign_in(page, OPERATOR, "/speakers")
    for action in (
        lambda: page.get_by_role("link", name="Phát ngay").click(),
        lambda: page.get_by_label("Nội dung để đài đọc").fill("Mời bà con đi họp."),
        lambda: page.get_by_label("Khu commune").check(),
        lambda: page.get_by_role("button", name="Nghe thử và xem trước").click(),
        lambda: page.get_by_role("button", name="Phát ngay").click(),
    ):
        assert titles(station) == []
        action()
    expect(page.get_by_text("Đã ra lệnh phát")).to_be_visible()
    assert titles(station) == ["Mời bà con đi họp."]
    page.go_back()
    expect(page.get_by_role("heading", name="Mời bà con đi họp.")).to_be_visible()
    assert len(titles(station)) == 1


@pytest.mark.proof
def test_a_recording_by_microphone_is_heard_and_aired(page: Page, station: Served) -> None:
    sign_in(page, OPERATOR, "/announce")
    page.locator("summary", has_text="ghi âm").click()
    page.get_by_role("button", name="Bắt đầu thu").click()
    page.wait_for_timeout(2500)
    page.get_by_role("button", name="Dừng thu").click()
    page.get_by_role("button", name="Nghe thử và xem trước").click()
    expect(page.get_by_text("Hãy chọn ít nhất một khu vực.")).to_be_visible()
    page.get_by_label("Khu commune").check()
    page.get_by_role("button", name="Nghe thử và xem trước").click()
    expect(page.get_by_role("heading", name="Xem trước khi phát")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Phát ngay").click()
    expect(page.get_by_text("Đã ra lệnh phát")).to_be_visible()
    assert titles(station)[-1] == "Ghi âm của Tài khoản operator"


@pytest.mark.proof
def test_a_large_file_shows_its_progress_and_then_the_preview(page: Page, station: Served) -> None:
    sign_in(page, OPERATOR, "/announce")
    page.get_by_label("Khu commune").check()
    page.locator("summary", has_text="ghi âm").click()
    large = {"name": "Bài hát.wav", "mimeType": "audio/wav", "buffer": tone(90.0, rate=96_000)}
    page.get_by_label("Hoặc tệp âm thanh").set_input_files([large])
    page.get_by_role("button", name="Nghe thử và xem trước").click()
    expect(page.get_by_text("đang chuyển đổi tệp", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("progressbar", name="Bài hát")).to_be_visible()
    shown_at = page.url
    page.get_by_role("link", name="Phát ngay").first.click()
    page.get_by_role("link", name="Bài hát").click()
    expect(page).to_have_url(shown_at)
    conversion = DraftConversion(station.house.database, station.house.store)
    with ThreadPoolExecutor(1) as thread:  # this one has the browser's event loop
        assert thread.submit(lambda: asyncio.run(conversion.step())).result(120) == 1
    expect(page.get_by_role("heading", name="Xem trước khi phát")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Phát ngay").click()
    expect(page.get_by_text("Đã ra lệnh phát")).to_be_visible()
    assert titles(station)[-1] == "Bài hát"
