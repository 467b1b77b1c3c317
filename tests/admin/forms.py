"""Forms of pages as a browser sends them, and a station with one of everything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import html

from tests.builders.house import Browser, House
from tests.builders.in_unit import (
    account,
    broadcast,
    broken,
    case,
    device,
    duty,
    official,
    schedule,
    speaker,
    zone,
)
from tests.builders.programmes import drafted

TYPED = ("text", "search", "email", "tel", "password", "url")
PAGES = (
    "/", "/announce", "/emergency", "/account",
    "/speakers", "/speakers/0/edit", "/speakers/import", "/zones", "/zones/0/edit", "/repairs", "/speakers/slips",
    "/officials", "/officials/0/edit", "/officials/import", "/accounts", "/accounts/0/edit", "/set-up", "/search?q=loa",
    "/cases", "/programmes", "/programmes/0/edit", "/calendar", "/calendar?view=list", "/calendar/schedules/0/edit",
    "/broadcasts", "/reports", "/reports?view=page", "/reports/registers", "/duties", "/data-requests", "/audit",
    "/book", "/book/devices", "/book/devices/import", "/book/budget/0",
)  # fmt: skip


@dataclass(frozen=True)
class SentForm:
    """A form: its page, its target, its fields, and which of them are typed into."""

    page: str
    action: str
    fields: dict[str, str]
    typed: tuple[str, ...]
    multipart: bool


def things(house: House) -> list[str]:
    """Make one of everything in the commune; the pages about them."""
    unit = "commune"
    number = case(house, unit)
    plan, said = schedule(house, unit), drafted(house, unit)
    about_speaker, about_zone = speaker(house, unit), zone(house, unit)
    return [
        f"/duties/{duty(house, unit)}",
        f"/cases/{number}", f"/programmes/{said}", f"/programmes/{said}/edit",
        f"/calendar/schedules/{plan}", f"/calendar/schedules/{plan}/edit",
        f"/speakers/{about_speaker}", f"/speakers/{about_speaker}/edit", f"/zones/{about_zone}/edit",
        f"/repairs/{broken(house, unit)}",
        f"/officials/{official(house, unit)}/edit", f"/accounts/{account(house, unit)}/edit",
        f"/broadcasts/{broadcast(house, unit)}", f"/broadcasts/{broadcast(house, unit)}/stop",
        f"/book/devices/{device(house, unit)}",
    ]  # fmt: skip


def forms_on(browser: Browser, page: str) -> Iterator[SentForm]:
    """The forms on a page that change something."""
    answer = browser.get(page)
    assert answer.status_code == 200, (page, answer.status_code)
    for form in html.fromstring(answer.text).iterfind(".//form"):
        if (form.get("method") or "get").lower() != "post":
            continue
        typed = [
            field.get("name")
            for field in form.xpath(".//textarea[@name] | .//input[@name]")
            if field.tag == "textarea" or (field.get("type") or "text") in TYPED
        ]
        fields = {name: value for name, value in form.form_values() if value is not None}
        action = urljoin(page, form.get("action") or page)
        multipart = form.get("enctype") == "multipart/form-data"
        yield SentForm(page, urlsplit(action).path, fields, tuple(typed), multipart)


def field(page: str, name: str) -> str:
    """The value of a hidden field on a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]
