"""The panel in Debian's Chromium: a page whose console must stay silent, axe's look at it, and a click that arrives."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from tests.admin.served import Served
from tests.builders.accounts import PASSWORD

expect.set_options(timeout=20_000)  # a busy machine is slow, and a page that is right at last is right
PROOF = bool(os.environ.get("HAICHIEU_PROOF"))
HUGE = "Loa cụm dân cư " * 667
AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE, LAPTOP = ViewportSize(width=360, height=740), ViewportSize(width=1280, height=800)
PROGRAM = "chromium" if PROOF else "chromium-headless-shell"
"""The shell is the same browser without its windows: it takes half of the processor's time."""
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program, flags = program_and_flags(tmp_path_factory.mktemp("browser"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


def program_and_flags(folder: Path) -> tuple[str, list[str]]:
    """Return the browser and how to start it.

    Root's browser gets no sandbox and, by a script in `folder`, no right to raise its priority above that of calls.
    """
    program = shutil.which(PROGRAM)
    assert program, f"{PROGRAM} is missing: docker/install-system-packages test proof"
    if os.geteuid() != 0:
        return program, FLAGS
    script = folder / "chromium"
    script.write_text(f'#!/bin/sh\nexec setpriv --inh-caps=-sys_nice --bounding-set=-sys_nice {program} "$@"\n')
    script.chmod(0o755)
    return str(script), [*FLAGS, "--no-sandbox"]


@dataclass(frozen=True, eq=False)
class View:
    """A language and a screen in which the panel is looked at."""

    language: str = "vi"
    screen: ViewportSize = field(default_factory=lambda: LAPTOP)

    def __str__(self) -> str:
        return f"{self.language}-{self.screen['width']}"


EVERY_VIEW = [View(language, screen) for language in ("vi", "en") for screen in (PHONE, LAPTOP)]
VIEWS = EVERY_VIEW if PROOF else [View("vi", PHONE)]
on_every_view = pytest.mark.parametrize("view", VIEWS, ids=str)
"""Open the page in Vietnamese on a phone and, with HAICHIEU_PROOF, in both languages on both screens."""


@pytest.fixture
def view() -> View:
    return View()


@pytest.fixture
def page(chromium: Browser, station: Served, view: View) -> Iterator[Page]:
    """A page of its own, whose console must stay silent."""
    with opened(chromium, station.address, view) as page:
        yield page


@contextlib.contextmanager
def opened(chromium: Browser, address: str, view: View) -> Iterator[Page]:
    """Open a page for the length of the block; afterwards its console must have been silent."""
    locale = {"vi": "vi-VN", "en": "en-GB"}[view.language]
    context = chromium.new_context(base_url=address, locale=locale, viewport=view.screen)
    context.set_default_timeout(60_000)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    said = [
        line for line in said if "INTERNET_DISCONNECTED" not in line and not re.match(r"\[object|htmx:", line)
    ]  # a lost line
    answered = ("404 (NOT FOUND)", "401 (UNAUTHORIZED)", "422 (UNPROCESSABLE ENTITY)")
    assert [line for line in said if not line.endswith(answered)] == []


def sign_in(page: Page, email: str = "admin@district.example", at: str = "/") -> None:
    """Sign in without opening the form, which costs as much as the rest of a short test, and open a page."""
    page.goto("about:blank")  # what an open page asks for in the background has a session, and a token, of its own
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.request.get("/login").text())
    assert token
    form = {"csrf_token": token[1], "email": email, "password": PASSWORD, "next": "/account"}
    answer = page.request.post("/login", form=form, max_redirects=0)
    assert answer.status == 303, answer.text()
    page.goto(at)


def sign_in_by_form(page: Page, email: str = "admin@district.example") -> None:
    """Sign in as people do."""
    page.goto("/login")
    page.get_by_label(re.compile("^Email|^E-mail")).fill(email)
    page.get_by_label(re.compile("^Mật khẩu|^Password")).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("^Đăng nhập|^Sign in")).click()
    expect(page.locator(".places")).to_be_visible()


def views(page: Page, station: Served, email: str = "admin@district.example") -> Iterator[tuple[Page, View]]:
    """Open a page of an account in each view, for what a test has made on another page; with HAICHIEU_PROOF only."""
    browser = page.context.browser
    assert browser
    for view in VIEWS if PROOF else ():
        with opened(browser, station.address, view) as other:
            sign_in(other, email, "about:blank")
            yield other, view


def follow(page: Page, way: Locator) -> None:
    """Click, and be where it leads: a click alone returns while the page before it still stands."""
    with page.expect_navigation():
        way.click()


def drag(page: Page, what: Locator, onto: Locator) -> None:
    """Drag and drop by events: on a busy machine the mouse of the browser's debugger drops nothing."""
    carried = page.evaluate_handle("() => new DataTransfer()")
    for where, event in ((what, "dragstart"), (onto, "dragover"), (onto, "drop")):
        where.dispatch_event(event, {"dataTransfer": carried})


def overfill(page: Page, label: str) -> None:
    """Put in more than the page would let anybody type."""
    field = page.get_by_label(label, exact=True)
    field.evaluate("one => one.removeAttribute('maxlength')")
    field.fill(HUGE)


BELOW_THE_END = """(() => {
  const end = document.body.getBoundingClientRect().bottom - parseFloat(getComputedStyle(document.body).paddingBottom);
  return Math.max(...[...document.querySelectorAll("main")].map(one => one.getBoundingClientRect().bottom), 0) - end;
})()"""
"""How far a page reaches into the space that is kept for the bar of places, from where nobody could scroll it out."""


def look(page: Page, name: str) -> None:
    """Have axe look at a page, see that nothing hangs over its edge, and keep a picture where one is asked for."""
    check(page, name)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, name
    assert page.evaluate(BELOW_THE_END) <= 1, name
    if folder := os.environ.get("HAICHIEU_TEST_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    if PROOF:
        look_in_the_dark(page, name)


def look_in_the_dark(page: Page, name: str) -> None:
    """Have axe look at the colours of a page for users who prefer dark ones."""
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # no colour halfway between two
    check(page, f"{name} in the dark", rules=["color-contrast", "link-in-text-block"])
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")


def check(page: Page, name: str, rules: list[str] | None = None) -> None:
    """Have axe check a page, by some rules or by those of the standards."""
    page.evaluate(AXE)  # by the debugger, which the page's own policy does not bind
    wanted = {"runOnly": rules or STANDARDS, "resultTypes": ["violations"]}
    found = page.evaluate("wanted => axe.run(document, wanted)", wanted)
    violations = [
        (one["id"], node["html"][:200], node["failureSummary"]) for one in found["violations"] for node in one["nodes"]
    ]
    assert violations == [], (name, violations[:3])
