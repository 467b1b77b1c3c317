"""Notices in a real browser: the number in the title, the sound, a delivered push, the wallboard, and dark colours."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import Message
from tests.admin.browsing import LAPTOP, PHONE, look, look_in_the_dark, sign_in
from tests.admin.served import Served
from tests.builders.broadcasts import on_air
from tests.builders.cases import written

IN_THE_DARK = ("/", "/wallboard", "/account", "/cases", "/calendar", "/speakers/map", "/flows/hotline", "/reports")

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def station(station: Served) -> Served:
    """A station with a case, a broadcast on air and an alarm."""
    written(station.house, station.house.home)
    alarm(station, "first")
    on_air(station.house, "12", "Bản tin chiều")
    return station


def alarm(station: Served, subject: str) -> None:
    with station.house.database.session() as session:
        raise_alarm(session, AlarmKind.TRUNK_DOWN, subject, Message.verbatim("Đường điện thoại hỏng."))


def ask_again(page: Page) -> None:
    """Have the page ask at once, as when it comes to the foreground."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_what_is_new_is_in_the_title_and_is_heard(page: Page, station: Served) -> None:
    sign_in(page, at="/account")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    page.get_by_label("Phát tiếng chuông").check()
    expect(page.locator("body")).to_have_attribute("data-rang", "1")  # how it sounds
    alarm(station, "second")
    ask_again(page)
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    expect(page.locator("body")).to_have_attribute("data-rang", "2")
    page.goto("/audit")
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    expect(page.locator("body[data-rang]")).to_have_count(0)  # nothing is new


@pytest.mark.proof  # the shell without windows keeps no notifications
def test_a_push_is_shown_by_the_service_worker(page: Page, station: Served) -> None:
    page.context.grant_permissions(["notifications"])
    sign_in(page, at="/account")
    expect(page.get_by_role("button", name="Bật trên thiết bị này")).to_be_visible()
    inspector = page.context.new_cdp_session(page)
    found: list[dict[str, object]] = []
    inspector.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    inspector.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.register('/service-worker.js').then(() => navigator.serviceWorker.ready)")
    said = {"title": "Cảnh báo của đài", "body": "Có 2 cảnh báo mới.", "path": "/", "tag": "alarm:2", "lang": "vi"}
    push = {"origin": station.address, "registrationId": found[0]["registrationId"], "data": json.dumps(said)}
    inspector.send("ServiceWorker.deliverPushMessage", push)
    shown = """async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ title, body, tag }) => [title, body, tag].join("|"));
    }"""
    page.wait_for_function(f"async () => (await ({shown})()).length")
    assert page.evaluate(shown) == ["Cảnh báo của đài|Có 2 cảnh báo mới.|alarm:2"]


def test_the_wallboard_renews_itself_and_is_readable(page: Page, station: Served) -> None:
    sign_in(page, at="/wallboard")
    expect(page.locator(".places")).to_be_hidden()
    before = int(page.locator(".wall-figure", has_text="cảnh báo").locator("b").inner_text())
    alarm(station, "third")
    expect(page.locator(".wall-figure", has_text="cảnh báo").locator("b")).to_have_text(str(before + 1))
    for screen in (LAPTOP, PHONE):
        page.set_viewport_size(screen)
        look(page, f"wallboard-{screen['width']}")


@pytest.mark.proof
def test_dark_colours_can_be_read(page: Page) -> None:
    sign_in(page)
    for path in IN_THE_DARK:
        page.goto(path)
        look_in_the_dark(page, path)
