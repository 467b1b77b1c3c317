"""Take the pictures of `docs/screenshots`: `python -m tests.admin.screenshots [NAME…]`, all without a name.

Every page is taken 1280 pixels wide in both languages, and 360 pixels wide in Vietnamese. The first run is taken of a
station that is empty.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from admin.set_up.first_link import first_link
from haichieu.database import migrate
from haichieu.settings import load_settings
from tests.admin.browsing import program_and_flags
from tests.admin.screenshots.district import ADMIN, APPROVER, EDITOR, OPERATOR, build_district
from tests.admin.served import web_process
from tests.builders.accounts import PASSWORD

FOLDER = Path(__file__).parents[3] / "docs" / "screenshots"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
MOST_BYTES = 120_000
MOST_PIXELS = 1900
"""Of a page's height; long lists are cut there."""
COLOURS = (64, 32, 16)


def nothing(page: Page) -> None:
    """Take the page as it opens."""


@dataclass(frozen=True)
class Shot:
    """One picture: who opens which page, and what they do there first."""

    name: str
    path: str
    who: str = ADMIN
    does: Callable[[Page], None] = nothing


def press(*names: str) -> Callable[[Page], None]:
    """Press buttons or links one after the other; each name has both languages, as `Lưu|Save`."""

    def does(page: Page) -> None:
        for name in names:
            pattern = re.compile(f"^({name})")
            page.get_by_role("button", name=pattern).or_(page.get_by_role("link", name=pattern)).first.click()
            page.wait_for_load_state()

    return does


def reset_a_pin(page: Page) -> None:
    """Give the only official of the list a new PIN."""
    press("Cấp lại PIN|Reset PIN")(page)
    page.locator("#password-for-pin").fill(PASSWORD)
    press("Cấp lại PIN|Reset PIN")(page)


def say_an_emergency(page: Page) -> None:
    """Fill in the first step of an emergency."""
    page.get_by_role("checkbox").first.check()
    page.locator("#field-text").fill("Nước lũ đang về suối Nà Lùng. Bà con ở ven suối lên ngay nhà văn hóa xã.")


def confirm_an_emergency(page: Page) -> None:
    """Continue to the second step without confirming it."""
    say_an_emergency(page)
    press("Xem trước|Preview")(page)


def write_an_answer(page: Page) -> None:
    """Preview an answer to the newest spoken case."""
    open_newest(page)
    page.locator("#field-answer").fill("Xã đã cử người đến thay ván cầu treo Nà Lùng, ba ngày nữa xong.")
    for way in page.locator("form:has(#field-answer) input[name=way]").all():
        way.check()
    press("Xem trước|Preview")(page)
    page.locator("#preview dl").wait_for()


def open_newest(page: Page) -> None:
    """Open the newest of a list."""
    page.locator("[data-inbox] a").first.click()
    page.wait_for_load_state()


def prepare_a_broadcast(page: Page) -> None:
    """Write a text and choose a zone, to be heard and confirmed."""
    page.locator("#field-text").fill("Đúng 19h00 ngày 30/11/2026, mời bà con đến nhà văn hóa họp thôn.")
    page.locator("input[name=zone]").first.check()
    page.locator("main form button:not([type])").click()
    page.wait_for_load_state()


def paste_a_table(page: Page) -> None:
    """Try a table with a line that is wrong."""
    sample = page.locator("pre").inner_text().replace("CO-BA", "BL-CB")
    page.locator("#field-table").fill(f"{sample}\ncb-07,Trường tiểu học,CO-BE,22.96,105.70")
    page.locator("main form button").last.click()
    page.wait_for_load_state()


def merge_units(page: Page) -> None:
    """Open the form that merges units into the last one of the tree."""
    page.locator("main details:has(a[href$='/merge'])").last.locator("summary").first.click()
    page.locator("main a[href$='/merge']:visible").last.click()
    page.wait_for_load_state()


def make_a_token(page: Page) -> None:
    """Make a key to the API, which is shown once."""
    page.locator("input[name=name]").fill("Sao lưu hằng đêm")
    page.locator("#password-for-token").fill(PASSWORD)
    page.locator("form:has(input[name=name]) button").click()
    page.wait_for_load_state()


SHOTS = (
    Shot("login", "/login", ""), Shot("now", "/"), Shot("wallboard", "/wallboard"),
    Shot("search", "/search?q=nong"),
    Shot("stop", "/", ADMIN, press("Dừng|Stop")),
    Shot("announce", "/announce", OPERATOR), Shot("announcement", "/announce", OPERATOR, prepare_a_broadcast),
    Shot("emergency", "/emergency", OPERATOR, say_an_emergency),
    Shot("emergency-confirm", "/emergency", OPERATOR, confirm_an_emergency),
    Shot("cases", "/cases", OPERATOR), Shot("case", "/cases?tab=all&channel=call", OPERATOR, open_newest),
    Shot("case-answered", "/cases?status=answered", OPERATOR, open_newest),
    Shot("case-answer", "/cases?tab=all&channel=call", OPERATOR, write_an_answer),
    Shot("programmes", "/programmes", EDITOR), Shot("programme-new", "/programmes/0/edit", EDITOR),
    Shot("programme", "/programmes/1", EDITOR), Shot("programme-returned", "/programmes/4", EDITOR),
    Shot("programme-approve", "/programmes/5", APPROVER), Shot("programme-edit", "/programmes/4/edit", EDITOR),
    Shot("calendar-week", "/calendar", EDITOR), Shot("calendar-month", "/calendar?view=month", EDITOR),
    Shot("schedules", "/calendar?view=list", EDITOR), Shot("schedule", "/calendar/schedules/2", EDITOR),
    Shot("schedule-form", "/calendar/schedules/3/edit", EDITOR),
    Shot("schedule-move", "/calendar", EDITOR, press("Sau|Next|After", "Dời|Move")),
    Shot("broadcast-log", "/broadcasts"), Shot("broadcast", "/broadcasts/2"),
    Shot("broadcast-again", "/broadcasts/2/again", EDITOR),
    Shot("broadcast-programme", "/broadcasts/1/programme", EDITOR), Shot("reports", "/reports"),
    Shot("effectiveness", "/reports?view=page"), Shot("registers", "/reports/registers"),
    Shot("duties", "/duties", EDITOR), Shot("duty", "/duties/1", EDITOR), Shot("data-requests", "/data-requests"),
    Shot("repairs", "/repairs"), Shot("repair", "/repairs/1"), Shot("pole-slips", "/speakers/slips"),
    Shot("speakers", "/speakers"), Shot("speakers-map", "/speakers/map"), Shot("speaker", "/speakers/1"),
    Shot("speaker-form", "/speakers/0/edit"),
    Shot("speaker-account", "/speakers/1", ADMIN, press("Thông tin lắp đặt|Installer details")),
    Shot("speakers-import", "/speakers/import", ADMIN, paste_a_table),
    Shot("zones", "/zones"), Shot("zone-form", "/zones/2/edit"),
    Shot("book", "/book"), Shot("book-devices", "/book/devices"), Shot("book-device", "/book/devices/1"),
    Shot("officials", "/officials"), Shot("official-form", "/officials/2/edit"),
    Shot("official-slip", "/officials?q=1004", ADMIN, reset_a_pin),
    Shot("officials-import", "/officials/import"),
    Shot("numbers", "/numbers"), Shot("number", "/numbers", ADMIN, press("1022")),
    Shot("number-form", "/numbers", ADMIN, press("1022", "Sửa|Change|Edit")),
    Shot("flows", "/flows"), Shot("flow", "/flows/hotline"), Shot("flow-draft", "/flows/hotline/draft"),
    Shot("flow-step", "/flows/hotline/draft/main-menu"), Shot("flow-json", "/flows/hotline/json"),
    Shot("flow-trial", "/flows/hotline/simulator"), Shot("flow-publish", "/flows/hotline/publish"),
    Shot("flow-version", "/flows/hotline/versions/0"),
    Shot("prompts", "/prompts"), Shot("prompt", "/prompts/vi/greeting-hotline"),
    Shot("units", "/units"), Shot("unit-merge", "/units", ADMIN, merge_units), Shot("station", "/station"),
    Shot("accounts", "/accounts"), Shot("account-form", "/accounts/2/edit"), Shot("account-new", "/accounts/0/edit"),
    Shot("accounts-import", "/accounts/import"),
    Shot("audit", "/audit"), Shot("my-account", "/account"), Shot("second-factor", "/account/second-factor"),
    Shot("token", "/account", ADMIN, make_a_token), Shot("set-up", "/set-up"), Shot("not-found", "/khong-co"),
)  # fmt: skip
BEGINNING = Shot("first-run", "")


def take(browser: Browser, address: str, shots: list[Shot]) -> None:
    """Take the pictures of a station."""
    for language in ("vi", "en"):
        pages: dict[str, Page] = {}
        for shot in shots:
            if shot.who not in pages:
                pages[shot.who] = _at_work(browser, address, shot.who, language)
            page = pages[shot.who]
            page.set_viewport_size(WIDE)  # type: ignore[arg-type]
            page.goto(shot.path)
            shot.does(page)
            _keep(page, f"{shot.name}.{language}")
            if language == "vi":
                page.set_viewport_size(NARROW)  # type: ignore[arg-type]
                _keep(page, f"{shot.name}.vi.360")
        for page in pages.values():
            page.context.close()


def _at_work(browser: Browser, address: str, who: str, language: str) -> Page:
    context = browser.new_context(base_url=address, locale="vi-VN", viewport=WIDE)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/login")
    if language == "en":
        page.get_by_role("button", name="English").click()
    if who:
        page.locator("#field-email").fill(who)
        page.locator("#field-password").fill(PASSWORD)
        page.locator("main form button").click()
        page.wait_for_load_state()
    return page


def _keep(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(400)  # waveforms are being drawn
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.png"
        if (over := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 0:
            print(f"{name}: {over} pixels hang over the edge", file=sys.stderr)
        height = min(page.evaluate("document.documentElement.scrollHeight"), MOST_PIXELS)
        before = page.viewport_size or NARROW
        clip = {"x": 0, "y": 0, "width": before["width"], "height": height}
        if before["width"] == NARROW["width"]:  # else the tabs at the foot of the screen appear in the middle
            page.set_viewport_size({"width": before["width"], "height": max(height, before["height"])})
        page.screenshot(path=str(full), full_page=True, clip=clip, animations="disabled")  # type: ignore[arg-type]
        page.set_viewport_size(before)
        target = FOLDER / f"{name}.png"
        for colours in COLOURS:
            filters = (
                f"split[a][b];[a]palettegen=max_colors={colours}:reserve_transparent=0[p];[b][p]paletteuse=dither=none"
            )
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", full, "-vf", filters, target], check=True)
            if target.stat().st_size <= MOST_BYTES:
                return
    print(f"{target}: {target.stat().st_size} bytes", file=sys.stderr)


def main(names: list[str]) -> None:
    """Build the stations, serve them and take what was asked for."""
    unknown = set(names) - {shot.name for shot in (*SHOTS, BEGINNING)}
    if unknown:
        sys.exit(f"There is no picture called {', '.join(unknown)}.")
    wanted = [shot for shot in SHOTS if not names or shot.name in names]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        program, flags = program_and_flags(Path(folder))
        browser = playwright.chromium.launch(executable_path=program, args=[*flags, "--hide-scrollbars"])
        if wanted:
            (home := Path(folder) / "district").mkdir()
            build_district(home).close()
            with web_process(home) as (address, _):
                take(browser, address, wanted)
        if not names or BEGINNING.name in names:
            (home := Path(folder) / "empty").mkdir()
            migrate(f"sqlite:///{home / 'haichieu.sqlite'}")
            path = "/first-run/" + first_link(load_settings(home=home)).rpartition("/")[2]
            with web_process(home) as (address, _):
                take(browser, address, [Shot(BEGINNING.name, path, "")])
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
