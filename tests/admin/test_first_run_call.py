"""The first run with a browser alone: from an empty station to a test call that a SIP phone hears."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from admin.set_up.first_link import first_link
from haichieu.audio.sound import read_wav
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, trial_station
from haichieu.processes.sounds import open_prompts
from tests.admin.browsing import LAPTOP, program_and_flags
from tests.builders.accounts import PASSWORD
from tests.station.quick_voice import speaking_quickly
from tests.station.scene import until_heard

pytestmark = [pytest.mark.calls, pytest.mark.proof, pytest.mark.asyncio, pytest.mark.timeout(240)]
SECONDS = 30_000
expect.set_options(timeout=SECONDS)
NUMBER = "+842063870001"


@pytest_asyncio.fixture
async def station(tmp_path: Path) -> AsyncIterator[TrialStation]:
    """An empty station that runs."""
    with speaking_quickly(tmp_path):
        async with trial_station(None, transcriber="none") as running:
            yield running


@pytest_asyncio.fixture
async def page(station: TrialStation, tmp_path: Path) -> AsyncIterator[Page]:
    """A browser at the station."""
    address = f"http://127.0.0.1:{station.settings.web_port}"
    async with async_playwright() as playwright:
        program, flags = program_and_flags(tmp_path)
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        context = await browser.new_context(base_url=address, locale="vi-VN", viewport=LAPTOP)
        context.set_default_timeout(SECONDS)
        yield await context.new_page()
        await browser.close()


async def fill(page: Page, **fields: str) -> None:
    """Fill in the fields of the form on the page and send it; `password` is the administrator's own."""
    for name, value in fields.items():
        await page.locator(f"main [name={name}]").fill(value)
    if await page.locator("main #own-password").count():
        await page.locator("main #own-password").fill(PASSWORD)
    await page.locator("main form button.btn-primary").first.click()


async def begin_step(page: Page, link: str) -> None:
    """Open the set-up steps and follow one of their links."""
    await page.goto("/set-up")
    await page.get_by_role("link", name=link, exact=True).click()


async def test_newcomer_with_a_browser_reaches_a_heard_test_call(
    station: TrialStation, page: Page, tmp_path: Path
) -> None:
    await page.goto("/first-run/" + first_link(station.settings).rpartition("/")[2])
    await page.locator("[name=level]").select_option("commune")
    await fill(
        page, unit_name="Xã Cô Ba", unit="CO-BA", name="Nông Văn Hải", email="hai@cb.example", password=PASSWORD,
        password_again=PASSWORD,
    )  # fmt: skip
    await expect(page.get_by_role("heading", name="1. Đơn vị xong")).to_be_visible()

    await begin_step(page, "Thêm điện thoại")
    await fill(page, id="may-thu", name="Máy thử", caller_number="0206 3870 001")
    server, name, password = [
        await page.locator("dt", has_text=re.compile(f"^{title}$"))
        .locator("xpath=following-sibling::dd[1]")
        .inner_text()
        for title in ("Máy chủ SIP", "Mã", "Mật khẩu SIP")
    ]
    await begin_step(page, "Thêm số")
    await fill(page, number="1900")
    await begin_step(page, "Thêm cụm loa")
    await fill(page, id="cb-01", name="Nhà văn hóa")
    await begin_step(page, "Thêm khu vực")
    await page.locator("main [name=units]").first.check()
    await fill(page, code="11", name="Cả xã")
    await begin_step(page, "Thêm cán bộ")
    await page.locator("main [name=zones]").first.check()
    await page.locator("main [name=may][value=live]").check()
    await fill(page, code="1001", name="Nông Văn Hải", phones="0912 000 001")
    await expect(page.locator(".slip").first).to_be_visible()

    heard = tmp_path / "heard.wav"
    async with SoftPhone(server=server, id=name, password=password, record=heard) as phone:
        await phone.registered(30)
        await page.goto("/set-up")
        await expect(page.get_by_text("chưa xong", exact=True)).to_have_count(2)
        await page.locator("[name=phone]").select_option(NUMBER)
        await page.get_by_role("button", name="Gọi thử máy này").click()
        await phone.incoming(30)
        await phone.answer()
        await until_heard(heard, read_wav(f"{open_prompts(station.opened).sound('trial-call', 'vi')}.wav"))
        await phone.digits("1")
        await phone.ended(30)
        await expect(page.get_by_text("đã nghe rõ")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name=re.compile("Gọi thử xong"))).to_be_visible()
